// One answer from its first piece to its last, handed on as it comes.
import type { Summary } from "../api/language-model.ts";
import type { ChatDelta } from "../chat/answer-parser.ts";

export interface AnswerSink {
  push(delta: ChatDelta): void;
  /** There is no more, whatever the reason. */
  end?(): void;
}

/**
 * @param start  begins the answer, with `onFinish` among its options
 * @returns figures, once the answer is complete
 * @throws what the model throws; the signal's reason when aborted
 */
export async function takeAnswer(
  start: (finish: { readonly onFinish: (summary: Summary) => void }) => AsyncIterable<ChatDelta>,
  sinks: readonly AnswerSink[],
): Promise<Summary> {
  let summary: Summary | undefined;
  const onFinish = (figures: Summary): void => {
    summary = figures;
  };
  try {
    for await (const delta of start({ onFinish })) {
      for (const sink of sinks) sink.push(delta);
    }
  } finally {
    for (const sink of sinks) sink.end?.();
  }
  if (summary === undefined) throw new TypeError("takeAnswer: the answer ended without its figures");
  return summary;
}
