// Runs over given ids, without sampling: logits after each of them, or every tensor on the way.
import { checkIds } from "../engine/engine.ts";
import { type TracePiece, tracePieces } from "../oracle/trace/trace-pieces.ts";
import { planTrace } from "../oracle/trace/trace-plan.ts";
import { eventStream } from "../worker/event-stream.ts";
import type { WorkerEvent } from "../worker/protocol.ts";
import type { Logits, RunOptions, TraceOptions } from "./language-model.ts";
import type { ModelParts } from "./model-parts.ts";

export async function logitsOf(
  { worker, config, settings }: ModelParts,
  ids: readonly number[],
  { signal, onProgress }: RunOptions,
): Promise<Logits> {
  checkIds(ids, config.vocabSize, settings.contextLength);
  const cols = config.vocabSize;
  const data = new Float32Array(ids.length * cols);
  const tellProgress = progressTo(onProgress);
  let filled = 0;
  await worker.request(
    { kind: "logits", ids },
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

export async function* traceOf(
  { worker, config, settings }: ModelParts,
  ids: readonly number[],
  { points, positions, signal, onProgress }: TraceOptions,
): AsyncGenerator<TracePiece, void> {
  checkIds(ids, config.vocabSize, settings.contextLength);
  const plan = planTrace(config, ids.length, { points, positions });
  const steps = eventStream(worker, { kind: "trace", ids, plan }, "step", {
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
