// What a reader of literals reports to its parser: the readings that another reader might not share.

/** What would confirm a reading: the argument's schema asks for such a value, has such a member, or has all the names. */
export type Confirmation = "string" | "number" | "member" | "names";

export interface LiteralEvents {
  report(path: string, expected: string, found: string, confirmation?: Confirmation): void;
  /** Within a value, the block is over: closes it, or throws Unreadable. */
  cutOff(): void;
  /** Whether the block is over because the answer was cut. */
  isCut(): boolean;
}

/** Not a value, or not one that should be run. */
export class Unreadable extends Error {}
