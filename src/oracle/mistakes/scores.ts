// Attention computed by another rule: another scale, other positions seen, other heads, a sink.

import { exp } from "../../float.ts";
import type { KvSpan, Ops, Tensor } from "../../ops/ops.ts";
import { createTensor, type ReferenceTensor, rowOf } from "../../reference/tensor.ts";
import { lazyTensor } from "../diagnose/lazy-ops.ts";
import { inParts, type Mistake, type Steps, stepOf } from "./mistake.ts";

const { bug } = inParts("attention");

/** The rows of the step that row i belongs to: from `begin` up to `end`. */
type Sees = (i: number, j: number, step: { readonly begin: number; readonly end: number }) => boolean;

interface Rule {
  readonly sees?: Sees;
  /** Which row's key and value stand for row j's, to a query of the step; undefined for zeros. */
  readonly key?: (j: number, step: { readonly begin: number; readonly end: number }) => number | undefined;
  readonly value?: Rule["key"];
  readonly kvHead?: (head: number, group: number) => number;
  /** A score of zero more in the softmax. */
  readonly hasSink?: boolean;
}

const specified: Required<Rule> = {
  sees: (i, j) => j <= i,
  key: (j) => j,
  value: (j) => j,
  kvHead: (head, group) => Math.floor(head / group),
  hasSink: false,
};

function attended(q: Tensor, k: Tensor, v: Tensor, headDim: number, rule: Rule, steps: Steps): Tensor {
  const { sees, key, value, kvHead, hasSink } = { ...specified, ...rule };
  return lazyTensor(q.rows, q.cols, () => {
    const [y, group] = [createTensor(q.rows, q.cols), q.cols / k.cols];
    const [queries, keys, values] = [q, k, v].map((x) => (t: number) => rowOf(x as ReferenceTensor, t));
    for (let i = 0; i < q.rows; i++) {
      const step = stepOf(i, q.rows, steps);
      for (let head = 0; head < q.cols / headDim; head++) {
        const column = kvHead(head, group) * headDim;
        const seen = Array.from({ length: q.rows }, (_, j) => j).filter((j) => sees(i, j, step));
        const scores = seen.map((j) => {
          const from = key(j, step);
          return from === undefined ? 0 : product(queries(i), head * headDim, keys(from), column, headDim);
        });
        const most = Math.max(hasSink ? 0 : Number.NEGATIVE_INFINITY, ...scores);
        const powers = scores.map((score) => exp(score - most));
        const sum = powers.reduce((a, b) => a + b, hasSink ? exp(-most) : 0);
        for (const [n, j] of seen.entries()) {
          const from = value(j, step);
          if (from === undefined) continue;
          const [to, row] = [rowOf(y, i), values(from)];
          for (let d = 0; d < headDim; d++) to[head * headDim + d] += (powers[n] / sum) * row[column + d];
        }
      }
    }
    return y;
  });
}

/** q · k / √headDim */
function product(q: Float32Array, at: number, k: Float32Array, from: number, headDim: number): number {
  let sum = 0;
  for (let d = 0; d < headDim; d++) sum += q[at + d] * k[from + d];
  return sum / Math.sqrt(headDim);
}

function by(cause: string, says: string, rule: Rule | ((steps: Steps) => Rule)): Mistake {
  return bug(cause, says, (_ops, _config, steps) => ({
    attention: (q, k, v, _spans: readonly KvSpan[], headDim) =>
      attended(q, k, v, headDim, typeof rule === "function" ? rule(steps) : rule, steps),
  }));
}

function scaled(says: string, factor: (headDim: number, hidden: number) => number): Mistake {
  return bug("wrong-attention-scale", says, (ops: Ops, { hiddenSize }) => ({
    attention: (q, k, v, spans, headDim) =>
      ops.attention(ops.scale(q, factor(headDim, hiddenSize) * Math.sqrt(headDim)), k, v, spans, headDim),
  }));
}

export const scoreMistakes: readonly Mistake[] = [
  scaled("scores divided by headDim instead of its root", (headDim) => 1 / headDim),
  scaled("scores divided by √hiddenSize", (_, hidden) => 1 / Math.sqrt(hidden)),
  by("missing-mask", "every position seeing all others", { sees: () => true }),
  by("mask-off-by-one", "every position seeing the next one, too", { sees: (i, j) => j <= i + 1 }),
  by("mask-off-by-one", "no position but the first seeing itself", { sees: (i, j) => j < i || j + i === 0 }),
  by("mask-top-left", "a mask that begins anew at every step", { sees: (i, j, { begin }) => j <= i - begin }),
  by("chunk-local-attention", "no position seeing the steps before", {
    sees: (i, j, { begin }) => j >= begin && j <= i,
  }),
  by("chunk-unmasked", "every position seeing its whole step", { sees: (_, j, { end }) => j < end }),
  by("sliding-window", "a window of as many positions as agree", ({ second }) => ({
    sees: (i, j) => j <= i && j > i - second,
  })),
  by("attention-sink", "a softmax over one score of zero more", { hasSink: true }),
  by("one-kv-head", "every query head reading the first KV head", { kvHead: () => 0 }),
  by("keys-early", "the keys of a step stored one position early", {
    key: (j, { begin, end }) => (begin === 0 || j < begin - 1 ? j : Math.min(j + 1, end - 1)),
  }),
  by("keys-zeroed", "the keys of the steps before zeroed", { key: (j, { begin }) => (j < begin ? undefined : j) }),
  by("values-zeroed", "the values of the steps before zeroed", {
    value: (j, { begin }) => (j < begin ? undefined : j),
  }),
];
