// What a step has computed for those who took part in it: logits, or what is wrong with their numbers.
import { lmHead } from "../model/model.ts";
import type { Tensor } from "../ops/ops.ts";
import { checkFinite } from "./finite-logits.ts";
import type { Model } from "./sequence.ts";
import type { Part } from "./step-parts.ts";
import { leftOf, type Running } from "./tasks.ts";

/** The rows of a task that say what its next ids are: of the last id that is known, and of those that were run ahead. */
export interface NextRows {
  readonly count: number;
  /**
   * Logits of row i [vocab]; undefined where the next id was known and nobody asks for them.
   * @throws LogitsError when they, or the hidden state in their place, are not finite
   */
  at(i: number): Float32Array | undefined;
}

export interface StepLogits {
  /** For everyone whose ids have all been read. */
  readonly found: Map<Part, NextRows>;
  readonly wrong: Map<Running, unknown>;
  /** Whether there are logits of every row. */
  readonly isWhole: boolean;
}

/**
 * What is after the last known id is checked at once; what is after a guess when it is asked for: what comes of a wrong one
 * says nothing of the model.
 *
 * @param h      [rows, hidden] of the step
 * @param parts  in the order of their rows; only the first can have ids that are no writer's
 */
export function stepLogits(model: Model, h: Tensor, parts: readonly Part[]): StepLogits {
  const { ops, memory, weights, config } = model;
  const { hiddenSize, vocabSize } = config;
  const found = new Map<Part, NextRows>();
  const wrong = new Map<Running, unknown>();
  const judge = (task: Running, check: () => unknown): void => {
    try {
      check();
    } catch (error) {
      if (!wrong.has(task)) wrong.set(task, error);
    }
  };
  const unread = rowsWithoutLogits(parts);
  const hidden = unread === 0 ? new Float32Array(0) : memory.read(ops.rows(h, 0, unread));
  const logits =
    unread === h.rows ? new Float32Array(0) : memory.read(lmHead(ops, weights, ops.rows(h, unread, h.rows - unread)));
  let row = 0;
  for (const part of parts) {
    const { task, ids, ahead } = part;
    const { sequence } = task.place;
    const begin = row;
    const start = sequence.next - ids.length;
    const count = leftOf(task) + ahead === 0 ? 1 + ahead : 0;
    const others = ids.length - count;
    row += ids.length;
    if (others > 0) {
      const numbers = hidden.subarray(begin * hiddenSize, (begin + others) * hiddenSize);
      judge(task, () => checkFinite("hidden state", numbers, hiddenSize, start));
    }
    if (count === 0) continue;
    let isFirstChecked = false;
    const next: NextRows = {
      count,
      at(i) {
        const at = begin + others + i;
        const isRead = at >= unread;
        const [numbers, cols, from] = isRead ? [logits, vocabSize, at - unread] : [hidden, hiddenSize, at];
        const own = numbers.subarray(from * cols, (from + 1) * cols);
        if (i > 0 || !isFirstChecked) checkFinite(isRead ? "logits" : "hidden state", own, cols, start + others + i);
        isFirstChecked = true;
        return isRead ? own : undefined;
      },
    };
    judge(task, () => next.at(0));
    found.set(part, next);
  }
  return { found, wrong, isWhole: unread === 0 };
}

/** The first rows of a step whose next ids are known: all of a prompt but its last, those that a format has no choice of. */
function rowsWithoutLogits(parts: readonly Part[]): number {
  const [{ task, ids, draft, ahead }] = parts;
  if (leftOf(task) + ahead > 0) return ids.length;
  const others = ids.length - 1 - ahead;
  return others + (task.ahead.needsLogits ? 0 : Math.min(draft.certain, 1 + ahead));
}
