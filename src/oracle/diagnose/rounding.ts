// Rounding told by what it does to an operation's result: a little to every number, up as often as down.
import type { Recomputed } from "./left-over.ts";
import { specifiedAt } from "./recompute.ts";

/**
 * What bfloat16, the coarsest format that numbers are kept in, may make of a norm's: gain, normed number and product are
 * each off by up to 2⁻⁸. 8 bits are computed again, and need not be told by this.
 */
const SMALL = 3 * 2 ** -8;
/** The largest error of a number, in part of it, beside the root mean square of these. */
const EVEN = 6;
/** Sum of the errors, each with its number's sign, beside the sum of their sizes. */
const ONE_SIDED = 0.2;
/**
 * What all tokens have in common in a column, or all columns in a token, beside what they have not: a weight that is
 * rounded is off by as much as a result that is, and a weight that is another by the same at every token.
 */
const IN_COMMON = 1.5;
/** Tokens that it takes to tell what they have in common. */
const ENOUGH = 4;

/** Of the sides that do not give what is specified at the first point, each as rounding would: the figures that say so. */
export function roundingEvidence(recomputed: readonly Recomputed[], name: string): string | undefined {
  const wrong = recomputed.filter(({ isRight }) => !isRight);
  const rounded = wrong.map((one) => {
    const at = specifiedAt(one, name);
    return at && evenly(at.own, at.specified, at.cols);
  });
  const [found] = rounded;
  if (found === undefined || rounded.includes(undefined)) return undefined;
  const [{ side }] = wrong;
  return `recomputed in float32 from what ${side.label} recorded, ${name} differs by at most ${(100 * found.most).toPrecision(2)} % of a number, up as often as down`;
}

function evenly(own: Float32Array, specified: Float32Array, cols: number): { readonly most: number } | undefined {
  if (own.length < ENOUGH * cols) return undefined;
  const parts = new Float64Array(own.length);
  let [square, most, signed, sizes, count] = [0, 0, 0, 0, 0];
  for (let i = 0; i < own.length; i++) {
    const error = own[i] - specified[i];
    const part = error === 0 ? 0 : Math.abs(error / specified[i]);
    parts[i] = error === 0 ? 0 : error / specified[i];
    square += part * part;
    most = Math.max(most, part);
    signed += error * Math.sign(specified[i]);
    sizes += Math.abs(error);
    count++;
  }
  const isEven = most <= SMALL && most <= EVEN * Math.sqrt(square / count);
  const isSpread =
    isWithinGroups(parts, (i) => i % cols, cols) &&
    isWithinGroups(parts, (i) => Math.floor(i / cols), own.length / cols);
  return isEven && isSpread && Math.abs(signed) <= ONE_SIDED * sizes ? { most } : undefined;
}

/** Whether the groups' means are no larger than what lies within the groups. */
function isWithinGroups(parts: Float64Array, groupOf: (i: number) => number, groups: number): boolean {
  const means = new Float64Array(groups);
  const size = parts.length / groups;
  parts.forEach((part, i) => {
    means[groupOf(i)] += part / size;
  });
  const between = means.reduce((sum, mean) => sum + mean * mean, 0) / groups;
  const within = parts.reduce((sum, part, i) => sum + (part - means[groupOf(i)]) ** 2, 0) / (parts.length - groups);
  return between <= IN_COMMON ** 2 * within;
}
