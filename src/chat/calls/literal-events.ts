// What a reader of literals tells its parser: what it made of them that another might not.

/** What would make sure of a reading: the argument's schema asks for such a value, has it, or has all that are named. */
export type Confirmation = "string" | "number" | "member" | "names";

export interface LiteralEvents {
  report(path: string, expected: string, found: string, confirmation?: Confirmation): void;
  /** Within a value, the block is over: closes it, or throws Unreadable. */
  cutOff(): void;
  /** Whether the block is over because the answer was cut. */
  isCut(): boolean;
}

/** What is no value, or nothing that should be run. */
export class Unreadable extends Error {}
