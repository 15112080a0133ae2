// Answers by way of a scheduler: one by itself, or several side by side.
import type { GenerateOptions } from "../../src/engine/answer.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { createScheduler, type Scheduler } from "../../src/engine/scheduler.ts";
import type { Logprobs } from "../../src/sampling/logprobs.ts";

export interface Observed extends GenerateOptions {
  readonly onLogprobs?: (logprobs: Logprobs) => void;
}

/** A scheduler over one engine's model and the room of its sequence. */
export function schedulerOver({ model, sequence, maxLogitRows }: Engine): Scheduler {
  return createScheduler({
    model,
    slots: [sequence.layers],
    pages: sequence.pages.length,
    contextLength: sequence.capacity,
    maxLogitRows,
    pause: async () => {},
  });
}

/** All ids of an answer. @param onCount  told after each how many there are */
export async function idsOf(
  on: Scheduler,
  ids: readonly number[],
  { onLogprobs, ...options }: Observed,
  onCount: (count: number) => void = () => {},
  signal = new AbortController().signal,
): Promise<number[]> {
  const taken: number[] = [];
  await on.answer({
    ids,
    options,
    signal,
    onId(id, logprobs) {
      taken.push(id);
      if (logprobs !== undefined) onLogprobs?.(logprobs);
      onCount(taken.length);
    },
  });
  return taken;
}

export const generate = (engine: Engine, ids: readonly number[], options: Observed): Promise<number[]> =>
  idsOf(schedulerOver(engine), ids, options);
