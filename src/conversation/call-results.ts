// What a model is told of its calls where no tool has run.
import type { ToolCallDelta } from "../chat/answer-parser.ts";
import type { ToolCallProblem } from "../chat/calls/parsed-call.ts";
import type { Conversation } from "./conversation.ts";

export function problemText({ path, expected, found }: ToolCallProblem): string {
  return `${path === "" ? "the call" : path}: expected ${expected}, found ${found}.`;
}

export function failure(what: string): string {
  return `error: ${what}`;
}

/** The result of a call that cannot be run as it is written, so that the model can mend it; undefined: it can be run. */
export function resultOfProblems({ problems }: ToolCallDelta): string | undefined {
  return problems && failure(problems.map(problemText).join("\n"));
}

/** A call that is left without a result would be made up by the model, so it is told why there is none. */
export function leaveCalls(calls: readonly ToolCallDelta[], conversation: Conversation, why: string): void {
  for (const call of calls) conversation.toolSaid(call, failure(`not run, ${why}`));
}
