// Entry of a process that measures one setting; see contender.ts.
import { answerParent, sayProgress } from "./child.ts";
import type { Measured, Opened, Progress, ToContender } from "./contender.ts";
import { peakBytes } from "./peak-memory.ts";
import { openSession, type Session } from "./session.ts";

let session: Session | undefined;

const progressOf = (phase: Progress["phase"]) => (done: number, total: number) =>
  sayProgress({ phase, done, total } satisfies Progress);

answerParent<ToContender>(async (message): Promise<Opened | Measured> => {
  if (message.kind === "open") {
    session = await openSession(message.source, message.options, message.filling, progressOf("load"));
    const { mode, kernels, threads, kvType } = session.settings;
    return {
      setting: { mode, kernels, threads, kvType },
      reservedBytes: session.reservedBytes,
      loadMs: session.loadMs,
    };
  }
  if (session === undefined) throw new TypeError("a model has to be opened before it is measured");
  const tokensPerSecond = await session.measure(message.test, progressOf("fill"));
  return { tokensPerSecond, peakBytes: peakBytes() };
});
