// How far a long prompt has been read, on a line that goes when the answer begins.
import type { AnswerSink } from "../../conversation/take-answer.ts";
import type { Progress } from "../../index.ts";
import { formatInteger, formatPercent } from "../../quantities.ts";
import { createProgressLine } from "./progress-line.ts";

export interface PrefillProgress {
  readonly onProgress: (progress: Progress) => void;
  readonly clear: () => void;
  /** Clears the line before an answer's first piece; goes before the sinks that print. */
  readonly sink: AnswerSink;
}

export function createPrefillProgress(): PrefillProgress {
  const { show, clear } = createProgressLine();
  return {
    clear,
    sink: { push: clear, end: clear },
    onProgress({ done, total }) {
      show(`Reading the prompt: ${formatPercent(done, total)} of ${formatInteger(total)} tokens`);
    },
  };
}
