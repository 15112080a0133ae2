// How long a model may think: after so many ids within thoughts, the id that closes a thought is put in its place.

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
  /** Tells the id that was taken. */
  accept(id: number): void;
}

export function countThinking({ tokens, open, close, isOpen }: ThinkingBudget): ThinkingCount {
  let isThinking = isOpen;
  let count = 0;
  return {
    forced: () => (isThinking && count >= tokens ? close : undefined),
    accept(id) {
      if (!isThinking) isThinking = id === open;
      else if (id === close) isThinking = false;
      else count++;
    },
  };
}
