// An answer as it arrives: text and tool calls on standard output, thinking on standard error.
import type { AnswerDelta } from "../index.ts";
import type { AnswerSink } from "./take-answer.ts";
import { harmless, hasColour, type Style, styled } from "./terminal.ts";

const styles: Record<AnswerDelta["kind"], Style | undefined> = { thinking: "dim", text: undefined, toolCall: "cyan" };

/** @param showThinking  false leaves thinking out */
export function createAnswerPrinter(showThinking: boolean): AnswerSink {
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

/** A continuation to the letter: its spaces and newlines belong to the text it continues. */
export function createTextPrinter(): AnswerSink {
  const { stdout } = process;
  let last = "\n";
  return {
    push({ text }) {
      stdout.write(harmless(stdout, text));
      if (text !== "") last = text;
    },
    end() {
      if (!last.endsWith("\n")) stdout.write("\n");
    },
  };
}
