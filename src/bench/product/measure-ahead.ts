// Decode with ids that are run before they are known, beside the same ids one by one.
import type { Constraint, GenerateOptions } from "../../engine/answer.ts";
import type { Engine } from "../../engine/engine.ts";
import { createStepCosts, plannedReads } from "../../engine/guess-length.ts";
import { createScheduler } from "../../engine/scheduler.ts";
import { nodePlatform } from "../../worker/node-platform.ts";
import type { Right, Speed } from "./settings.ts";
import { toldGuesses } from "./told-guesses.ts";

interface Heard {
  readonly ids: readonly number[];
  /** From the first id to the last. */
  readonly ms: number;
}

/**
 * What steps take is learned once for all that is measured, as a model that is used learns it.
 * @param random  numbers in [0, 1)
 */
export function measureAhead(engine: Engine, random: () => number): (tokens: number, right: Right) => Promise<Speed> {
  const { model, sequence, maxLogitRows } = engine;
  const { vocabSize } = model.config;
  const costs = createStepCosts(
    (rows) => plannedReads(model.config, rows),
    () => engine.speed.msPerPosition,
  );

  const hear = async (tokens: number, own: Pick<GenerateOptions, "propose" | "constraint">): Promise<Heard> => {
    const scheduler = createScheduler({
      model,
      slots: [sequence.layers],
      pages: sequence.pages.length,
      contextLength: sequence.capacity,
      maxLogitRows,
      pause: nodePlatform.nextTurn,
      costs,
    });
    const ids: number[] = [];
    let [first, last] = [0, 0];
    await scheduler.answer({
      ids: [1],
      // Drawn from the model's whole distribution, so that few ids repeat: what is read of experts is then the most.
      options: { sampling: { temperature: 1, seed: 1 }, maxTokens: tokens + 1, stopIds: [], ...own },
      signal: new AbortController().signal,
      isGivenUp: () => false,
      onId(id, _, ms) {
        if (ids.push(id) === 1) first = ms;
        last = ms;
      },
    });
    return { ids, ms: last - first };
  };

  return async (tokens, right) => {
    const drawn = right === "forced" ? (await hear(tokens, {})).ids : undefined;
    const format = (): Constraint | undefined => drawn && onlyThese(drawn, vocabSize);
    const plain = await hear(tokens, { constraint: format() });
    const propose = right === "forced" ? () => [] : toldGuesses(plain.ids, 1, right, vocabSize, random);
    const ahead = await hear(tokens, { constraint: format(), propose });
    // Before and after, as machines change their speed.
    const again = await hear(tokens, { constraint: format() });
    if (ahead.ids.join() !== plain.ids.join()) throw new Error("ids that are run ahead came out as others");
    return { tokensPerSecond: (tokens / ahead.ms) * 1000, ofPlain: (plain.ms + again.ms) / 2 / ahead.ms };
  };
}

/** A format that leaves no choice. */
function onlyThese(ids: readonly number[], vocabSize: number): Constraint {
  let at = 0;
  return {
    allowed() {
      const mask = new Uint32Array(Math.ceil(vocabSize / 32));
      mask[ids[at] >>> 5] = 1 << (ids[at] & 31);
      return mask;
    },
    accept() {
      at++;
    },
    foresee: (most) => ids.slice(at, at + most),
  };
}
