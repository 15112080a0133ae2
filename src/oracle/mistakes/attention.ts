// Grouped-query attention: another rotation, another order of norm and RoPE, other heads, a cache that rounds.
import type { KvType } from "../../ops/backend.ts";
import type { Ops, Tensor, Weight } from "../../ops/ops.ts";
import type { ReferenceKvCache } from "../../reference/tensor.ts";
import { halvesToPairs, pairsToHalves, reordered } from "./columns.ts";
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
];
