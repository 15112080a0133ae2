// Grouped-query attention: another rotation, another order of norm and RoPE, other heads, a cache that rounds.
import type { KvType } from "../../ops/backend.ts";
import type { Ops, Tensor, Weight } from "../../ops/ops.ts";
import { weightRow } from "../../reference/linear.ts";
import type { ReferenceKvCache, ReferenceTensor, ReferenceWeight } from "../../reference/tensor.ts";
import { lazyTensor } from "../diagnose/lazy-ops.ts";
import { halvesToPairs, isWeightKnown, pairsToHalves, reordered, tensorOf, transposed, weightOf } from "./columns.ts";
import { inParts, type Mistake } from "./mistake.ts";

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

function stored(type: KvType): Mistake {
  const mistake = bug(`kv-${type}`, `keys and values stored as ${type}`, (ops) => ({
    attention(q, k, v, spans, headDim) {
      const rounding = spans.map((span) => ({ ...span, cache: { ...span.cache, type } as ReferenceKvCache }));
      return ops.attention(q, k, v, rounding, headDim);
    },
  }));
  return { ...mistake, kind: "precision" };
}

/** Query heads moved to where the right map reads what the wrong one would, and back. */
function otherHeads(ops: Ops): Ops["attention"] {
  return (q, k, v, spans, headDim) => {
    const [kvHeads, group] = [k.cols / headDim, q.cols / k.cols];
    const column = (c: number, head: (h: number) => number) => head(Math.floor(c / headDim)) * headDim + (c % headDim);
    const moved = reordered(q, (c) => column(c, (h) => (h % group) * kvHeads + Math.floor(h / group)));
    const mixed = ops.attention(moved, k, v, spans, headDim);
    return reordered(mixed, (c) => column(c, (h) => (h % kvHeads) * group + Math.floor(h / kvHeads)));
  };
}

function missingNorm(part: "q" | "k"): Mistake {
  return bug(`missing-${part}-norm`, `no norm of ${part}`, (ops) => ({
    rmsNorm: (x, w, eps) => (w.path.endsWith(`${part}_layernorm`) ? x : ops.rmsNorm(x, w, eps)),
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

export const attentionMistakes: readonly Mistake[] = [
  bug("rope-interleaved", "RoPE of neighbouring pairs instead of halves", (ops, { headDim }) => ({
    rope: (x, angles) => halvesToPairs(ops.rope(pairsToHalves(x, headDim), angles), headDim),
  })),
  bug(
    "rope-before-norm",
    "RoPE before the norm of q and k",
    (ops, { normEps }) => rotatedFirst(ops, normEps),
    /_layernorm$/,
  ),
  bug("missing-qk-norm", "no norm of q and k", (ops) => ({
    rmsNorm: (x, w, eps) => (isQk(w) ? x : ops.rmsNorm(x, w, eps)),
  })),
  missingNorm("q"),
  missingNorm("k"),
  bug("swapped-qk-norms", "the weights of q's and k's norms exchanged", (ops) => {
    const gains: Record<string, Weight> = {};
    return {
      rmsNorm(x, w, eps) {
        const [path, part] = w.path.split(/([qk])_layernorm$/);
        gains[`${path}${part}`] = w;
        const other = `${path}${part === "q" ? "k" : "q"}`;
        return part ? lazyTensor(x.rows, x.cols, () => ops.rmsNorm(x, gains[other], eps)) : ops.rmsNorm(x, w, eps);
      },
    };
  }),
  bug("norm-over-heads", "the norms of q and k over all heads at once", (ops) => ({
    rmsNorm(x, w, eps) {
      const tiled = () =>
        Float32Array.from({ length: x.cols }, (_, c) => weightRow(w as ReferenceWeight, 0)[c % w.cols]);
      if (!isQk(w) || !isWeightKnown(w)) return ops.rmsNorm(x, w, eps);
      return lazyTensor(x.rows, x.cols, () => ops.rmsNorm(x, weightOf(1, x.cols, tiled()), eps));
    },
  })),
  bug("swapped-k-v", "the weights of k and v exchanged", (ops) => {
    const projections: Record<string, Weight> = {};
    return {
      linear(x, w) {
        const part = /[kv](?=_proj$)/.exec(w.path)?.[0];
        if (part === undefined) return ops.linear(x, w);
        projections[part] = w;
        return lazyTensor(x.rows, w.rows, () => ops.linear(x, projections[part === "k" ? "v" : "k"]));
      },
    };
  }),
  bug("missing-rope", "no RoPE", () => ({ rope: (x) => x })),
  setting("missing-rope-scaling", ({ ropeScaling }) => `no ${ropeScaling?.ropeType} scaling of RoPE`, {
    ropeScaling: null,
  }),
  ...THETAS.map((ropeTheta) =>
    setting("wrong-rope-theta", (config) => `a RoPE base of ${ropeTheta} instead of ${config.ropeTheta}`, {
      ropeTheta,
    }),
  ),
  bug("wrong-kv-head-map", "query head h reading KV head h mod the number of KV heads", (ops) => ({
    attention: otherHeads(ops),
  })),
  bug("missing-attention-scale", "no division by √headDim", (ops) => ({
    attention: (q, k, v, spans, headDim) => ops.attention(ops.scale(q, Math.sqrt(headDim)), k, v, spans, headDim),
  })),
  permuted("the rows of q and k in the order for neighbouring pairs", halvesToPairs),
  permuted("the rows of q and k reordered for halves once too often", pairsToHalves),
  stored("f16"),
  stored("int8"),
  bug("heads-not-transposed", "heads not brought back behind positions", (ops) => ({
    attention: (q, k, v, spans, headDim) =>
      lazyTensor(q.rows, q.cols, () => {
        const { data } = ops.attention(q, k, v, spans, headDim) as ReferenceTensor;
        const heads = q.cols / headDim;
        const from = (i: number): number => {
          const [head, t] = [Math.floor(i / (headDim * q.rows)), Math.floor(i / headDim) % q.rows];
          return (t * heads + head) * headDim + (i % headDim);
        };
        return tensorOf(
          q.rows,
          q.cols,
          data.map((_, i) => data[from(i)]),
        );
      }),
  })),
  inParts("attention", "short convolution").bug("transposed-weight", "out_proj transposed", (ops) => ({
    linear: (x, w) =>
      w.path.endsWith(".out_proj") ? lazyTensor(x.rows, w.rows, () => ops.linear(x, transposed(w))) : ops.linear(x, w),
  })),
];
