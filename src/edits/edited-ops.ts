// Ops with a reader's edits in them, over any backend: small numbers are read, changed and written back; what is left out is
// copied.
import { exp } from "../float.ts";
import type { Config } from "../model/config.ts";
import type { Memory } from "../ops/backend.ts";
import type { ExpertIds, Ops, Tensor, Weight } from "../ops/ops.ts";
import { type Edit, type EditKind, expertsToAToken, type NormName, numbersOf } from "./edit.ts";

/** @param memory  left out where the graph is rehearsed on shapes, which have no numbers to change */
export function editedOps(ops: Ops, config: Config, edits: readonly Edit[], memory?: Memory): Ops {
  if (edits.length === 0) return ops;
  const derived: Ops = Object.create(ops);
  /** Of the weight that was used last. */
  let layer = -1;
  const see = ({ path }: Weight): void => {
    layer = Number(/^model\.layers\.(\d+)\./.exec(path)?.[1] ?? -1);
  };
  const has = (kind: EditKind): boolean => edits.some((edit) => edit.kind === kind && edit.layers.includes(layer));
  const copied = (x: Tensor): Tensor => ops.scale(x, 1);
  /** A copy with other numbers. */
  const changed = (x: Tensor, change: (numbers: Float32Array) => void): Tensor => {
    const y = copied(x);
    if (memory === undefined) return y;
    const numbers = memory.read(x);
    change(numbers);
    memory.overwrite(y, numbers);
    return y;
  };
  const leavesOut = (name: string | undefined): boolean =>
    edits.some(
      ({ kind, norm, layers }) =>
        kind === "no-norm" && norm === (name as NormName) && (name === "embedding_norm" || layers.includes(layer)),
    );

  derived.rmsNorm = (x, w, eps) => {
    see(w);
    return leavesOut(w.path.split(".").pop()) ? copied(x) : ops.rmsNorm(x, w, eps);
  };
  derived.linear = (x, w) => {
    see(w);
    return ops.linear(x, w);
  };
  derived.causalConv = (x, w, spans) => {
    see(w);
    return has("no-convolution") ? copied(x) : ops.causalConv(x, w, spans);
  };
  derived.sigmoid = (x) => {
    const scores = ops.sigmoid(x);
    if (!has("softmax") || memory === undefined) return scores;
    const logits = memory.read(x);
    for (let at = 0; at < logits.length; at += x.cols) softmax(logits.subarray(at, at + x.cols));
    memory.overwrite(scores, logits);
    return scores;
  };
  derived.addBias = (x, bias) => (has("no-bias") ? copied(x) : ops.addBias(x, bias));

  let chosen: ExpertIds | undefined;
  derived.topK = (x, k) => {
    const [off, forced] = [numbersOf(edits, "expert-off", layer), numbersOf(edits, "expert-forced", layer)];
    const mask = (numbers: Float32Array): void => {
      for (let at = 0; at < numbers.length; at += x.cols) {
        for (const expert of forced) numbers[at + expert] = Number.POSITIVE_INFINITY;
        for (const expert of off) numbers[at + expert] = Number.NEGATIVE_INFINITY;
      }
    };
    const ranked = off.length + forced.length === 0 ? x : changed(x, mask);
    chosen = ops.topK(ranked, expertsToAToken(edits, layer, k));
    return chosen;
  };
  // The operation whose result are the weights depends on the config.
  const last = config.routedScalingFactor !== 1 ? "scale" : config.normTopkProb ? "normalize" : "gather";
  const weights = (operation: typeof last, x: Tensor): Tensor => {
    const zeroed = operation === last ? numbersOf(edits, "weight-zeroed", layer) : [];
    if (zeroed.length === 0 || memory === undefined) return x;
    const ids = memory.readIds(chosen as ExpertIds);
    return changed(x, (numbers) => {
      for (const [i, id] of ids.entries()) if (zeroed.includes(id)) numbers[i] = 0;
    });
  };
  derived.gather = (x, ids) => weights("gather", ops.gather(x, ids));
  derived.normalize = (x, eps) => weights("normalize", has("no-normalization") ? copied(x) : ops.normalize(x, eps));
  derived.scale = (x, factor) => weights("scale", ops.scale(x, factor));
  return derived;
}

function softmax(row: Float32Array): void {
  let most = Number.NEGATIVE_INFINITY;
  for (const value of row) most = Math.max(most, value);
  let sum = 0;
  for (let i = 0; i < row.length; i++) {
    row[i] = exp(row[i] - most);
    sum += row[i];
  }
  for (let i = 0; i < row.length; i++) row[i] /= sum;
}
