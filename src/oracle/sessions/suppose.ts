// A chunk run from a state that it should not have had.
import { advance, type Model, restart, type Sequence } from "../../engine/sequence.ts";
import { forward } from "../../model/model.ts";
import { isConvState, type LayerState } from "../../model/state.ts";
import { createStep } from "../../model/step.ts";
import type { Ops } from "../../ops/ops.ts";
import { lastLogits, type SessionModel } from "./run-sessions.ts";
import type { Supposition } from "./suppositions.ts";

/** Sequences that it takes. */
export const SUPPOSED_SEQUENCES = 3;

/** Logits after the last of `ids` [vocab]. @param on  with as many sequences, which nobody else goes on from */
export function suppose(
  { model, sequences }: SessionModel,
  supposed: Supposition,
  ids: readonly number[],
): Float32Array {
  const [forConv, forKv, empty] = sequences;
  const { conv, kv, zeros = 0, position, isShifted = false, isBlind = false } = supposed;
  if (isBlind) restart(model, forConv);
  read(isBlind ? { ...model, ops: withoutAttention(model.ops) } : model, forConv, conv);
  read(model, forKv, kv);
  if (zeros > 0) advance({ ...model, ops: withZeroKeys(model.ops) }, [{ sequence: forKv, ids: new Int32Array(zeros) }]);
  restart(model, empty);
  const convStates = forConv.layers.filter(isConvState);
  const given = isShifted ? [...convStates.slice(1), ...empty.layers.filter(isConvState).slice(-1)] : convStates;
  const layers = forKv.layers.map((own): LayerState => (isConvState(own) ? (given.shift() as LayerState) : own));
  const start = kv.length + zeros;
  const step = createStep([{ ids, start, stored: start, pages: forKv.pages, layers }]);
  const { ops, memory, config, weights } = model;
  memory.release();
  const positions = Int32Array.from(ids, (_, t) => position + t);
  const h = forward(ops, config, weights, { ...step, positions }, (h, to) => memory.carry(h, to));
  const logits = lastLogits(model, h, ids.length);
  // Neither has read its ids as they are read.
  if (isBlind) restart(model, forConv);
  if (zeros > 0) restart(model, forKv);
  return logits;
}

/** Of a sequence that has read them, as under the supposition before, nothing is run. */
function read(model: Model, sequence: Sequence, ids: readonly number[]): void {
  const isRead = sequence.ids.length === ids.length && sequence.next === ids.length;
  if (isRead && ids.every((id, i) => id === sequence.ids[i])) return;
  restart(model, sequence);
  if (ids.length > 0) advance(model, [{ sequence, ids }]);
}

function withoutAttention(ops: Ops): Ops {
  const derived: Ops = Object.create(ops);
  derived.attention = (...args) => ops.scale(ops.attention(...args), 0);
  return derived;
}

/** Keys and values are stored as zeros, as a batch pads its cache. */
function withZeroKeys(ops: Ops): Ops {
  const derived: Ops = Object.create(ops);
  derived.attention = (q, k, v, ...rest) => ops.attention(q, ops.scale(k, 0), ops.scale(v, 0), ...rest);
  return derived;
}
