// What the views say of a run's tensors: choices and what they would have been, where heads look, what a convolution keeps.
import { exp, log } from "../../float.ts";
import { isConv, isSparse, layerName, rowOf, type SeenRun } from "./seen-run.ts";

export interface Routed {
  readonly expert: number;
  readonly score: number;
  /** 0 where the model has none. */
  readonly bias: number;
  /** By which it is ranked. */
  readonly sum: number;
  /** Undefined where it was not chosen. */
  readonly weight: number | undefined;
}

export interface Routing {
  /** From the best down. */
  readonly experts: readonly Routed[];
  readonly chosen: readonly number[];
  /** What the last chosen had over the next, as the run recorded it. */
  readonly margin: number | undefined;
  /** The choice without the bias, and with a softmax in place of the sigmoid; ascending. */
  readonly withoutBias: readonly number[];
  readonly withSoftmax: readonly number[];
}

export function routingOf(run: SeenRun, layer: number, token: number): Routing | undefined {
  const gate = `${layerName(layer)}.feed_forward.gate`;
  const [scores, ids, weights] = ["scores", "experts", "weights"].map((part) => rowOf(run, `${gate}.${part}`, token));
  if (scores === undefined || ids === undefined || weights === undefined) return undefined;
  const bias = rowOf(run, `${layerName(layer)}.feed_forward.expert_bias`, 0);
  const logits = rowOf(run, `${gate}.logits`, token);
  const chosen = [...ids];
  const experts = Array.from(scores, (score, expert): Routed => {
    const own = bias?.[expert] ?? 0;
    const place = chosen.indexOf(expert);
    return { expert, score, bias: own, sum: Math.fround(score + own), weight: place < 0 ? undefined : weights[place] };
  }).sort((a, b) => b.sum - a.sum || a.expert - b.expert);
  const best = (of: (expert: number) => number): number[] =>
    Array.from(scores, (_, expert) => expert)
      .sort((a, b) => of(b) - of(a) || a - b)
      .slice(0, chosen.length)
      .sort((a, b) => a - b);
  const soft = logits && softmax(logits);
  return {
    experts,
    chosen,
    margin: rowOf(run, `${gate}.margin`, token)?.[0],
    withoutBias: best((expert) => scores[expert]),
    withSoftmax: soft ? best((expert) => Math.fround(soft[expert]) + (bias?.[expert] ?? 0)) : chosen,
  };
}

export const sparseLayers = (run: SeenRun): number[] =>
  run.config.layerTypes.map((_, layer) => layer).filter((layer) => isSparse(run, layer));
export const convLayers = (run: SeenRun): number[] =>
  run.config.layerTypes.map((_, layer) => layer).filter((layer) => isConv(run, layer));
export const attentionLayers = (run: SeenRun): number[] =>
  run.config.layerTypes.map((_, layer) => layer).filter((layer) => !isConv(run, layer));

export const same = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((value, i) => value === b[i]);

/** The first layer in which a router of another kind would choose others of this token, given the same input. */
export function firstOther(run: SeenRun, token: number, which: "withSoftmax" | "withoutBias"): number | undefined {
  return sparseLayers(run).find((layer) => {
    const routing = routingOf(run, layer, token);
    return routing !== undefined && !same(routing[which], routing.chosen);
  });
}

/** How often each expert was chosen in a layer, by tokens from … to − 1, and the sum of its weights. */
export function usage(
  run: SeenRun,
  layer: number,
  from: number,
  to: number,
): { readonly counts: Int32Array; readonly weights: Float64Array } {
  const counts = new Int32Array(run.config.numExperts);
  const sums = new Float64Array(run.config.numExperts);
  const gate = `${layerName(layer)}.feed_forward.gate`;
  for (let token = from; token < to; token++) {
    const weights = rowOf(run, `${gate}.weights`, token);
    for (const [i, expert] of (rowOf(run, `${gate}.experts`, token) ?? []).entries()) {
      counts[expert]++;
      sums[expert] += weights?.[i] ?? 0;
    }
  }
  return { counts, weights: sums };
}

/** The tokens that chose an expert, those with the largest weights first. */
export function chosenFor(
  run: SeenRun,
  layer: number,
  expert: number,
): readonly { readonly token: number; readonly weight: number }[] {
  const gate = `${layerName(layer)}.feed_forward.gate`;
  const found: { readonly token: number; readonly weight: number }[] = [];
  for (let token = 0; token < run.ids.length; token++) {
    const place = rowOf(run, `${gate}.experts`, token)?.indexOf(expert) ?? -1;
    if (place >= 0) found.push({ token, weight: rowOf(run, `${gate}.weights`, token)?.[place] ?? 0 });
  }
  return found.sort((a, b) => b.weight - a.weight || a.token - b.token);
}

/** How a query head of a layer weighs the tokens up to this one. */
export function attentionRow(run: SeenRun, layer: number, head: number, token: number): Float32Array | undefined {
  const { headDim, numAttentionHeads: heads, numKeyValueHeads: kvHeads } = run.config;
  const name = `${layerName(layer)}.self_attn`;
  const q = rowOf(run, `${name}.q_rope`, token)?.subarray(head * headDim, (head + 1) * headDim);
  if (q === undefined) return undefined;
  const kv = Math.floor((head * kvHeads) / heads);
  const scores = new Float32Array(token + 1);
  for (let t = 0; t <= token; t++) {
    const k = rowOf(run, `${name}.k_rope`, t)?.subarray(kv * headDim, (kv + 1) * headDim);
    if (k === undefined) return undefined;
    let sum = 0;
    for (let i = 0; i < headDim; i++) sum += q[i] * k[i];
    scores[t] = sum / Math.sqrt(headDim);
  }
  return softmax(scores);
}

/** A longer map would be too fine to be read. */
const MAP_TOKENS = 256;

/**
 * Tokens of a map: all, or a part that has `token` in it, with at least half of a map before it where there is as much. It
 * moves by halves, so that the rows stay where they are from one token to the next.
 */
export function mapWindow(count: number, token: number): { readonly from: number; readonly to: number } {
  const half = MAP_TOKENS / 2;
  const from = Math.max(0, Math.min((Math.floor(token / half) - 1) * half, count - MAP_TOKENS));
  return { from, to: Math.min(count, from + MAP_TOKENS) };
}

export interface Channel {
  readonly channel: number;
  readonly b: number;
  readonly c: number;
  readonly x: number;
  /** B ⊙ x of the tokens before and of this one, the oldest first; zeros before the first. */
  readonly gated: readonly number[];
  /** What the convolution gives. */
  readonly mixed: number;
  readonly out: number;
}

export function convolution(run: SeenRun, layer: number, token: number): Channel[] | undefined {
  const { hiddenSize: hidden, convLCache: width } = run.config;
  const name = `${layerName(layer)}.conv`;
  const now = rowOf(run, `${name}.in_proj`, token);
  const mixed = rowOf(run, `${name}.conv`, token);
  if (now === undefined || mixed === undefined) return undefined;
  const gatedAt = (t: number, channel: number): number => {
    const row = t < 0 ? undefined : rowOf(run, `${name}.in_proj`, t);
    return row === undefined ? 0 : Math.fround(row[channel] * row[2 * hidden + channel]);
  };
  return Array.from({ length: hidden }, (_, channel): Channel => {
    const [b, c, x] = [now[channel], now[hidden + channel], now[2 * hidden + channel]];
    const gated = Array.from({ length: width }, (_, i) => gatedAt(token - width + 1 + i, channel));
    return { channel, b, c, x, gated, mixed: mixed[channel], out: Math.fround(c * mixed[channel]) };
  });
}

/** Of a bar that is 100 long at most; of what is no number, none. */
export function barLength(value: number, most: number): number {
  const share = value / most;
  return share > 0 ? 100 * Math.min(1, share) : 0;
}

/** The Euclidean norm. */
export function length(row: ArrayLike<number> | undefined): number {
  if (row === undefined) return Number.NaN;
  let sum = 0;
  for (let i = 0; i < row.length; i++) sum += row[i] * row[i];
  return Math.sqrt(sum);
}

export function softmax(row: ArrayLike<number>): Float32Array {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < row.length; i++) most = Math.max(most, row[i]);
  const powers = Float64Array.from(row, (value) => exp(value - most));
  let sum = 0;
  for (const power of powers) sum += power;
  return Float32Array.from(powers, (power) => power / sum);
}

export interface Candidate {
  readonly id: number;
  readonly share: number;
}

/** The likeliest ids after a token, from its logits. */
export function candidates(logits: Float32Array, count: number): Candidate[] {
  const shares = softmax(logits);
  const ids = Array.from(shares.keys()).sort((a, b) => shares[b] - shares[a] || a - b);
  return ids.slice(0, count).map((id) => ({ id, share: shares[id] }));
}

export const highest = (row: Float32Array): number => row.reduce((best, value, i) => (value > row[best] ? i : best), 0);

/** KL divergence of `other` from `truth`, in nats: Σ p · ln(p / q). */
export function divergence(truth: Float32Array, other: Float32Array): number {
  const normalizer = (logits: Float32Array): number => {
    let most = Number.NEGATIVE_INFINITY;
    for (const logit of logits) most = Math.max(most, logit);
    let sum = 0;
    for (const logit of logits) sum += exp(logit - most);
    return most + log(sum);
  };
  const [a, b] = [normalizer(truth), normalizer(other)];
  let sum = 0;
  for (let i = 0; i < truth.length; i++) {
    const p = truth[i] - a;
    sum += exp(p) * (p - (other[i] - b));
  }
  return Math.max(0, sum);
}
