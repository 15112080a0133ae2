// What a backend is asked for: room for weights and sequences, and a rehearsal that shows how much working space the
// longest steps take.
import { advance, createSequence, pagesFor } from "../engine/sequence.ts";
import type { Config } from "../model/config.ts";
import { lmHead } from "../model/model.ts";
import { sharedStateSpecs } from "../model/state.ts";
import type { Backend } from "../ops/backend.ts";
import type { WasmBackendRequest } from "../wasm/backend.ts";
import { isRelaxed } from "../wasm/kernels.ts";
import { assemble } from "./assemble.ts";
import type { FoundWeight } from "./find-weights.ts";
import { longestStep, type Room } from "./room.ts";
import type { Settings } from "./settings.ts";

/** Rows of logits that are computed together; a row is a quarter of a megabyte in LFM2. */
export const MAX_LOGIT_ROWS = 16;

export function backendRequest(
  config: Config,
  found: readonly FoundWeight[],
  settings: Settings,
  room: Room,
): WasmBackendRequest {
  const { mode, kvType, bankBytes, contextLength, threads } = settings;
  return {
    weights: found.map(({ stored }) => stored),
    states: sharedStateSpecs(config, room.positions, room.sequences),
    kvType,
    mode,
    threads,
    relaxed: isRelaxed(settings.kernels),
    bankBytes,
    maxStep: longestStep(contextLength, room),
    hiddenSize: config.hiddenSize,
    rehearse: (backend) => rehearse(config, contextLength, room, backend),
  };
}

/**
 * Runs the steps that take most. Attention takes most for the longest stretch of one sequence, and something for each: so
 * the longest step with as many sequences as there may be, and with as many as leave one of them its longest stretch. And
 * the one with most rows of logits.
 */
function rehearse(config: Config, contextLength: number, room: Room, backend: Backend): void {
  const { model, slots } = assemble(config, contextLength, room, backend);
  const { maxStep } = model;
  const logitRows = Math.min(longestLogits(slots.length), maxStep);
  const heads = Math.min(slots.length, maxStep);
  const few = Math.min(slots.length, Math.max(1, maxStep - contextLength + 1));
  const pages = Array.from({ length: pagesFor(contextLength) }, () => 0);
  for (const [step, rows, beside] of [
    [logitRows, logitRows, slots.length],
    [maxStep, heads, slots.length],
    [Math.min(maxStep, few * contextLength), Math.min(heads, few * contextLength), few],
  ]) {
    let left = step;
    const chunks = slots.slice(0, beside).flatMap((layers, i) => {
      const length = Math.min(contextLength, Math.max(0, left - (beside - 1 - i)));
      left -= length;
      return length === 0
        ? []
        : [{ sequence: createSequence(layers, contextLength, pages), ids: new Int32Array(length) }];
    });
    const h = advance(model, chunks);
    lmHead(model.ops, model.weights, model.ops.rows(h, step - rows, rows));
  }
}

/** Rows of logits that are computed at once: a few of one sequence, or the last of each. */
export function longestLogits(sequences: number): number {
  return Math.max(MAX_LOGIT_ROWS, sequences);
}
