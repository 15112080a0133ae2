// What a backend is asked for: room for weights and sequences, and a rehearsal that shows how much working space the
// longest steps take.
import { advance } from "../engine/sequence.ts";
import type { Config } from "../model/config.ts";
import { lmHead } from "../model/model.ts";
import { stateSpecs } from "../model/state.ts";
import type { Backend } from "../ops/backend.ts";
import type { WasmBackendRequest } from "../wasm/backend.ts";
import { assemble, longestStep } from "./assemble.ts";
import type { FoundWeight } from "./find-weights.ts";
import type { Settings } from "./settings.ts";

/** Rows of logits that are computed together; a row is a quarter of a megabyte in LFM2. */
export const MAX_LOGIT_ROWS = 16;

/** @param sequenceCount  sequences to make room for, each with a context of its own */
export function backendRequest(
  config: Config,
  found: readonly FoundWeight[],
  settings: Settings,
  sequenceCount = 1,
): WasmBackendRequest {
  const { mode, kvType, bankBytes, contextLength, threads } = settings;
  const specs = stateSpecs(config, contextLength);
  const maxStep = longestStep(contextLength, sequenceCount);
  return {
    weights: found.map(({ stored }) => stored),
    states: Array.from({ length: sequenceCount }, () => specs).flat(),
    kvType,
    mode,
    threads,
    relaxed: settings.kernels === "relaxed",
    bankBytes,
    maxStep,
    hiddenSize: config.hiddenSize,
    rehearse: (backend) => rehearse(config, contextLength, backend),
  };
}

/** Runs the steps that take most: the longest one of a prefill, and the one with most rows of logits. */
function rehearse(config: Config, contextLength: number, backend: Backend): void {
  const { maxStep } = assemble(config, contextLength, backend).model;
  const few = Math.min(MAX_LOGIT_ROWS, maxStep);
  for (const [step, rows] of [
    [few, few],
    [maxStep, 1],
  ]) {
    const { model, sequences } = assemble(config, contextLength, backend);
    // As few sequences as hold so many rows: attention takes most for the longest stretch of one.
    const chunks = Array.from({ length: Math.ceil(step / contextLength) }, (_, i) => ({
      sequence: sequences[i],
      ids: new Int32Array(Math.min(contextLength, step - i * contextLength)),
    }));
    const h = advance(model, chunks);
    lmHead(model.ops, model.weights, model.ops.rows(h, step - rows, rows));
  }
}
