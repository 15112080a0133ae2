// An answer as it arrives: text and tool calls on standard output, thinking on standard error.
import type { AnswerDelta } from "../index.ts";
import { hasColour, harmless, type Style, styled } from "./terminal.ts";

export interface AnswerPrinter {
  push(piece: AnswerDelta): void;
  /** Ends the last line. */
  end(): void;
}

const styles: Record<AnswerDelta["kind"], Style | undefined> = { thinking: "dim", text: undefined, toolCall: "cyan" };

/** @param showThinking  false leaves thinking out */
export function createAnswerPrinter(showThinking: boolean): AnswerPrinter {
  let stretch: string | undefined;
  let stream: NodeJS.WriteStream | undefined;
  // Newlines wait for what follows them: an answer has none at its ends but the one we put there.
  let heldBack = "";

  const endStretch = (): void => {
    stream?.write("\n");
    stream = undefined;
    stretch = undefined;
    heldBack = "";
  };
  return {
    push({ kind, text, part }) {
      if (kind === "thinking" && !showThinking) return;
      const name = `${kind} ${part}`;
      if (name !== stretch) {
        text = text.replace(/^\n+/, "");
        if (text === "") return;
        endStretch();
        stretch = name;
        stream = kind === "thinking" ? process.stderr : process.stdout;
        stream.write(labelOf(kind, stream));
      }
      text = heldBack + text;
      heldBack = /\n*$/.exec(text)?.[0] ?? "";
      text = text.slice(0, text.length - heldBack.length);
      if (stream === undefined || text === "") return;
      const style = styles[kind];
      const shown = harmless(stream, text);
      stream.write(style === undefined ? shown : styled(stream, style, shown));
    },
    end: endStretch,
  };
}

/** Where colour cannot tell thinking from text, a word does; a tool call is always named. */
function labelOf(kind: AnswerDelta["kind"], stream: NodeJS.WriteStream): string {
  if (kind === "toolCall") return styled(stream, "cyan", "tool call: ");
  return kind === "thinking" && !hasColour(stream) ? "thinking: " : "";
}

export interface Answer {
  readonly text: string;
  readonly thinking: string;
  readonly toolCalls: readonly string[];
}

/** Puts an answer together from its pieces, without the newlines at the ends of each. */
export function createAnswerCollector(): { push(piece: AnswerDelta): void; answer(): Answer } {
  const stretches: { kind: AnswerDelta["kind"]; part: number; text: string }[] = [];
  return {
    push({ kind, part, text }) {
      const last = stretches.at(-1);
      if (last?.kind === kind && last.part === part) last.text += text;
      else stretches.push({ kind, part, text });
    },
    answer() {
      const of = (kind: AnswerDelta["kind"]): string[] =>
        stretches.filter((stretch) => stretch.kind === kind).map(({ text }) => text.replace(/^\n+|\n+$/g, ""));
      return { text: of("text").join("\n"), thinking: of("thinking").join("\n"), toolCalls: of("toolCall") };
    },
  };
}
