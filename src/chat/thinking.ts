// What the model writes, split as it arrives into thinking, text for the user, and tool calls.
import { countThinking, type ThinkingBudget } from "../engine/thinking-budget.ts";
import type { Detokenizer, TextStream } from "../tokenizer/detokenizer.ts";

export interface AnswerPiece {
  readonly kind: "thinking" | "text" | "toolCall";
  readonly text: string;
}

export interface AnswerSplitter {
  /** The text that became certain with this id; at most one piece ends before a marker, so there are 0 or 1. */
  push(id: number): AnswerPiece[];
  /** Half a character held back at the end, as U+FFFD. An unfinished thought or call simply ends. */
  end(): AnswerPiece[];
  /** What comes next, as far as the markers so far say: a block of tool calls ends where this is no longer "toolCall". */
  readonly kind: AnswerPiece["kind"];
}

/**
 * Splits an answer by the tokens `<think>`, `</think>`, `<|tool_call_start|>` and `<|tool_call_end|>`. They are matched
 * by id, so the same characters written as text stay text; they and all control tokens are hidden, except within tool
 * calls: there they are part of an argument, which would be another one without them.
 *
 * A call marker within a thought does not begin a call: models rehearse calls while thinking. Markers out of place
 * (`</think>` outside of a thought, a second `<|tool_call_end|>`) are hidden and change nothing.
 *
 * @param options.thinking  the prompt ended inside a thought (see endsThinking)
 */
export function createAnswerSplitter(
  tokenizer: Detokenizer,
  { thinking = false }: { readonly thinking?: boolean } = {},
): AnswerSplitter {
  const transitions: { from: AnswerPiece["kind"]; marker: number | undefined; to: AnswerPiece["kind"] }[] = [
    { from: "text", marker: tokenizer.idOf("<think>"), to: "thinking" },
    { from: "thinking", marker: tokenizer.idOf("</think>"), to: "text" },
    { from: "text", marker: tokenizer.idOf("<|tool_call_start|>"), to: "toolCall" },
    { from: "toolCall", marker: tokenizer.idOf("<|tool_call_end|>"), to: "text" },
  ];
  const markers = new Set(transitions.map(({ marker }) => marker));
  let kind: AnswerPiece["kind"] = thinking ? "thinking" : "text";
  let stream: TextStream = tokenizer.stream({ skipSpecial: true });
  // Behind the last text of a call they are not part of it: `<|im_end|>` may come before `<|tool_call_end|>` does.
  let heldControls: number[] = [];

  const piece = (text: string): AnswerPiece[] => (text === "" ? [] : [{ kind, text }]);
  const enter = (next: AnswerPiece["kind"]): AnswerPiece[] => {
    const rest = piece(stream.end());
    stream = tokenizer.stream({ skipSpecial: next !== "toolCall" });
    heldControls = [];
    kind = next;
    return rest;
  };
  return {
    push(id) {
      const next = transitions.find(({ from, marker }) => from === kind && marker === id);
      if (next !== undefined) return enter(next.to);
      if (kind !== "toolCall") return markers.has(id) ? [] : piece(stream.push(id));
      heldControls.push(id);
      if (tokenizer.isSpecial(id)) return [];
      return piece(heldControls.splice(0).map(stream.push).join(""));
    },
    end: () => piece(stream.end()),
    get kind() {
      return kind;
    },
  };
}

export interface UndecidedIds {
  /** The ids that are decided with this one, in order; `<think>` before those that turned out to be thought. */
  push(id: number): readonly number[];
  /** Those that are left: the answer. */
  end(): readonly number[];
}

/**
 * Holds back what comes after a thought that its budget has closed, until it is certain whether it is thought, too: it is
 * when the model closes it itself. Text that was given out as the answer could not be taken back.
 *
 * @param budget  undefined: nothing is ever undecided
 */
export function holdUndecided(budget: ThinkingBudget | undefined): UndecidedIds {
  if (budget === undefined) return { push: (id) => [id], end: () => [] };
  const thought = countThinking(budget);
  let held: number[] = [];
  const release = (): readonly number[] => {
    const released = held;
    held = [];
    return released;
  };
  return {
    push(id) {
      const wasUndecided = thought.isUndecided;
      thought.accept(id);
      if (!wasUndecided) return [id];
      held.push(id);
      if (id === budget.close) return [budget.open, ...release()];
      return thought.isUndecided ? [] : release();
    },
    end: release,
  };
}

/** Whether a prompt ends inside a thought: some templates write `<think>` to open the assistant's turn. */
export function endsThinking(tokenizer: Detokenizer, promptIds: readonly number[]): boolean {
  const open = tokenizer.idOf("<think>");
  const closers = ["</think>", "<|im_start|>", "<|im_end|>"].map(tokenizer.idOf);
  const last = promptIds.findLast((id) => id === open || closers.includes(id));
  return last !== undefined && last === open;
}
