// Runs over given ids, without sampling: logits after each of them, or every tensor on the way.
import { checkIds } from "../engine/engine.ts";
import { OptionError, shown } from "../options/option-error.ts";
import { type TracePiece, tracePieces } from "../oracle/trace/trace-pieces.ts";
import { planTrace } from "../oracle/trace/trace-plan.ts";
import { eventStream } from "../worker/event-stream.ts";
import type { WorkerEvent } from "../worker/protocol.ts";
import type { Logits, RunOptions, TraceOptions } from "./language-model.ts";
import type { ModelParts } from "./model-parts.ts";

export async function logitsOf(
  { worker, config, settings }: ModelParts,
  ids: readonly number[],
  { signal, onProgress, edits }: RunOptions,
): Promise<Logits> {
  checkIds(ids, config.vocabSize, settings.contextLength);
  const cols = config.vocabSize;
  const data = new Float32Array(ids.length * cols);
  const tellProgress = progressTo(onProgress);
  let filled = 0;
  await worker.request(
    { kind: "logits", ids, edits },
    {
      signal,
      event(event) {
        tellProgress(event);
        if (event.kind !== "rows") return;
        data.set(event.logits, filled);
        filled += event.logits.length;
      },
    },
  );
  return { data, rows: ids.length, cols };
}

/** @throws OptionError unless `hidden` is rows of hidden states */
export async function headOf(
  { worker, config }: ModelParts,
  hidden: Float32Array,
  { signal }: Pick<RunOptions, "signal">,
): Promise<Logits> {
  const rows = hidden instanceof Float32Array ? hidden.length / config.hiddenSize : 0;
  if (!Number.isInteger(rows) || rows === 0) {
    throw new OptionError({
      subject: "hidden",
      expected: `a Float32Array of rows of ${config.hiddenSize} numbers`,
      found: hidden instanceof Float32Array ? `${hidden.length} numbers` : shown(hidden),
    });
  }
  const data = new Float32Array(rows * config.vocabSize);
  let filled = 0;
  await worker.request(
    { kind: "head", hidden },
    {
      signal,
      event(event) {
        if (event.kind !== "rows") return;
        data.set(event.logits, filled);
        filled += event.logits.length;
      },
    },
  );
  return { data, rows, cols: config.vocabSize };
}

export async function* traceOf(
  { worker, config, settings }: ModelParts,
  ids: readonly number[],
  { points, positions, signal, onProgress, edits }: TraceOptions,
): AsyncGenerator<TracePiece, void> {
  checkIds(ids, config.vocabSize, settings.contextLength);
  const plan = planTrace(config, ids.length, { points, positions, edits });
  const steps = eventStream(worker, { kind: "trace", ids, plan, edits }, "step", {
    signal,
    bytesOf: ({ step }) => step.numbers.byteLength,
    onEvent: progressTo(onProgress),
  });
  for await (const { step } of steps) yield* tracePieces(plan, step);
}

function progressTo(onProgress: RunOptions["onProgress"]): (event: WorkerEvent) => void {
  return (event) => {
    if (event.kind === "progress") onProgress?.({ phase: "prefill", done: event.done, total: event.total });
  };
}
