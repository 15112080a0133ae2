// RoPE: other pairs, other frequencies, other positions, other tensors, another order than norm first.
import type { Ops, Tensor, Weight } from "../../ops/ops.ts";
import { createTensor, type ReferenceAngles, type ReferenceTensor, rowOf } from "../../reference/tensor.ts";
import { byRow, halvesToPairs, pairsToHalves } from "./columns.ts";
import { type Change, inParts, type Mistake } from "./mistake.ts";

const { bug, setting } = inParts("attention");
/** RoPE bases of published models. */
const THETAS = [1e4, 1e5, 5e5, 1e6, 5e6, 1e7];
const isQk = ({ path }: Weight): boolean => /[qk]_(layernorm|proj)$/.test(path);

/** q and k in another order of their columns, as converters of LLaMA-like models write them for other rotations. */
function permuted(says: string, permute: typeof pairsToHalves): Mistake {
  return bug("rope-unpermuted", says, (ops, { headDim }) => ({
    linear: (x, w) => (isQk(w) ? permute(ops.linear(x, w), headDim) : ops.linear(x, w)),
  }));
}

function rotatedFirst(ops: Ops, eps: number): Partial<Ops> {
  const gains = new WeakMap<Tensor, Weight>();
  return {
    rmsNorm(x, w, normEps) {
      if (!isQk(w)) return ops.rmsNorm(x, w, normEps);
      gains.set(x, w);
      return x;
    },
    rope: (x, angles) => ops.rmsNorm(ops.rope(x, angles), gains.get(x) as Weight, eps),
  };
}

/** Other positions; `step` is where the row's step begins, if steps are as long as the first one. */
function positions(cause: string, says: string, of: (position: number, step: number) => number): Mistake {
  return bug(cause, says, (ops, _, { second }) => ({
    angles(given, rotation) {
      const changed = given.map((p) => of(p, second > 0 ? p - (p % second) : 0));
      return ops.angles(changed, rotation);
    },
  }));
}

function frequencies(
  cause: string,
  says: string,
  of: (frequency: number, pair: number, headDim: number) => number,
): Mistake {
  return bug(cause, says, (ops, { headDim }) => ({
    angles: (given, { inverseFrequency, attentionFactor }) =>
      ops.angles(given, { inverseFrequency: inverseFrequency.map((f, j) => of(f, j, headDim)), attentionFactor }),
  }));
}

/** Angles rounded to bfloat16's 8 bits, to nearest, ties to even. */
function roundedAngles(ops: Ops): Partial<Ops> {
  const bits = new Int32Array(1);
  const value = new Float32Array(bits.buffer);
  const round = (angle: number): number => {
    value[0] = angle;
    bits[0] = (bits[0] + 0x7fff + ((bits[0] >> 16) & 1)) & ~0xffff;
    return value[0];
  };
  return {
    angles(given, { inverseFrequency, attentionFactor }) {
      const rows = Array.from(given, (position) => {
        const rounded = inverseFrequency.map((f) => round(Math.fround(position * f)));
        return ops.angles(Int32Array.of(1), { inverseFrequency: rounded, attentionFactor }) as ReferenceAngles;
      });
      const [cosines, sines] = [0, 1].map(() => createTensor(given.length, inverseFrequency.length));
      for (const [t, row] of rows.entries()) {
        rowOf(cosines, t).set(row.cosines.data);
        rowOf(sines, t).set(row.sines.data);
      }
      return { rows: given.length, cosines, sines } as ReferenceAngles;
    },
  };
}

/** RoPE on q, k and v as asked for; q comes first. */
function rotating({ q, k, v }: { readonly q: boolean; readonly k: boolean; readonly v: boolean }): Change {
  return (ops) => {
    let [count, given] = [0, undefined as Parameters<Ops["rope"]>[1] | undefined];
    return {
      rope(x, angles) {
        given = angles;
        return (count++ % 2 === 0 ? q : k) ? ops.rope(x, angles) : x;
      },
      attention: (queries, keys, values, spans, headDim) =>
        ops.attention(queries, keys, v && given ? ops.rope(values, given) : values, spans, headDim),
    };
  };
}

export const rotationMistakes: readonly Mistake[] = [
  bug("rope-interleaved", "RoPE of neighbouring pairs instead of halves", (ops, { headDim }) => ({
    rope: (x, angles) => halvesToPairs(ops.rope(pairsToHalves(x, headDim), angles), headDim),
  })),
  bug(
    "rope-before-norm",
    "RoPE before the norm of q and k",
    (ops, { normEps }) => rotatedFirst(ops, normEps),
    /_layernorm$/,
  ),
  bug("missing-rope", "no RoPE", rotating({ q: false, k: false, v: false })),
  bug("rope-on-q-alone", "RoPE on q alone", rotating({ q: true, k: false, v: false })),
  bug("rope-on-k-alone", "RoPE on k alone", rotating({ q: false, k: true, v: false })),
  bug("rope-on-v", "RoPE on v, too", rotating({ q: true, k: true, v: true })),
  setting("missing-rope-scaling", ({ ropeScaling }) => `no ${ropeScaling?.ropeType} scaling of RoPE`, {
    ropeScaling: null,
  }),
  ...THETAS.map((ropeTheta) =>
    setting("wrong-rope-theta", (config) => `a RoPE base of ${ropeTheta} instead of ${config.ropeTheta}`, {
      ropeTheta,
    }),
  ),
  ...[2, 4, 8, 16, 32].map((by) =>
    frequencies("wrong-rope-scaling", `positions divided by ${by}`, (frequency) => frequency / by),
  ),
  bug(
    "rope-over-hidden",
    "frequencies of RoPE over hidden_size instead of the head",
    (ops, { ropeTheta, headDim, hiddenSize }) => ({
      angles: (given, { attentionFactor }) =>
        ops.angles(given, {
          inverseFrequency: Float32Array.from(
            { length: headDim / 2 },
            (_, j) => 1 / ropeTheta ** ((2 * j) / hiddenSize),
          ),
          attentionFactor,
        }),
    }),
  ),
  bug("partial-rope", "RoPE of the first half of the pairs alone", (ops, { headDim }) => ({
    rope: (x, angles) => {
      const isTurned = (c: number) => c % (headDim / 2) < headDim / 4;
      const turned = ops.rope(x, angles) as ReferenceTensor;
      return byRow(x, (row, t) => row.map((value, c) => (isTurned(c % headDim) ? rowOf(turned, t)[c] : value)));
    },
  })),
  bug("rope-bf16", "angles of RoPE in bfloat16", roundedAngles),
  positions("rope-reversed", "RoPE turned the other way", (p) => -p),
  positions("rope-shifted", "positions one too high", (p) => p + 1),
  positions("rope-shifted", "positions one too high after the first step", (p, step) => p + Number(step > 0)),
  positions("rope-shifted", "positions one too low after the first step", (p, step) => p - Number(step > 0)),
  positions("rope-counted-twice", "the steps before counted twice", (p, step) => p + step),
  positions("rope-restarted", "positions counted from 0 again in every step", (p, step) => p - step),
  permuted("the rows of q and k in the order for neighbouring pairs", halvesToPairs),
  permuted("the rows of q and k reordered for halves once too often", pairsToHalves),
];
