// One answer from its first piece to its last: handed on as it comes, with progress while the prompt is read.
import type { ChatDelta, ChatOptions, Summary } from "../../index.ts";
import { createPrefillProgress } from "../files/open-model.ts";
import { aboutFlags } from "../options/option-values.ts";

export interface AnswerSink {
  push(delta: ChatDelta): void;
  /** There is no more, whatever the reason. */
  end?(): void;
}

/**
 * @param start  begins the answer with the options given to it
 * @returns figures, once the answer is complete
 * @throws what the model throws; the signal's reason when aborted
 */
export async function takeAnswer(
  start: (options: ChatOptions) => AsyncIterable<ChatDelta>,
  options: ChatOptions,
  sinks: readonly AnswerSink[],
): Promise<Summary> {
  const progress = createPrefillProgress();
  let summary: Summary | undefined;
  const onFinish = (finished: Summary): void => {
    summary = finished;
  };
  try {
    for await (const delta of start({ ...options, onProgress: progress.onProgress, onFinish })) {
      progress.clear();
      for (const sink of sinks) sink.push(delta);
    }
  } catch (error) {
    throw aboutFlags(error); // which ids there are, the model knows
  } finally {
    progress.clear();
    for (const sink of sinks) sink.end?.();
  }
  if (summary === undefined) throw new Error("The answer ended without its figures.");
  return summary;
}
