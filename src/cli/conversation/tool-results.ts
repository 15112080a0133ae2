// Where the results of a model's calls come from: a command that runs them, or a person who types them.
import type { Interruptible, ResultsOf } from "../../conversation/turn.ts";
import type { LineReader } from "../terminal/line-reader.ts";
import { note } from "../terminal/terminal.ts";
import { runTool, type ToolResult } from "./run-tool.ts";
import type { ToolFlags } from "./tool-options.ts";

const MAX_SHOWN = 500;

/** @returns undefined where there is neither a command to run nor a person to ask */
export function createResultsOf(
  { toolCmd, toolTimeout }: Pick<ToolFlags, "toolCmd" | "toolTimeout">,
  lines: LineReader,
  interruptible: Interruptible,
): ResultsOf | undefined {
  if (toolCmd === undefined) return lines.interactive ? (calls) => typedResults(calls, lines) : undefined;
  return async function* (calls) {
    for (const call of calls) {
      const result = await interruptible((signal) => runTool(call, { toolCmd, toolTimeout }, signal));
      showResult(call.function.name, result);
      yield result.content;
    }
  };
}

async function* typedResults(calls: Parameters<ResultsOf>[0], lines: LineReader): AsyncIterable<string> {
  for (const { function: called } of calls) {
    const line = await lines.next(`result of ${called.name}: `);
    if (line === undefined) return;
    yield line;
  }
}

export function showResult(name: string, { content, failed }: ToolResult): void {
  const isCut = !failed && content.length > MAX_SHOWN;
  note(`${name}: ${isCut ? `${content.slice(0, MAX_SHOWN)}…` : content}`);
}
