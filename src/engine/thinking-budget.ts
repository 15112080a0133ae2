// How long a model may think: after so many ids within thoughts, the id that closes a thought is put in its place.
//
// A model need not notice. It may think on, unmarked, and close the thought itself when it is done; what lies between
// the two closing ids is then thought as well. It has as many ids for that again as the budget had. After that,
// a closing id cannot come any more, so that what the model writes is its answer.

/** Thoughts, as ids see them. */
export interface ThinkingBudget {
  /** Most ids within thoughts, in the whole answer; their two markers do not count. 0: a thought is closed at once. */
  readonly tokens: number;
  /** The ids of `<think>` and `</think>`. */
  readonly open: number;
  readonly close: number;
  /** Whether the prompt ends inside a thought. What it holds of that thought does not count. */
  readonly isOpen: boolean;
}

export interface ThinkingCount {
  /** The id that has to come next; undefined: any. */
  forced(): number | undefined;
  /** An id that cannot come next; undefined: none. */
  barred(): number | undefined;
  /** Tells the id that was taken. */
  accept(id: number): void;
  /** Whether a thought was closed when the budget was used up, and the model may yet show that it thinks on. */
  readonly isUndecided: boolean;
}

export function countThinking({ tokens, open, close, isOpen }: ThinkingBudget): ThinkingCount {
  let place: "thought" | "undecided" | "text" = isOpen ? "thought" : "text";
  let count = 0;
  let countUndecided = 0;
  return {
    forced: () => (place === "thought" && count >= tokens ? close : undefined),
    barred: () => (place === "text" && count >= tokens ? close : undefined),
    accept(id) {
      if (place === "thought") {
        if (id !== close) count++;
        else place = count >= tokens && countUndecided < tokens ? "undecided" : "text";
      } else if (id === open) place = "thought";
      else if (place === "undecided" && (id === close || ++countUndecided >= tokens)) place = "text";
    },
    get isUndecided() {
      return place === "undecided";
    },
  };
}
