// Several answers to one question, side by side.
import { SamplingError, validateSampling } from "../sampling/options.ts";
import { freshSeed, type Seed } from "../sampling/random.ts";

const MAX_CHOICES = 128;

/**
 * Asks `count` times, and gives out the pieces as they come: a model computes as many answers at once as it was opened
 * for. Answer i is drawn with seed + i, so it is what asking once with that seed gives; without a seed,
 * one is drawn for all. At temperature 0 all answers are equal.
 *
 *     for await (const { index, piece } of choices(3, { seed: 7 }, (options) => model.chat(messages, options))) …
 *
 * @param ask  begins answer `index` with the options it is given: those stated, its seed, and a signal by which it is told
 *   that nobody waits for it any more
 * @throws SamplingError when `count` is not an integer from 1 to 128; what `ask` throws, after the others have been left
 */
export async function* choices<Options extends object, Piece>(
  count: number,
  options: Options & { readonly seed?: Seed; readonly signal?: AbortSignal },
  ask: (
    options: Options & { readonly seed: Seed; readonly signal: AbortSignal },
    index: number,
  ) => AsyncIterable<Piece>,
): AsyncGenerator<{ readonly index: number; readonly piece: Piece }, void> {
  if (!(Number.isInteger(count) && count >= 1 && count <= MAX_CHOICES)) {
    throw new SamplingError({ subject: "n", expected: `an integer from 1 to ${MAX_CHOICES}`, found: String(count) });
  }
  const { seed = freshSeed() } = validateSampling({ seed: options.seed });
  const left = new AbortController();
  const signal = options.signal === undefined ? left.signal : AbortSignal.any([options.signal, left.signal]);
  const answers = Array.from({ length: count }, (_, index) =>
    ask({ ...options, seed: seedOfChoice(seed, index), signal }, index)[Symbol.asyncIterator](),
  );
  const next = (index: number) => {
    const coming = answers[index].next().then((result) => ({ index, result }));
    // Whoever takes the pieces hears of it in turn; until then it has to count as handled.
    coming.catch(() => {});
    return coming;
  };
  const coming = new Map(answers.map((_, index) => [index, next(index)]));
  try {
    while (coming.size > 0) {
      const { index, result } = await Promise.race(coming.values());
      if (result.done) coming.delete(index);
      else {
        coming.set(index, next(index));
        yield { index, piece: result.value };
      }
    }
  } finally {
    // Leaving alone would wait for the next piece of each.
    left.abort();
    await Promise.allSettled([...coming.keys()].map((index) => answers[index].return?.()));
  }
}

/** seed + index, exactly; a number as long as it is a safe integer. */
export function seedOfChoice(seed: Seed, index: number): Seed {
  const sum = BigInt(seed) + BigInt(index);
  const isSafe = typeof seed === "number" && sum <= BigInt(Number.MAX_SAFE_INTEGER);
  return isSafe ? Number(sum) : sum;
}
