// The feed-forward, dense or sparse: gate and up exchanged, no activation, weights used otherwise.
import { exp } from "../../float.ts";
import type { ExpertIds, Ops, Tensor } from "../../ops/ops.ts";
import { createTensor, type ReferenceExpertIds, type ReferenceTensor, rowOf } from "../../reference/tensor.ts";
import { lazyTensor } from "../diagnose/lazy-ops.ts";
import { byRow, combined, ones } from "./columns.ts";
import { inParts, type Mistake } from "./mistake.ts";

const { bug } = inParts("feed-forward");

/** x[t] · weights[t, j], one row to each choice [T·k, cols]. */
function weighted(x: Tensor, weights: Tensor): Tensor {
  const { rows, cols: k } = weights;
  return lazyTensor(rows * k, x.cols, () => {
    const y = createTensor(rows * k, x.cols);
    for (let i = 0; i < rows * k; i++) {
      const weight = rowOf(weights as ReferenceTensor, Math.floor(i / k))[i % k];
      rowOf(y, i).set(rowOf(x as ReferenceTensor, Math.floor(i / k)).map((value) => value * weight));
    }
    return y;
  });
}

/** Rows of [T·k, cols], each times its choice's weight. */
function byChoice(x: Tensor, weights: () => Tensor | undefined): Tensor {
  return byRow(x, (row, i) => {
    const given = weights();
    if (given === undefined) return row; // a dense layer
    const weight = rowOf(given as ReferenceTensor, Math.floor(i / given.cols))[i % given.cols];
    return row.map((value) => value * weight);
  });
}

/** The router's last result, seen as it is made. */
function seenWeights(ops: Ops) {
  let last: Tensor | undefined;
  const keep = (x: Tensor): Tensor => {
    last = x;
    return x;
  };
  const seen: Partial<Ops> = {
    gather: (x, ids) => keep(ops.gather(x, ids)),
    normalize: (x, eps) => keep(ops.normalize(x, eps)),
    scale: (x, factor) => keep(ops.scale(x, factor)),
  };
  return { ops: seen, weights: () => last };
}

/** Another formula than silu(gate) · up. */
function gated(cause: string, says: string, formula: (gate: number, up: number) => number): Mistake {
  return bug(cause, says, () => ({ swiglu: (gate, up) => combined(gate, up, formula) }));
}

/** erf to 1.5e-7. @source Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26 */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const sum = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return Math.sign(x) * (1 - sum * exp(-x * x));
}

const sigmoid = (x: number): number => 1 / (1 + exp(-x));
const clamp = (x: number, most: number): number => Math.max(-most, Math.min(most, x));
/** As gpt-oss has it. */
const LIMIT = 7;

/** gate and up of every row beside each other, then taken in turns. */
function interleaved(gate: Tensor, up: Tensor, ops: Ops): Tensor {
  const both = (t: number, i: number): number => {
    const row = rowOf((i < gate.cols ? gate : up) as ReferenceTensor, t);
    return row[i % gate.cols];
  };
  const part = (offset: number): Tensor => byRow(gate, (row, t) => row.map((_, i) => both(t, 2 * i + offset)));
  return ops.swiglu(part(0), part(1));
}

/** `change` of what is summed, with the weights that the router gave. */
function counted(cause: string, says: string, weights: (row: Float32Array, t: number) => Float32Array): Mistake {
  return bug(cause, says, (ops) => ({ weightedSum: (x, w) => ops.weightedSum(x, byRow(w, weights)) }));
}

/** Experts of a model of this kind, any of which may be broken. */
const EXPERTS = 64;

/** Nothing comes of one expert. */
function withoutExpert(expert: number): Mistake {
  return bug("zeroed-expert", `nothing coming of expert ${expert}`, (ops, { numExperts }) => {
    if (expert >= numExperts) return {};
    let chosen: ExpertIds | undefined;
    return {
      expertLinear(x, w, ids) {
        chosen = ids;
        return ops.expertLinear(x, w, ids);
      },
      weightedSum: (x, w) =>
        ops.weightedSum(
          x,
          byRow(w, (row, t) => row.map((weight, j) => (idAt(chosen, t, j) === expert ? 0 : weight))),
        ),
    };
  });
}

/** gate and up exchanged in one expert. */
function exchangedIn(expert: number): Mistake {
  return bug("swapped-w1-w3", `w1 and w3 of expert ${expert} exchanged`, (ops, { numExperts }) => {
    if (expert >= numExperts) return {};
    let chosen: ExpertIds | undefined;
    const side = (x: Tensor, y: Tensor): Tensor =>
      byRow(x, (row, i) => {
        const k = chosen?.k ?? 1;
        return idAt(chosen, Math.floor(i / k), i % k) === expert ? rowOf(y as ReferenceTensor, i) : row;
      });
    return {
      expertLinear(x, w, ids) {
        chosen = ids;
        return ops.expertLinear(x, w, ids);
      },
      swiglu: (gate, up) => ops.swiglu(side(gate, up), side(up, gate)),
    };
  });
}

function idAt(chosen: ExpertIds | undefined, t: number, j: number): number | undefined {
  return chosen && (chosen as ReferenceExpertIds).ids[t * chosen.k + j];
}

export const feedForwardMistakes: readonly Mistake[] = [
  bug("swapped-w1-w3", "w1 and w3 exchanged", (ops) => ({ swiglu: (gate, up) => ops.swiglu(up, gate) })),
  bug("missing-activation", "no silu", (ops) => ({ swiglu: (gate, up) => ops.mul(gate, up) })),
  gated("gelu", "gelu instead of silu", (g, u) => g * 0.5 * (1 + erf(g / Math.SQRT2)) * u),
  gated("gelu", "gelu by way of tanh instead of silu", (g, u) => {
    return g * sigmoid(2 * Math.sqrt(2 / Math.PI) * (g + 0.044715 * g * g * g)) * u;
  }),
  gated("quick-gelu", "sigmoid(1.702 · gate) in silu", (g, u) => g * sigmoid(1.702 * g) * u),
  gated("hard-silu", "silu in straight pieces", (g, u) => ((g * Math.max(0, Math.min(6, g + 3))) / 6) * u),
  gated("relu", "relu instead of silu", (g, u) => Math.max(0, g) * u),
  gated("sigmoid-gate", "sigmoid instead of silu", (g, u) => sigmoid(g) * u),
  gated("silu-of-product", "silu of gate · up", (g, u) => g * u * sigmoid(g * u)),
  gated("missing-up", "up left out", (g) => g * sigmoid(g)),
  ...[1, LIMIT].map((limit) =>
    gated("clamped-swiglu", `gate and up clamped to ${limit}`, (g, u) => {
      const gate = Math.min(g, limit);
      return gate * sigmoid(gate) * clamp(u, limit);
    }),
  ),
  gated("oai-swiglu", "the gated unit of gpt-oss", (g, u) => {
    const gate = Math.min(g, LIMIT);
    return gate * sigmoid(1.702 * gate) * (clamp(u, LIMIT) + 1);
  }),
  bug("interleaved-gate-up", "gate and up in turns instead of halves", (ops) => ({
    swiglu: (gate, up) => interleaved(gate, up, ops),
  })),
  counted("weights-squared", "every expert weighted twice", (row) => row.map((weight) => weight * weight)),
  counted("experts-averaged", "the mean of the chosen experts", (row) => row.map(() => 1 / row.length)),
  counted("one-expert-counted", "the expert of the largest weight alone", (row) => {
    const most = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    return row.map((weight) => (weight === most ? weight : 0));
  }),
  bug("unweighted-experts", "every chosen expert counted once", (ops) => ({
    weightedSum: (x, weights) => ops.weightedSum(x, ones(weights)),
  })),
  bug("weights-on-input", "the weights on what the experts are given instead of what they give", (ops) => {
    const seen = seenWeights(ops);
    return {
      ...seen.ops,
      expertLinear: (x, w, ids) =>
        ops.expertLinear(w.path.endsWith(".w2") ? x : weighted(x, seen.weights() as Tensor), w, ids),
      weightedSum: (x, w) => ops.weightedSum(x, ones(w)),
    };
  }),
  bug("weights-on-gate", "the weights within silu instead of on what experts give", (ops) => {
    const seen = seenWeights(ops);
    return {
      ...seen.ops,
      swiglu: (gate, up) => ops.swiglu(byChoice(gate, seen.weights), up),
      weightedSum: (x, w) => ops.weightedSum(x, ones(w)),
    };
  }),
  ...Array.from({ length: EXPERTS }, (_, expert) => [withoutExpert(expert), exchangedIn(expert)]).flat(),
];
