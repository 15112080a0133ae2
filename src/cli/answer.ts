// An answer as a whole, put together from its pieces.
import type { AnswerDelta } from "../index.ts";
import type { AnswerSink } from "./take-answer.ts";

export interface Answer {
  readonly text: string;
  readonly thinking: string;
  /** As the model wrote them, without their markers. */
  readonly toolCalls: readonly string[];
}

export interface AnswerCollector extends AnswerSink {
  /** What has come so far, without the newlines at the ends of each stretch. */
  answer(): Answer;
  /** All text to the letter. */
  written(): string;
}

export function createAnswerCollector(): AnswerCollector {
  const stretches: { kind: AnswerDelta["kind"]; part: number; text: string }[] = [];
  return {
    push({ kind, part, text }) {
      const last = stretches.at(-1);
      if (last?.kind === kind && last.part === part) last.text += text;
      else stretches.push({ kind, part, text });
    },
    end() {},
    answer() {
      const of = (kind: AnswerDelta["kind"]): string[] =>
        stretches.filter((stretch) => stretch.kind === kind).map(({ text }) => text.replace(/^\n+|\n+$/g, ""));
      return { text: of("text").join("\n"), thinking: of("thinking").join("\n"), toolCalls: of("toolCall") };
    },
    written: () => stretches.map(({ text }) => text).join(""),
  };
}
