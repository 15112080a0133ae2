// Where two runs chose other experts, and whether a rounding or an error chose them.
import { sigmoidOf } from "../../reference/elementwise.ts";

export interface FlippedExpert {
  readonly position: number;
  /** Chosen by A and not by B, and the other way round; −1 where one of the two chose fewer. */
  readonly expertA: number;
  readonly expertB: number;
  /** How far apart the two stood in A when they were ranked; the most it can have been where `isBound`. */
  readonly apart: number | undefined;
  readonly isBound: boolean;
  readonly judgement: Judgement;
}

/**
 * `near tie`: a rounding decided. `differing logits`: what the router was given already differed by more, so the choice
 * follows from that. `real error`: neither explains it.
 */
export type Judgement = "near tie" | "differing logits" | "real error";

export interface RouterGap {
  readonly positions: number;
  readonly chosenByA: number;
  readonly chosenByB: number;
  /** Positions at which at least one expert differs. */
  readonly flippedPositions: number;
  readonly flips: number;
  readonly nearTies: number;
  /** The first ones. */
  readonly examples: readonly FlippedExpert[];
  /** How often each expert was chosen by A, by B, and by both. */
  readonly usage: { readonly a: readonly number[]; readonly b: readonly number[]; readonly both: readonly number[] };
}

/** What the two runs' routers saw at some positions. */
export interface RouterRows {
  /** Expert ids [count, k]. */
  readonly a: Int32Array;
  readonly b: Int32Array;
  readonly kA: number;
  readonly kB: number;
  /** Logits [count, experts], where both sides have them. */
  readonly logits?: readonly [a: Float32Array, b: Float32Array];
}

/** Rounding of the scores themselves: two ulp of a score plus bias below 2, in roundings of a result. */
const SCORE_ROUNDINGS = 4;
const FLOAT32_ROUNDING = 2 ** -24;
/** A sigmoid changes by no more than this part of what its argument does. */
const STEEPEST = 1 / 4;
const EXAMPLES = 100;
/** More flips than this among all choices are no coincidence, when a bias that is not known had its say. */
const RARE = 0.02;

/**
 * Counts, and tells near ties from errors. A flip is explained when the two experts stood no further apart than the two
 * runs' scores for them differ; it is a near tie when these differ by no more than the logits may. With the bias unknown, only
 * that difference is known: it bounds how far apart they can have stood, given that both runs chose by the same rule.
 * Flips that are more than rare speak against that.
 *
 * @param bias  added to the scores to rank them; empty where the router has none, undefined where it is not known
 * @param allowed  at each position, what a logit may be off by
 * @param ofResult  what a score is rounded by, in part of it, on either side
 */
export function createRouterMeter(
  experts: number,
  bias: Float32Array | undefined,
  allowed: ArrayLike<number>,
  ofResult = FLOAT32_ROUNDING,
) {
  const rounding = SCORE_ROUNDINGS * ofResult;
  const usage = { a: zeros(experts), b: zeros(experts), both: zeros(experts) };
  let [position, flips, nearTies, flippedPositions, kA, kB] = [0, 0, 0, 0, 0, 0];
  const examples: FlippedExpert[] = [];
  return {
    add(rows: RouterRows): void {
      [kA, kB] = [rows.kA, rows.kB];
      for (let row = 0; row * kA < rows.a.length; row++, position++) {
        const a = rows.a.subarray(row * kA, (row + 1) * kA);
        const b = rows.b.subarray(row * kB, (row + 1) * kB);
        count(usage, a, b, experts);
        const [onlyA, onlyB] = [a.filter((id) => !b.includes(id)), b.filter((id) => !a.includes(id))];
        const most = Math.max(onlyA.length, onlyB.length);
        const noise = 2 * STEEPEST * allowed[position];
        if (most > 0) flippedPositions++;
        for (let i = 0; i < most; i++) {
          const [expertA, expertB] = [onlyA[i] ?? -1, onlyB[i] ?? -1];
          const flip = {
            position,
            expertA,
            expertB,
            ...judge(rows, row, experts, expertA, expertB, bias, noise, rounding),
          };
          flips++;
          if (flip.judgement === "near tie") nearTies++;
          if (examples.length < EXAMPLES) examples.push(flip);
        }
      }
    },
    result(): RouterGap {
      const isRare = bias !== undefined || flips <= Math.max(1, RARE * position * kA);
      return {
        positions: position,
        chosenByA: kA,
        chosenByB: kB,
        flippedPositions,
        flips,
        nearTies: isRare ? nearTies : 0,
        examples: isRare ? examples : examples.map((flip) => ({ ...flip, judgement: "real error" })),
        usage,
      };
    },
  };
}

function judge(
  { logits }: RouterRows,
  row: number,
  experts: number,
  expertA: number,
  expertB: number,
  bias: Float32Array | undefined,
  noise: number,
  rounding: number,
): Pick<FlippedExpert, "apart" | "isBound" | "judgement"> {
  if (logits === undefined || expertA < 0 || expertB < 0 || Math.max(expertA, expertB) >= experts) {
    return { apart: undefined, isBound: false, judgement: "real error" };
  }
  const score = (side: 0 | 1, expert: number): number => sigmoidOf(logits[side][row * experts + expert]);
  const differ = [expertA, expertB].reduce((sum, id) => sum + Math.abs(score(0, id) - score(1, id)), 0);
  const explained: Judgement = differ <= noise ? "near tie" : "differing logits";
  if (bias === undefined) {
    return { apart: differ + rounding, isBound: true, judgement: differ > 0 ? explained : "real error" };
  }
  const ranked = (expert: number): number => score(0, expert) + (bias[expert] ?? 0);
  const apart = Math.abs(ranked(expertA) - ranked(expertB));
  return { apart, isBound: false, judgement: apart <= differ + rounding ? explained : "real error" };
}

function zeros(count: number): number[] {
  return new Array<number>(count).fill(0);
}

function count(
  usage: { a: number[]; b: number[]; both: number[] },
  a: Int32Array,
  b: Int32Array,
  experts: number,
): void {
  for (const id of a) if (id < experts) usage.a[id]++;
  for (const id of b) if (id < experts) usage.b[id]++;
  for (const id of a) if (id < experts && b.includes(id)) usage.both[id]++;
}
