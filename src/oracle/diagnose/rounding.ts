// Rounding told by what it does to an operation's result: a little to every number, up as often as down.
import { type Recomputed, specifiedAt } from "./explain.ts";

/** The least that formats with a word keep: bfloat16's error is up to 2⁻⁹ of a number, that of two 8-bit factors a percent. */
const SMALL = 0.02;
/** The largest error of a number, in part of it, beside the root mean square of these. */
const EVEN = 6;
/** Sum of the errors, each with its number's sign, beside the sum of their sizes. */
const ONE_SIDED = 0.2;

/** Of the sides that do not give what is specified at the first point, each as rounding would: the figures that say so. */
export function roundingEvidence(recomputed: readonly Recomputed[], name: string): string | undefined {
  const wrong = recomputed.filter(({ isRight }) => !isRight);
  const rounded = wrong.map((one) => {
    const at = specifiedAt(one, name);
    return at && evenly(at.own, at.specified);
  });
  const [found] = rounded;
  if (found === undefined || rounded.includes(undefined)) return undefined;
  const [{ side }] = wrong;
  return `recomputed in float32 from what ${side.label} recorded, ${name} differs by at most ${(100 * found.most).toPrecision(2)} % of a number, up as often as down`;
}

function evenly(own: Float32Array, specified: Float32Array): { readonly most: number } | undefined {
  let [square, most, signed, sizes, count] = [0, 0, 0, 0, 0];
  for (let i = 0; i < own.length; i++) {
    const error = own[i] - specified[i];
    const part = error === 0 ? 0 : Math.abs(error / specified[i]);
    square += part * part;
    most = Math.max(most, part);
    signed += error * Math.sign(specified[i]);
    sizes += Math.abs(error);
    count++;
  }
  const isEven = most <= SMALL && most <= EVEN * Math.sqrt(square / count);
  return isEven && Math.abs(signed) <= ONE_SIDED * sizes ? { most } : undefined;
}
