// Entry of a process that measures one setting; see contender.ts.
import { answerParent, sayProgress } from "./child.ts";
import type { Measured, Opened, Progress, ToContender } from "./contender.ts";
import { type MeasuredModel, openMeasured } from "./measured-model.ts";
import { peakBytes } from "./peak-memory.ts";

let model: MeasuredModel | undefined;

const progressOf = (phase: Progress["phase"]) => (done: number, total: number) =>
  sayProgress({ phase, done, total } satisfies Progress);

answerParent<ToContender>(async (message): Promise<Opened | Measured> => {
  if (message.kind === "open") {
    model = await openMeasured(message.source, message.options, message.filling, progressOf("load"));
    const { mode, kernels, threads, computing, kvType } = model.settings;
    return {
      setting: { mode, kernels, threads, computing, kvType },
      reservedBytes: model.reservedBytes,
      loadMs: model.loadMs,
    };
  }
  if (model === undefined) throw new TypeError("a model has to be opened before it is measured");
  const speed = await model.measure(message.test, progressOf("fill"));
  return { ...speed, peakBytes: peakBytes() };
});
