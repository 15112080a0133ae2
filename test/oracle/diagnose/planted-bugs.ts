// The mistakes that runtimes make with this architecture, each planted into a run by changing one operation.
import type { Model } from "../../../src/engine/sequence.ts";
import type { Config } from "../../../src/model/config.ts";

import type { Angles, ConvSpan, ExpertIds, Ops, Tensor, Weight } from "../../../src/ops/ops.ts";
import { weightOf } from "../../../src/oracle/mistakes/columns.ts";
import { referenceOps } from "../../../src/reference/backend.ts";
import { weightRow } from "../../../src/reference/linear.ts";
import {
  createTensor,
  type ReferenceConvState,
  type ReferenceTensor,
  type ReferenceWeight,
  rowOf,
} from "../../../src/reference/tensor.ts";

export interface PlantedBug {
  readonly what: string;
  readonly cause: string;
  /** The first point that must differ: with every point recorded, and with those between modules alone. */
  readonly at: (places: Places) => string;
  readonly outerAt?: (places: Places) => string;
  /** Ids to a step; all of them unless told. */
  readonly step?: number;
  plant?(ops: Ops, config: Config): Partial<Ops>;
  config?(config: Config): Partial<Config>;
  ids?(ids: Int32Array): Int32Array;
  /** Cannot be told from a trace alone, however much it holds. */
  readonly needsWeights?: true;
  /** Only a model whose context was stretched can have it. */
  readonly needsScaling?: true;
}

/** The first layer of each kind. */
export interface Places {
  readonly conv: string;
  readonly attention: string;
  readonly sparse: string;
  readonly dense: string;
}

export function placesOf({ layerTypes, numDenseLayers }: Config): Places {
  const layer = (type: string): string => `model.layers.${layerTypes.indexOf(type as "conv")}`;
  const sparse = `model.layers.${numDenseLayers}`;
  return { conv: layer("conv"), attention: layer("full_attention"), sparse, dense: "model.layers.0" };
}

/** The model with the mistake. */
export function planted(model: Model, { plant, config: change }: PlantedBug): Model {
  const config = { ...model.config, ...change?.(model.config) };
  const ops: Ops = Object.assign(Object.create(model.ops), plant?.(model.ops, config));
  return { ...model, config, ops };
}

type R = ReferenceTensor;
const isQk = ({ path }: Weight): boolean => /[qk]_layernorm$/.test(path);

function softmax(x: R): R {
  const y = createTensor(x.rows, x.cols);
  for (let t = 0; t < x.rows; t++) {
    const row = rowOf(x, t);
    const powers = Array.from(row, (value) => Math.exp(value - Math.max(...row)));
    const sum = powers.reduce((a, b) => a + b);
    rowOf(y, t).set(powers.map((power) => power / sum));
  }
  return y;
}

/** Columns in another order within every head. */
function reordered(x: R, width: number, from: (column: number) => number): R {
  const y = createTensor(x.rows, x.cols);
  for (let t = 0; t < x.rows; t++) {
    for (let c = 0; c < x.cols; c++) rowOf(y, t)[c] = rowOf(x, t)[c - (c % width) + from(c % width)];
  }
  return y;
}

/** [a0, b0, a1, b1, …] of [a0, a1, …, b0, b1, …], as converters of LLaMA reorder q and k. */
const interleave = (x: R, width: number): R => reordered(x, width, (c) => (c % 2) * (width / 2) + (c >> 1));
const deinterleave = (x: R, width: number): R =>
  reordered(x, width, (c) => (c < width / 2 ? 2 * c : 2 * (c - width / 2) + 1));

function interleavedRope(x: R, angles: Angles, width: number): R {
  return interleave(referenceOps.rope(deinterleave(x, width), angles) as R, width);
}

/** The same span, remembering other rows. */
function spanOver(rows: number, state: ReferenceConvState, current: Float32Array): ConvSpan[] {
  return [{ rows, state: { ...state, current } as ReferenceConvState }];
}

/** Query head h reads KV head h mod kvHeads. */
function wrongHeads(ops: Ops): Ops["attention"] {
  return (q, k, v, spans, headDim) => {
    const [heads, kvHeads] = [q.cols / headDim, k.cols / headDim];
    const group = heads / kvHeads;
    // Query heads moved to where the right map reads what the wrong one would, then back.
    const moveTo = (h: number): number => (h % kvHeads) * group + Math.floor(h / kvHeads);
    const [moved, back] = [createTensor(q.rows, q.cols), createTensor(q.rows, q.cols)];
    const copy = (from: R, to: R, source: (h: number) => number, target: (h: number) => number): void => {
      for (let t = 0; t < from.rows; t++) {
        for (let h = 0; h < heads; h++) {
          rowOf(to, t).set(
            rowOf(from, t).subarray(source(h) * headDim, (source(h) + 1) * headDim),
            target(h) * headDim,
          );
        }
      }
    };
    copy(q as R, moved, (h) => h, moveTo);
    copy(ops.attention(moved, k, v, spans, headDim) as R, back, moveTo, (h) => h);
    return back;
  };
}

const orders =
  (order: readonly [number, number, number]) =>
  (ops: Ops): Partial<Ops> => ({
    split(x, parts) {
      const slices = ops.split(x, parts);
      return parts === 3 ? order.map((i) => slices[i]) : slices;
    },
  });

export const plantedBugs: readonly PlantedBug[] = [
  {
    what: "a softmax router",
    cause: "softmax-router",
    at: ({ sparse }) => `${sparse}.feed_forward.gate.scores`,
    outerAt: ({ sparse }) => `${sparse}.feed_forward.gate.experts`,
    plant: () => ({ sigmoid: (x) => softmax(x as R) }),
  },
  {
    what: "the bias in the weights",
    cause: "bias-in-weights",
    at: ({ sparse }) => `${sparse}.feed_forward.gate.weights`,
    plant(ops) {
      let ranked: Tensor;
      return {
        addBias(x, bias) {
          ranked = ops.addBias(x, bias);
          return ranked;
        },
        gather: (_, ids) => ops.gather(ranked, ids),
      };
    },
  },
  {
    what: "no normalization of the weights",
    cause: "missing-normalization",
    at: ({ sparse }) => `${sparse}.feed_forward.gate.weights`,
    config: () => ({ normTopkProb: false }),
  },
  {
    what: "no expert bias when choosing",
    cause: "missing-bias",
    at: ({ sparse }) => `${sparse}.feed_forward.gate.experts`,
    plant: () => ({ addBias: (x) => x }),
  },
  {
    what: "one expert too few",
    cause: "wrong-top-k",
    at: ({ sparse }) => `${sparse}.feed_forward.gate.experts`,
    config: ({ numExpertsPerTok }) => ({ numExpertsPerTok: numExpertsPerTok - 1 }),
  },
  {
    what: "C exchanged with B",
    cause: "swapped-c-b",
    at: ({ conv }) => `${conv}.conv.conv`,
    outerAt: ({ conv }) => `${conv}.conv`,
    plant: orders([1, 0, 2]),
  },
  {
    what: "C exchanged with x",
    cause: "swapped-c-x",
    at: ({ conv }) => `${conv}.conv.conv`,
    outerAt: ({ conv }) => `${conv}.conv`,
    plant: orders([0, 2, 1]),
  },
  {
    what: "flipped convolution taps",
    cause: "flipped-taps",
    at: ({ conv }) => `${conv}.conv.conv`,
    outerAt: ({ conv }) => `${conv}.conv`,
    plant: (ops) => ({
      causalConv(x, w, spans) {
        const from = w as ReferenceWeight;
        const taps = new Float32Array(w.rows * w.cols);
        for (let c = 0; c < w.rows; c++) taps.set(weightRow(from, c).reverse(), c * w.cols);
        return ops.causalConv(x, { ...weightOf(w.rows, w.cols, taps), path: w.path }, spans);
      },
    }),
  },
  {
    what: "a convolution state one position old",
    cause: "conv-state-off-by-one",
    step: 5,
    at: ({ conv }) => `${conv}.conv.conv`,
    outerAt: ({ conv }) => `${conv}.conv`,
    plant(ops) {
      const inputs = new WeakMap<object, Float32Array[]>();
      return {
        causalConv(x, w, [{ rows, state }]) {
          const own = state as ReferenceConvState;
          const before = inputs.get(own) ?? [];
          const late = new Float32Array(own.current.length);
          for (let i = 0; i < own.width - 1; i++) {
            const row = before[before.length - own.width + i];
            if (row !== undefined) late.set(row, i * x.cols);
          }
          inputs.set(own, [...before, ...Array.from({ length: x.rows }, (_, t) => rowOf(x as R, t).slice())]);
          return ops.causalConv(x, w, spanOver(rows, own, late));
        },
      };
    },
  },
  {
    what: "a convolution state that is lost between steps",
    cause: "conv-state-lost",
    step: 6,
    at: ({ conv }) => `${conv}.conv.conv`,
    outerAt: ({ conv }) => `${conv}.conv`,
    plant: (ops) => ({
      causalConv(x, w, [{ rows, state }]) {
        const own = state as ReferenceConvState;
        return ops.causalConv(x, w, spanOver(rows, own, new Float32Array(own.current.length)));
      },
    }),
  },
  {
    what: "interleaved RoPE",
    cause: "rope-interleaved",
    at: ({ attention }) => `${attention}.self_attn.q_rope`,
    outerAt: ({ attention }) => `${attention}.self_attn`,
    plant: (_, { headDim }) => ({ rope: (x, angles) => interleavedRope(x as R, angles, headDim) }),
  },
  {
    what: "q and k permuted for another rotation",
    cause: "rope-unpermuted",
    at: ({ attention }) => `${attention}.self_attn.q_proj`,
    outerAt: ({ attention }) => `${attention}.self_attn`,
    plant: (ops, { headDim }) => ({
      linear(x, w) {
        const y = ops.linear(x, w);
        return /[qk]_proj$/.test(w.path) ? interleave(y as R, headDim) : y;
      },
    }),
  },
  {
    what: "no scaling of RoPE",
    cause: "missing-rope-scaling",
    at: ({ attention }) => `${attention}.self_attn.q_rope`,
    outerAt: ({ attention }) => `${attention}.self_attn`,
    config: () => ({ ropeScaling: null }),
    needsScaling: true,
  },
  {
    what: "RoPE before the norm",
    cause: "rope-before-norm",
    at: ({ attention }) => `${attention}.self_attn.q_layernorm`,
    outerAt: ({ attention }) => `${attention}.self_attn`,
    plant(ops, { normEps }) {
      const gains: Weight[] = []; // q's norm, then k's; q is rotated first, too
      return {
        rmsNorm(x, w, eps) {
          if (!isQk(w)) return ops.rmsNorm(x, w, eps);
          gains.push(w);
          return x;
        },
        rope: (x, angles) => ops.rmsNorm(ops.rope(x, angles), gains.shift() as Weight, normEps),
      };
    },
  },
  {
    what: "no norm of q and k",
    cause: "missing-qk-norm",
    at: ({ attention }) => `${attention}.self_attn.q_layernorm`,
    outerAt: ({ attention }) => `${attention}.self_attn`,
    plant: (ops) => ({ rmsNorm: (x, w, eps) => (isQk(w) ? x : ops.rmsNorm(x, w, eps)) }),
  },
  {
    what: "a wrong map of KV heads",
    cause: "wrong-kv-head-map",
    at: ({ attention }) => `${attention}.self_attn.out_proj.input`,
    outerAt: ({ attention }) => `${attention}.self_attn`,
    plant: (ops) => ({ attention: wrongHeads(ops) }),
  },
  {
    what: "a wrong RoPE base",
    cause: "wrong-rope-theta",
    at: ({ attention }) => `${attention}.self_attn.q_rope`,
    outerAt: ({ attention }) => `${attention}.self_attn`,
    config: () => ({ ropeTheta: 10_000 }),
  },
  {
    what: "a wrong eps",
    cause: "wrong-eps",
    at: () => "model.layers.0.operator_norm",
    config: () => ({ normEps: 1e-3 }),
  },
  {
    what: "no final norm",
    cause: "missing-final-norm",
    at: () => "model.embedding_norm",
    plant: (ops) => ({ rmsNorm: (x, w, eps) => (w.path === "model.embedding_norm" ? x : ops.rmsNorm(x, w, eps)) }),
  },
  {
    what: "w1 and w3 exchanged",
    cause: "swapped-w1-w3",
    needsWeights: true,
    at: ({ dense }) => `${dense}.feed_forward`,
    plant: (ops) => ({ swiglu: (gate, up) => ops.swiglu(up, gate) }),
  },
  {
    what: "w1 and w3 of the experts exchanged",
    cause: "swapped-w1-w3",
    needsWeights: true,
    at: ({ sparse }) => `${sparse}.feed_forward.experts.w2`,
    outerAt: ({ sparse }) => `${sparse}.feed_forward`,
    plant(ops) {
      let isSparse = false;
      return {
        expertLinear(x: Tensor, w: Weight, experts: ExpertIds) {
          isSparse = true;
          return ops.expertLinear(x, w, experts);
        },
        linear(x, w) {
          isSparse = false;
          return ops.linear(x, w);
        },
        swiglu: (gate, up) => (isSparse ? ops.swiglu(up, gate) : ops.swiglu(gate, up)),
      };
    },
  },
  {
    what: "a beginning-of-text token too many",
    cause: "doubled-bos",
    at: () => "model.embed_tokens",
    ids: (ids) => Int32Array.of(ids[0], ...ids),
  },
  {
    what: "no beginning-of-text token",
    cause: "missing-bos",
    at: () => "model.embed_tokens",
    ids: (ids) => ids.slice(1),
  },
];
