// How far two runs' logits lie apart as a choice of the next token.
import { softmaxGap } from "../eval/softmax-gap.ts";

export interface LogitsGap {
  readonly positions: number;
  /** KL(A ‖ B) of the softmax distributions in nats, over the positions. */
  readonly meanKl: number;
  readonly maxKl: number;
  /** Share of positions at which both have the same highest logit. */
  readonly top1: number;
  /** Of the five highest of A, the share that is among the five highest of B. */
  readonly top5: number;
  /** Where A's top token ranks worst in B (0: it is B's top token, too), and the position. */
  readonly worstRank: number;
  readonly worstRankPosition: number;
  /** Some of the logits, [A, B], for a scatter plot. */
  readonly sample: readonly (readonly [a: number, b: number])[];
}

const TOP = 5;
const SAMPLE = 1500;

export interface LogitsMeter {
  /** Rows of logits [count, vocab] of both. */
  add(a: Float32Array, b: Float32Array): void;
  result(): LogitsGap;
}

export function createLogitsMeter(positions: number, vocab: number): LogitsMeter {
  let row = 0;
  let [sumKl, maxKl, sameTop, sharedTop, worstRank, worstRankPosition] = [0, 0, 0, 0, 0, 0];
  const most = Math.min(TOP, vocab);
  // A stride without a factor in common with the vocabulary meets every token sooner or later.
  const stride = Math.max(1, Math.floor((positions * vocab) / SAMPLE) | 1);
  const sample: [number, number][] = [];
  return {
    add(a, b) {
      for (let at = 0; at < a.length; at += vocab, row++) {
        const [x, y] = [a.subarray(at, at + vocab), b.subarray(at, at + vocab)];
        const { kl } = softmaxGap(x, y);
        sumKl += kl;
        maxKl = Math.max(maxKl, kl);
        const [topX, topY] = [highest(x, most), highest(y, most)];
        if (topX[0] === topY[0]) sameTop++;
        sharedTop += topX.filter((id) => topY.includes(id)).length / most;
        const rank = rankOf(y, topX[0]);
        if (rank > worstRank) [worstRank, worstRankPosition] = [rank, row];
        const first = (stride - ((row * vocab) % stride)) % stride;
        for (let i = first; i < vocab && sample.length < SAMPLE; i += stride) sample.push([x[i], y[i]]);
      }
    },
    result: () => ({
      positions,
      meanKl: sumKl / positions,
      maxKl,
      top1: sameTop / positions,
      top5: sharedTop / positions,
      worstRank,
      worstRankPosition,
      sample,
    }),
  };
}

/** Ids of the `count` largest, largest first; of equal ones the lower id. */
function highest(row: Float32Array, count: number): number[] {
  const ids: number[] = [];
  for (let id = 0; id < row.length; id++) {
    let at = ids.length;
    while (at > 0 && row[id] > row[ids[at - 1]]) at--;
    if (at < count) {
      ids.splice(at, 0, id);
      ids.length = Math.min(ids.length, count);
    }
  }
  return ids;
}

/** How many ids stand before `id`. */
function rankOf(row: Float32Array, id: number): number {
  let rank = 0;
  for (let i = 0; i < row.length; i++) if (row[i] > row[id] || (row[i] === row[id] && i < id)) rank++;
  return rank;
}
