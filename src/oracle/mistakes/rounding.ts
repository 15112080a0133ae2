// Lower precision, which is no mistake: weights, activations or every result rounded to fewer bits.
import { blockFormats, decodeRow, encodeBlocks } from "../../blocks/formats.ts";
import type { Ops, Tensor } from "../../ops/ops.ts";
import { referenceOps } from "../../reference/backend.ts";
import { byRow, withRows } from "./columns.ts";
import type { Mistake, Part } from "./mistake.ts";

const parts: readonly Part[] = [
  ...(["embedding", "norm", "short convolution", "attention", "router", "feed-forward", "residual"] as const),
  "final norm",
];
type Rounding = (numbers: Float32Array) => Float32Array;

const stored =
  (name: "BF16" | "F16" | "Q8_0"): Rounding =>
  (numbers) => {
    const format = blockFormats[name];
    if (numbers.length % format.blockLength !== 0) return numbers;
    const rounded = new Float32Array(numbers.length);
    decodeRow(format, encodeBlocks(format, numbers), 0, rounded, numbers.length);
    return rounded;
  };

/** One float32 scale for every 32 numbers, max|x| / 127; integers by rounding to nearest, ties to even. */
const int8: Rounding = (numbers) => {
  const f = Math.fround;
  const rounded = new Float32Array(numbers.length);
  for (let begin = 0; begin < numbers.length; begin += 32) {
    const block = numbers.subarray(begin, begin + 32);
    const scale = f(block.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127);
    const inverse = scale === 0 ? 0 : f(1 / scale);
    // Adding 1.5 · 2²³ leaves no room for a fraction.
    rounded.set(
      block.map((value) => f(f(f(value * inverse) + 12582912) - 12582912) * scale),
      begin,
    );
  }
  return rounded;
};

function precision(says: string, ops: Mistake["ops"]): Mistake {
  return { cause: "precision", says, parts, kind: "precision", ops };
}

/** Of products: of what is multiplied, of the weights. The router's stay as they are, lest a rounding choose experts. */
function products(says: string, ofInput: Rounding | undefined, ofWeights: Rounding | undefined): Mistake {
  const input = (x: Tensor): Tensor => (ofInput === undefined ? x : byRow(x, ofInput));
  return precision(says, (ops) => ({
    embed: (ids, w) => (ofWeights ? byRow(ops.embed(ids, w), ofWeights) : ops.embed(ids, w)),
    linear: (x, w) =>
      w.path.endsWith(".gate") ? ops.linear(x, w) : ops.linear(input(x), ofWeights ? withRows(w, ofWeights) : w),
    expertLinear: (x, w, ids) => ops.expertLinear(input(x), ofWeights ? withRows(w, ofWeights) : w, ids),
  }));
}

/** Every result of every operation, and the weights. */
function everything(says: string, rounding: Rounding): Mistake {
  return precision(says, (ops) => {
    const operations = Object.keys(referenceOps).filter((name) => !/^(embed|split|rows|topK|angles)$/.test(name));
    const rounded = operations.map((name) => [
      name,
      (...args: readonly { readonly path?: string }[]) => {
        const given = args.map((arg) => (arg.path === undefined ? arg : withRows(arg as never, rounding)));
        return byRow((ops[name as keyof Ops] as unknown as (...all: readonly unknown[]) => Tensor)(...given), rounding);
      },
    ]);
    const embed: Ops["embed"] = (ids, w) => byRow(ops.embed(ids, w), rounding);
    return { ...(Object.fromEntries(rounded) as Partial<Ops>), embed };
  });
}

export const roundings: readonly Mistake[] = [
  products("8-bit activations", int8, undefined),
  products("Q8_0 weights and 8-bit activations", int8, stored("Q8_0")),
  products("Q8_0 weights", undefined, stored("Q8_0")),
  products("bfloat16 weights", undefined, stored("BF16")),
  products("half-precision weights", undefined, stored("F16")),
  everything("every result rounded to bfloat16", stored("BF16")),
  everything("every result rounded to half precision", stored("F16")),
];
