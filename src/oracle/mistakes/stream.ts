// The stream that runs through the layers, and the head at its end: sums, and what becomes of logits.
import { exp } from "../../float.ts";
import type { Ops, Tensor } from "../../ops/ops.ts";
import { byRow, type RowChange } from "./columns.ts";
import { inParts, type Mistake } from "./mistake.ts";

const { bug } = inParts("norm", "layer");
const { bug: headBug } = inParts("head");

/** stream + part, of an operator or a feed-forward, made otherwise. */
function sum(cause: string, says: string, change: (ops: Ops, stream: Tensor, part: Tensor) => Tensor): Mistake {
  return bug(cause, says, (ops) => ({ add: (stream, part) => change(ops, stream, part) }));
}

function scaled(says: string, stream: number, part: number): Mistake {
  return sum("scaled-residual", says, (ops, x, y) => ops.add(ops.scale(x, stream), ops.scale(y, part)));
}

/** Logits made into something else. */
function logits(cause: string, says: string, change: RowChange): Mistake {
  return headBug(cause, says, (ops) => ({
    linear: (x, w) => (isHead(w.path) ? byRow(ops.linear(x, w), change) : ops.linear(x, w)),
  }));
}

const isHead = (path: string): boolean => path === "model.embed_tokens" || path === "lm_head";

function tanh(x: number): number {
  return 1 - 2 / (exp(2 * x) + 1);
}

export const streamMistakes: readonly Mistake[] = [
  sum("missing-residual", "the stream not added", (_, __, part) => part),
  scaled("half of the stream kept", 0.5, 1),
  scaled("half of what a part of the layer gives added", 1, 0.5),
  scaled("twice what a part of the layer gives added", 1, 2),
  bug("normed-residual", "the normed stream added instead of the stream", (ops) => {
    let normed: Tensor;
    return {
      rmsNorm(x, w, eps) {
        const y = ops.rmsNorm(x, w, eps);
        if (/\.(operator|ffn)_norm$/.test(w.path)) normed = y;
        return y;
      },
      add: (_, part) => ops.add(normed, part),
    };
  }),
  bug("parallel-residual", "operator and feed-forward beside each other", (ops) => {
    let before: Tensor | undefined;
    return {
      add(stream, part) {
        before = stream;
        return ops.add(stream, part);
      },
      rmsNorm: (x, w, eps) => ops.rmsNorm(w.path.endsWith(".ffn_norm") && before ? before : x, w, eps),
    };
  }),
  ...[5, 15, 20, 30, 50].map((cap) =>
    logits("capped-logits", `logits capped at ${cap} by tanh`, (row) => row.map((value) => cap * tanh(value / cap))),
  ),
  logits("shifted-logits", "every row of logits that of the position before", (row, t, other) => other(t - 1) ?? row),
  logits("moved-vocabulary", "every logit in the column before its token's", (row) =>
    row.map((_, c) => row[(c + 1) % row.length]),
  ),
  logits("moved-vocabulary", "every logit in the column after its token's", (row) =>
    row.map((_, c) => row[(c - 1 + row.length) % row.length]),
  ),
];
