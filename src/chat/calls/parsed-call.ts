// A call as it was read, and what is doubtful about it.
import type { Confirmation } from "./literal-events.ts";
import type { Value } from "./python-literals.ts";

/** Something about a call that should be known before it is run. */
export interface ToolCallProblem {
  /** The argument, as `city` or `items[2].name`; "" for the call as a whole. */
  readonly path: string;
  readonly expected: string;
  readonly found: string;
}

/** A problem unless the tool's schema makes sure of the reading. */
export interface Guess extends ToolCallProblem {
  readonly confirmation: Confirmation;
}

export interface ParsedCall {
  readonly name: string;
  /** Problems call them `arg0`, `arg1`, … */
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
  readonly problems: readonly (ToolCallProblem | Guess)[];
}

/** A call; or text that is not a call, to the letter. */
export type BlockPiece = { readonly call: ParsedCall } | { readonly text: string };
