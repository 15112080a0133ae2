// Grouped-query attention: norms of q and k, heads, scales, which positions a row sees, a cache that rounds.
import type { KvType } from "../../ops/backend.ts";
import { type Ops, PAGE, type Tensor } from "../../ops/ops.ts";
import { createTensor, type ReferenceKvCache, type ReferenceTensor, rowOf } from "../../reference/tensor.ts";
import { lazyTensor } from "../diagnose/lazy-ops.ts";
import { byRow, rearranged, reordered, tensorOf } from "./columns.ts";
import { type Change, inParts, type Mistake } from "./mistake.ts";

const { bug } = inParts("attention");

function normed(cause: string, says: string, which: RegExp, change: (ops: Ops) => Ops["rmsNorm"]): Mistake {
  return bug(cause, says, (ops) => ({
    rmsNorm: (x, w, eps) => (which.test(w.path) ? change(ops)(x, w, eps) : ops.rmsNorm(x, w, eps)),
  }));
}

const withoutNorm = () => (x: Tensor) => x;

function stored(type: KvType): Mistake {
  const mistake = bug(`kv-${type}`, `keys and values stored as ${type}`, (ops) => ({
    attention(q, k, v, spans, headDim) {
      const rounding = spans.map((span) => ({ ...span, cache: { ...span.cache, type } as ReferenceKvCache }));
      return ops.attention(q, k, v, rounding, headDim);
    },
  }));
  return { ...mistake, kind: "precision" };
}

/** Heads in another order: head h of the result is head `from(h)`. */
function heads(x: Tensor, headDim: number, from: (head: number) => number): Tensor {
  return reordered(x, (c) => from(Math.floor(c / headDim)) * headDim + (c % headDim));
}

/** Query heads moved to where the right map reads what the wrong one would, and back. */
function otherHeads(ops: Ops): Ops["attention"] {
  return (q, k, v, spans, headDim) => {
    const [kvHeads, group] = [k.cols / headDim, q.cols / k.cols];
    const moved = heads(q, headDim, (h) => (h % group) * kvHeads + Math.floor(h / group));
    const mixed = ops.attention(moved, k, v, spans, headDim);
    return heads(mixed, headDim, (h) => (h % kvHeads) * group + Math.floor(h / kvHeads));
  };
}

function scaled(cause: string, says: string, by: (headDim: number, hiddenSize: number) => number): Mistake {
  return bug(cause, says, (ops, { hiddenSize }) => ({
    attention: (q, k, v, spans, headDim) => ops.attention(ops.scale(q, by(headDim, hiddenSize)), k, v, spans, headDim),
  }));
}

/** Of what a row sees, the rows of its key and its value; undefined for zeros. */
type Seen = readonly (readonly [key: number | undefined, value: number | undefined])[];

/** What row t sees of `rows`; its step begins at `step` and ends before `end`, if steps are as long as the first one. */
type Mask = (at: { readonly t: number; readonly step: number; readonly end: number; readonly rows: number }) => Seen;

const positions = (count: number, from = 0): Seen =>
  Array.from({ length: Math.max(0, count) }, (_, i) => [from + i, from + i] as const);

/** Every row as the last of a sequence of its own, which holds what it sees. */
function masked(cause: string, says: string, mask: Mask): Mistake {
  const attention =
    (ops: Ops, second: number): Ops["attention"] =>
    (q, k, v, _, headDim) =>
      lazyTensor(q.rows, q.cols, () => {
        const y = createTensor(q.rows, q.cols);
        for (let t = 0; t < q.rows; t++) {
          const step = second > 0 ? t - (t % second) : 0;
          const end = second > 0 ? Math.min(q.rows, step + second) : q.rows;
          const seen = mask({ t, step, end, rows: q.rows });
          const rowsOf = (x: Tensor, which: 0 | 1): ReferenceTensor => {
            const found = createTensor(seen.length, x.cols);
            for (const [i, pair] of seen.entries()) {
              const row = pair[which];
              if (row !== undefined) rowOf(found, i).set(rowOf(x as ReferenceTensor, row));
            }
            return found;
          };
          const [keys, values] = [rowsOf(k, 0), rowsOf(v, 1)];
          const start = seen.length - 1;
          const cache: ReferenceKvCache = { capacity: seen.length, k: keys.data, v: values.data, type: "f32" };
          const pages = Array.from({ length: Math.ceil(seen.length / PAGE) }, (_, i) => i);
          const span = { rows: 1, start, stored: start + 1, cache, pages };
          const query = tensorOf(1, q.cols, rowOf(q as ReferenceTensor, t));
          const one = ops.attention(query, ops.rows(keys, start, 1), ops.rows(values, start, 1), [span], headDim);
          rowOf(y, t).set((one as ReferenceTensor).data);
        }
        return y;
      });
  return bug(cause, says, (ops, _, { second }) => ({ attention: attention(ops, second) }));
}

/** softmax(cap · tanh(q · kᵀ / √headDim / cap)) · v, as Gemma 2 has it. Given: all positions from the first one on. */
function capped(cap: number): Mistake {
  return bug("capped-attention-scores", `attention's scores capped at ${cap} by tanh`, () => ({
    attention: (q, k, v, _, headDim) =>
      lazyTensor(q.rows, q.cols, () => {
        const y = createTensor(q.rows, q.cols);
        const group = q.cols / k.cols;
        const head = (x: Tensor, t: number, h: number) =>
          rowOf(x as ReferenceTensor, t).subarray(h * headDim, (h + 1) * headDim);
        for (let t = 0; t < q.rows; t++) {
          for (let h = 0; h < q.cols / headDim; h++) {
            const query = head(q, t, h);
            const powers = Array.from({ length: t + 1 }, (_, s) => {
              const key = head(k, s, Math.floor(h / group));
              const score = query.reduce((sum, value, c) => sum + value * key[c], 0) / Math.sqrt(headDim);
              return Math.exp(cap * Math.tanh(score / cap)); // at most e^cap
            });
            const sum = powers.reduce((total, power) => total + power, 0);
            const to = head(y, t, h);
            for (const [s, power] of powers.entries()) {
              for (const [c, value] of head(v, s, Math.floor(h / group)).entries()) to[c] += (power / sum) * value;
            }
          }
        }
        return y;
      }),
  }));
}

/** [heads, T, headDim] read as [T, heads · headDim]. */
function notTransposed(x: Tensor, headDim: number): Tensor {
  return lazyTensor(x.rows, x.cols, () => {
    const { data } = byRow(x, (row) => row);
    const read = data.map((_, i) => {
      const [head, rest] = [Math.floor(i / (x.rows * headDim)), i % (x.rows * headDim)];
      return data[Math.floor(rest / headDim) * x.cols + head * headDim + (rest % headDim)];
    });
    return tensorOf(x.rows, x.cols, read);
  });
}

/** One run of all heads, the weight as often as it takes. */
const overHeads =
  (ops: Ops): Ops["rmsNorm"] =>
  (x, w, eps) =>
    ops.rmsNorm(
      x,
      rearranged(w, (i) => i % w.cols, { rows: 1, cols: x.cols }),
      eps,
    );

const exchanged: Change = (ops, _, { weight }) => ({
  rmsNorm(x, w, eps) {
    const other = w.path.replace(/([qk])_layernorm$/, (_, of) => `${of === "q" ? "k" : "q"}_layernorm`);
    return ops.rmsNorm(x, weight(other) ?? w, eps);
  },
});

export const attentionMistakes: readonly Mistake[] = [
  normed("missing-qk-norm", "no norm of q and k", /[qk]_layernorm$/, withoutNorm),
  normed("missing-q-norm", "no norm of q", /q_layernorm$/, withoutNorm),
  normed("missing-k-norm", "no norm of k", /k_layernorm$/, withoutNorm),
  normed("norm-over-heads", "the norms of q and k over all heads at once", /[qk]_layernorm$/, overHeads),
  bug("swapped-qk-norms", "the weights of q's and k's norms exchanged", exchanged),
  bug("swapped-k-v", "the weights of k and v exchanged", (ops, _, { weight }) => ({
    linear(x, w) {
      const other = w.path.replace(/([kv])_proj$/, (_, of) => `${of === "k" ? "v" : "k"}_proj`);
      return ops.linear(x, weight(other) ?? { ...w, path: other });
    },
  })),
  bug("wrong-kv-head-map", "query head h reading KV head h mod the number of KV heads", (ops) => ({
    attention: otherHeads(ops),
  })),
  bug("one-kv-head", "every query head reading the first KV head", (ops) => ({
    attention: (q, k, v, spans, headDim) =>
      ops.attention(
        q,
        heads(k, headDim, () => 0),
        heads(v, headDim, () => 0),
        spans,
        headDim,
      ),
  })),
  bug("heads-not-transposed", "heads not brought back behind positions", (ops) => ({
    attention: (q, k, v, spans, headDim) => notTransposed(ops.attention(q, k, v, spans, headDim), headDim),
  })),
  scaled("missing-attention-scale", "no division by √headDim", (headDim) => Math.sqrt(headDim)),
  scaled("wrong-attention-scale", "division by headDim instead of its root", (headDim) => 1 / Math.sqrt(headDim)),
  scaled("wrong-attention-scale", "division by √hidden_size instead of √headDim", (headDim, hidden) =>
    Math.sqrt(headDim / hidden),
  ),
  ...[2, 5, 10, 15, 20, 30, 50, 100].map(capped),
  masked("missing-mask", "every position seeing all others", ({ rows }) => positions(rows)),
  masked("mask-off-by-one", "every position seeing the next", ({ t, rows }) => positions(Math.min(rows, t + 2))),
  masked("mask-off-by-one", "no position but the first seeing itself", ({ t }) => positions(Math.max(1, t))),
  masked(
    "mask-top-left",
    "a causal mask aligned with the first key instead of the last, so that later steps see too little",
    ({ t, step }) => positions(t - step + 1),
  ),
  masked("chunk-local-attention", "no position seeing the steps before", ({ t, step }) =>
    positions(t - step + 1, step),
  ),
  masked("chunk-unmasked", "every position seeing its whole step", ({ end }) => positions(end)),
  bug("sliding-window", "every position seeing the last ones alone", (ops, config, scene) => {
    const window = scene.second;
    const { ops: change } = masked("", "", ({ t }) => positions(Math.min(t + 1, window), Math.max(0, t + 1 - window)));
    return window > 0 ? (change?.(ops, config, scene) ?? {}) : {};
  }),
  masked("attention-sink", "softmax over one score of zero more", ({ t }) => [
    [undefined, undefined],
    ...positions(t + 1),
  ]),
  masked("keys-early", "keys written one position early", ({ t, step, end }) => {
    const order = [...positions(step - 1), ...positions(end - step, step), [end - 1, end - 1] as const];
    return positions(t + 1).map(([, value], i) => [step === 0 ? i : order[i][0], value] as const);
  }),
  masked("keys-zeroed", "keys of the steps before zeroed", ({ t, step }) =>
    positions(t + 1).map(([key, value], i) => [i < step ? undefined : key, value] as const),
  ),
  masked("values-zeroed", "values of the steps before zeroed", ({ t, step }) =>
    positions(t + 1).map(([key, value], i) => [key, i < step ? undefined : value] as const),
  ),
  bug("transposed-weight", "out_proj transposed", (ops) => ({
    linear: (x, w) =>
      ops.linear(
        x,
        w.path.endsWith("self_attn.out_proj") && w.rows === w.cols
          ? rearranged(w, (i) => (i % w.cols) * w.cols + Math.floor(i / w.cols))
          : w,
      ),
  })),
  stored("f16"),
  stored("int8"),
];
