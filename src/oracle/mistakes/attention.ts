// Grouped-query attention: another rotation, another order of norm and RoPE, other heads, a cache that rounds.
import type { KvType } from "../../ops/backend.ts";
import type { KvSpan, Ops, Tensor, Weight } from "../../ops/ops.ts";
import type { ReferenceKvCache } from "../../reference/tensor.ts";
import { halvesToPairs, pairsToHalves, reordered } from "./columns.ts";
import type { Mistake } from "./mistake.ts";

const parts = ["attention"] as const;
/** RoPE bases of published models. */
const THETAS = [1e4, 1e5, 5e5, 1e6, 5e6, 1e7];

/** q and k in another order of their columns, as converters of LLaMA-like models write them for other rotations. */
function permuted(says: string, permute: typeof pairsToHalves): Mistake {
  const ops: Mistake["ops"] = (own, { headDim }) => ({
    linear: (x, w) => (/[qk]_proj$/.test(w.path) ? permute(own.linear(x, w), headDim) : own.linear(x, w)),
  });
  return { cause: "rope-unpermuted", says, parts, ops };
}

function stored(type: KvType): Mistake {
  const round = (spans: readonly KvSpan[]): KvSpan[] =>
    spans.map((span) => ({ ...span, cache: { ...span.cache, type } as ReferenceKvCache }));
  const ops = (own: Ops): Partial<Ops> => ({
    attention: (q, k, v, spans, headDim) => own.attention(q, k, v, round(spans), headDim),
  });
  return { cause: `kv-${type}`, says: `keys and values stored as ${type}`, parts, kind: "precision", ops };
}

/** Query heads moved to where the right map reads what the wrong one would, and back. */
function otherHeads(own: Ops): Ops["attention"] {
  return (q, k, v, spans, headDim) => {
    const kvHeads = k.cols / headDim;
    const group = q.cols / k.cols;
    const column = (c: number, head: (h: number) => number): number =>
      head(Math.floor(c / headDim)) * headDim + (c % headDim);
    const moved = reordered(q, (c) => column(c, (h) => (h % group) * kvHeads + Math.floor(h / group)));
    const mixed = own.attention(moved, k, v, spans, headDim);
    return reordered(mixed, (c) => column(c, (h) => (h % kvHeads) * group + Math.floor(h / kvHeads)));
  };
}

export const attentionMistakes: readonly Mistake[] = [
  {
    cause: "rope-interleaved",
    says: "RoPE of neighbouring pairs instead of halves",
    parts,
    ops: (ops, { headDim }) => ({
      rope: (x, angles) => halvesToPairs(ops.rope(pairsToHalves(x, headDim), angles), headDim),
    }),
  },
  {
    cause: "rope-before-norm",
    says: "RoPE before the norm of q and k",
    parts,
    ops(ops, { normEps }) {
      const gains = new WeakMap<Tensor, Weight>();
      return {
        rmsNorm(x, w, eps) {
          if (!/[qk]_layernorm$/.test(w.path)) return ops.rmsNorm(x, w, eps);
          gains.set(x, w);
          return x;
        },
        rope: (x, angles) => ops.rmsNorm(ops.rope(x, angles), gains.get(x) as Weight, normEps),
      };
    },
    eitherWay: /_layernorm$/,
  },
  {
    cause: "missing-qk-norm",
    says: "no norm of q and k",
    parts,
    ops: (ops) => ({ rmsNorm: (x, w, eps) => (/[qk]_layernorm$/.test(w.path) ? x : ops.rmsNorm(x, w, eps)) }),
  },
  { cause: "missing-rope", says: "no RoPE", parts, ops: () => ({ rope: (x) => x }) },
  {
    cause: "missing-rope-scaling",
    says: ({ ropeScaling }) => `no ${ropeScaling?.ropeType} scaling of RoPE`,
    parts,
    config: () => ({ ropeScaling: null }),
  },
  ...THETAS.map(
    (ropeTheta): Mistake => ({
      cause: "wrong-rope-theta",
      says: (config) => `a RoPE base of ${ropeTheta} instead of ${config.ropeTheta}`,
      parts,
      config: () => ({ ropeTheta }),
    }),
  ),
  {
    cause: "wrong-kv-head-map",
    says: "query head h reading KV head h mod the number of KV heads",
    parts,
    ops: (ops) => ({ attention: otherHeads(ops) }),
  },
  {
    cause: "missing-attention-scale",
    says: "no division by √headDim",
    parts,
    ops: (ops) => ({
      attention: (q, k, v, spans, headDim) => ops.attention(ops.scale(q, Math.sqrt(headDim)), k, v, spans, headDim),
    }),
  },
  permuted("the rows of q and k in the order for neighbouring pairs", halvesToPairs),
  permuted("the rows of q and k reordered for halves once too often", pairsToHalves),
  stored("f16"),
  stored("int8"),
];
