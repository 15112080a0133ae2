// What happens between a model's calls and its next answer: they are run, or somebody types what they gave.
import type { ToolCallDelta } from "../../index.ts";
import type { LineReader } from "../terminal/line-reader.ts";
import { note } from "../terminal/terminal.ts";
import type { Conversation } from "./conversation.ts";
import { runTool, type ToolFlags } from "./tools.ts";

/**
 * Puts the results of all calls into the conversation.
 *
 * @returns whether there are any: without a command to run, and without somebody to ask, a call is only shown
 * @throws Interrupted on Ctrl-C; calls without a result say so to the model
 */
export async function answerCalls(
  calls: readonly ToolCallDelta[],
  conversation: Conversation,
  { toolCmd, toolTimeout }: Pick<ToolFlags, "toolCmd" | "toolTimeout">,
  lines: LineReader,
  interruptible: <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>,
): Promise<boolean> {
  if (toolCmd === undefined && !lines.interactive) {
    leaveCalls(calls, conversation, "nobody to run it");
    return false;
  }
  const left = [...calls];
  try {
    for (const call of calls) {
      const { name } = call.function;
      if (toolCmd === undefined) {
        const typed = await lines.next(`result of ${name}: `);
        if (typed === undefined) return false;
        conversation.toolSaid(call, typed);
      } else {
        const { content, failed } = await interruptible((signal) => runTool(call, { toolCmd, toolTimeout }, signal));
        if (failed) note(`${name}: ${content}`);
        else note(`${name}: ${content.length > MAX_SHOWN ? `${content.slice(0, MAX_SHOWN)}…` : content}`);
        conversation.toolSaid(call, content);
      }
      left.shift();
    }
    return true;
  } finally {
    leaveCalls(left, conversation, "stopped by the user");
  }
}

/** A call that is left without a result would be made up by the model, so it is told why there is none. */
export function leaveCalls(calls: readonly ToolCallDelta[], conversation: Conversation, why: string): void {
  for (const call of calls) conversation.toolSaid(call, `error: not run, ${why}`);
}

const MAX_SHOWN = 500;
