// What a backend is asked for: room for weights and sequences, and a rehearsal that shows how much working space the
// longest steps take.
import { advance } from "../engine/sequence.ts";
import type { Config } from "../model/config.ts";
import { lmHead } from "../model/model.ts";
import { stateSpecs } from "../model/state.ts";
import type { Backend } from "../ops/backend.ts";
import type { WasmBackendRequest } from "../wasm/backend.ts";
import { assemble } from "./assemble.ts";
import type { FoundWeight } from "./find-weights.ts";
import type { Settings } from "./settings.ts";

/** The longest step of a prefill. Longer ones gain little and need working space in proportion. */
export const MAX_STEP = 512;
/** Rows of logits that are computed together; a row is a quarter of a megabyte in LFM2. */
export const MAX_LOGIT_ROWS = 16;

/** @param sequences  how many to make room for, each with a context of its own */
export function backendRequest(
  config: Config,
  found: readonly FoundWeight[],
  settings: Settings,
  sequences = 1,
): WasmBackendRequest {
  const { mode, kvType, bankBytes, contextLength, threads } = settings;
  const specs = stateSpecs(config, contextLength);
  const maxStep = Math.min(MAX_STEP, contextLength);
  return {
    weights: found.map(({ stored }) => stored),
    states: Array.from({ length: sequences }, () => specs).flat(),
    kvType,
    mode,
    threads,
    relaxed: settings.kernels === "relaxed",
    bankBytes,
    maxStep,
    hiddenSize: config.hiddenSize,
    rehearse: (backend) => rehearse(config, contextLength, maxStep, backend),
  };
}

/** Runs the steps that take most: the longest one of a prefill, and the one with most rows of logits. */
function rehearse(config: Config, contextLength: number, maxStep: number, backend: Backend): void {
  const few = Math.min(MAX_LOGIT_ROWS, maxStep);
  for (const [step, rows] of [
    [few, few],
    [maxStep, 1],
  ]) {
    const {
      model,
      sequences: [sequence],
    } = assemble(config, contextLength, backend);
    const h = advance(model, [{ sequence, ids: new Int32Array(step) }]);
    lmHead(model.ops, model.weights, model.ops.rows(h, step - rows, rows));
  }
}
