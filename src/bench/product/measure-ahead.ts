// Decode with ids that are run before they are known, beside the same ids one by one.
import type { Constraint, GenerateOptions } from "../../engine/answer.ts";
import { createAcceptances, createStepCosts, plannedReads } from "../../engine/guess-length.ts";
import { createScheduler, type SchedulerParts } from "../../engine/scheduler.ts";
import type { Speed as LongSteps } from "../../engine/step-length.ts";
import type { Ops } from "../../ops/ops.ts";
import { nodePlatform } from "../../worker/node-platform.ts";
import type { Right, Speed } from "./settings.ts";
import { toldGuesses } from "./told-guesses.ts";
import { createTurns, type Turn } from "./turns.ts";

type Own = Pick<GenerateOptions, "propose" | "constraint">;
/** What a run learns while it is measured. */
type Learned = Pick<SchedulerParts, "costs" | "beginAcceptance">;

/**
 * What steps take is learned once for all that is measured, and how often guesses come true once for each quality of them,
 * as a model that is used learns it.
 *
 * @param parts   two sequences of them run side by side, each in half of the pages
 * @param random  numbers in [0, 1)
 */
export function measureAhead(
  parts: Omit<SchedulerParts, "pause">,
  longSteps: LongSteps,
  random: () => number,
): (tokens: number, right: Right) => Promise<Speed> {
  const { model, slots, pages } = parts;
  const { vocabSize } = model.config;
  const half = Math.floor(pages / 2);
  const costs = createStepCosts(
    (rows) => plannedReads(model.config, rows),
    () => longSteps.msPerPosition,
  );
  const acceptances = new Map<Right, () => ReturnType<ReturnType<typeof createAcceptances>>>();

  /** @param side  0 or 1 */
  const hear = async (side: number, tokens: number, turn: Turn, own: Own, learned: Learned = {}): Promise<number[]> => {
    const scheduler = createScheduler({
      ...parts,
      ...learned,
      model: side === 0 ? model : { ...model, ops: behind(model.ops, half) },
      slots: [slots[side]],
      pages: half,
      pause: async () => {
        await turn.wait();
        await nodePlatform.nextTurn();
      },
    });
    const ids: number[] = [];
    await scheduler.answer({
      ids: [1],
      // Drawn from the model's whole distribution, so that few ids repeat: what is read of experts is then the most.
      options: { sampling: { temperature: 1, seed: 1 }, maxTokens: tokens + 1, stopIds: [], ...own },
      signal: new AbortController().signal,
      isGivenUp: () => false,
      onId(id) {
        if (ids.push(id) === 1) turn.begin();
        else turn.progress();
      },
    });
    turn.end();
    return ids;
  };

  return async (tokens, right) => {
    const known = await hear(0, tokens, createTurns(1)[0], {});
    const isForced = right === "forced";
    const constraint = (): Constraint | undefined => (isForced ? onlyThese(known, vocabSize) : undefined);
    const propose = isForced ? () => [] : toldGuesses(known, 1, right, vocabSize, random);
    const beginAcceptance = acceptances.get(right) ?? createAcceptances();
    acceptances.set(right, beginAcceptance);
    const [plain, ahead] = createTurns(2);
    const [, found] = await Promise.all([
      hear(0, tokens, plain, { constraint: constraint() }),
      hear(1, tokens, ahead, { constraint: constraint(), propose }, { costs, beginAcceptance }),
    ]);
    if (found.join() !== known.join()) throw new Error("ids that are run ahead came out as others");
    return { tokensPerSecond: (tokens / ahead.ms) * 1000, ofPlain: plain.ms / ahead.ms };
  };
}

/** The same operations for a sequence whose pages come after so many others. */
function behind(ops: Ops, pages: number): Ops {
  const own: Ops = Object.create(ops);
  own.attention = (q, k, v, spans, headDim) => {
    const moved = spans.map((span) => ({ ...span, pages: span.pages.map((page) => page + pages) }));
    return ops.attention(q, k, v, moved, headDim);
  };
  return own;
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
