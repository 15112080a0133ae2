// What a step has computed for those who took part in it: logits, or what is wrong with their numbers.
import { lmHead } from "../model/model.ts";
import type { Tensor } from "../ops/ops.ts";
import { checkFinite } from "./finite-logits.ts";
import type { Model } from "./sequence.ts";
import { leftOf, type Running } from "./tasks.ts";

export interface StepLogits {
  /** [vocab] after the last id of everyone whose ids have all been read. */
  readonly found: Map<Running, Float32Array>;
  readonly wrong: Map<Running, unknown>;
}

/**
 * @param h        [rows, hidden] of the step
 * @param stepped  in the order of their rows; all but the first have one
 * @param length   rows of the first, which may have more ids to read
 */
export function stepLogits(model: Model, h: Tensor, stepped: readonly Running[], length: number): StepLogits {
  const { ops, memory, weights, config } = model;
  const found = new Map<Running, Float32Array>();
  const wrong = new Map<Running, unknown>();
  const judge = (task: Running, ...checked: Parameters<typeof checkFinite>): void => {
    try {
      checkFinite(...checked);
    } catch (error) {
      if (!wrong.has(task)) wrong.set(task, error);
    }
  };
  const [first] = stepped;
  const ends = leftOf(first) === 0;
  // Those who get logits follow one another.
  const others = length - (ends ? 1 : 0);
  if (others > 0) {
    judge(first, "hidden state", memory.read(ops.rows(h, 0, others)), h.cols, first.place.sequence.next - length);
  }
  if (others < h.rows) {
    const logits = memory.read(lmHead(ops, weights, ops.rows(h, others, h.rows - others)));
    for (const [i, task] of stepped.slice(ends ? 0 : 1).entries()) {
      const row = logits.subarray(i * config.vocabSize, (i + 1) * config.vocabSize);
      judge(task, "logits", row, config.vocabSize, task.place.sequence.next - 1);
      found.set(task, row);
    }
  }
  return { found, wrong };
}
