// Where the results of a model's calls come from: a command that runs them, or a person who types them.
import type { Interruptible, ResultOf } from "../../conversation/turn.ts";
import type { LineReader } from "../terminal/line-reader.ts";
import { note } from "../terminal/terminal.ts";
import { runTool } from "./run-tool.ts";
import type { ToolFlags } from "./tool-options.ts";

const MAX_SHOWN = 500;

/** @returns undefined where there is neither a command to run nor a person to ask */
export function createResultOf(
  { toolCmd, toolTimeout }: Pick<ToolFlags, "toolCmd" | "toolTimeout">,
  lines: LineReader,
  interruptible: Interruptible,
): ResultOf | undefined {
  if (toolCmd === undefined) {
    return lines.interactive ? (call) => lines.next(`result of ${call.function.name}: `) : undefined;
  }
  return async (call) => {
    const { content, failed } = await interruptible((signal) => runTool(call, { toolCmd, toolTimeout }, signal));
    const isCut = !failed && content.length > MAX_SHOWN;
    note(`${call.function.name}: ${isCut ? `${content.slice(0, MAX_SHOWN)}…` : content}`);
    return content;
  };
}
