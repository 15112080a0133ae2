// An answer as it arrives: text and tool calls on standard output, thinking on standard error.
import { problemText } from "../../conversation/call-results.ts";
import type { AnswerSink } from "../../conversation/take-answer.ts";
import type { ChatDelta, ToolCallDelta } from "../../index.ts";
import { harmless, hasColour, note, styled } from "./terminal.ts";

/** @param showThinking  false leaves thinking out */
export function createAnswerPrinter(showThinking: boolean): AnswerSink {
  let kind: "thinking" | "text" | undefined;
  // Newlines wait for what follows them: an answer has none at its ends but the one we put there.
  let heldBack = "";

  const streamOf = (): NodeJS.WriteStream => (kind === "thinking" ? process.stderr : process.stdout);
  const endStretch = (): void => {
    if (kind !== undefined) streamOf().write("\n");
    kind = undefined;
    heldBack = "";
  };
  const write = (next: "thinking" | "text", text: string): void => {
    if (next !== kind) {
      text = text.replace(/^\n+/, "");
      if (text === "") return;
      endStretch();
      kind = next;
      // Where there is no colour to distinguish thinking from text, a word does.
      if (kind === "thinking" && !hasColour(streamOf())) streamOf().write("thinking: ");
    }
    text = heldBack + text;
    heldBack = /\n*$/.exec(text)?.[0] ?? "";
    text = text.slice(0, text.length - heldBack.length);
    if (text === "") return;
    const shown = harmless(streamOf(), text);
    streamOf().write(kind === "thinking" ? styled(streamOf(), "dim", shown) : shown);
  };
  return {
    push({ reasoning_content: thought, content, tool_calls: calls = [] }) {
      if (thought !== undefined && showThinking) write("thinking", thought);
      if (content !== undefined) write("text", content);
      for (const call of calls) {
        endStretch();
        printCall(call);
      }
    },
    end: endStretch,
  };
}

/** To be read in a terminal; one line of JSON elsewhere. */
function printCall({ id, type, function: called, problems = [] }: ToolCallDelta): void {
  const { stdout } = process;
  const shown = stdout.isTTY
    ? styled(stdout, "cyan", harmless(stdout, `tool call: ${called.name} ${called.arguments}`))
    : JSON.stringify({ id, type, function: called });
  stdout.write(`${shown}\n`);
  for (const problem of problems) note(`${called.name}: ${problemText(problem)}`);
}

/** A continuation, unchanged: its spaces and newlines belong to the text it continues. */
export function createTextPrinter(): AnswerSink {
  const { stdout } = process;
  let last = "\n";
  return {
    push({ content = "" }: ChatDelta) {
      stdout.write(harmless(stdout, content));
      if (content !== "") last = content;
    },
    end() {
      if (!last.endsWith("\n")) stdout.write("\n");
    },
  };
}
