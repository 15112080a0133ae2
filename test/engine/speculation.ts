// Speculation beside plain decoding: random prompts through the embedded model, by both, one by one and side by side.
import { isDeepStrictEqual } from "node:util";
import { toldGuesses } from "../../src/bench/product/told-guesses.ts";
import { createConstraint } from "../../src/constrain/constraint.ts";
import type { GuessCounts } from "../../src/engine/ahead.ts";
import type { GenerateOptions } from "../../src/engine/answer.ts";
import type { StepCosts } from "../../src/engine/guess-length.ts";
import { type Proposer, promptLookup } from "../../src/engine/prompt-lookup.ts";
import { createScheduler, type Scheduler } from "../../src/engine/scheduler.ts";
import type { ThinkingBudget } from "../../src/engine/thinking-budget.ts";
import { schedulerParts } from "../../src/load/load.ts";
import type { ModelOptions } from "../../src/load/model-options.ts";
import { type Logprobs, MAX_TOP_LOGPROBS } from "../../src/sampling/logprobs.ts";
import type { SamplingOptions } from "../../src/sampling/options.ts";
import { compile, nanoTree, type Request, regex, STOP, schema, tokenizer, VOCAB_SIZE } from "../constrain/harness.ts";
import { type Dice, diceOf } from "../fuzz/dice.ts";
import { load, open } from "../model/run.ts";

const CALL = { start: 10, end: 11 };
const THINK = { open: 14, close: 15 };
const CONTEXT = 320;
/** Answers side by side, which have not all room for their contexts. */
const BESIDE = 3;

/** As if rows beside others cost nothing: every guess is run that there is room for. */
export const freeRows: StepCosts = { add() {}, of: () => 1, isKnown: () => true, most: 99 };

/** Two schedulers, each with a model of its own. */
export interface Pair {
  readonly plain: Scheduler;
  readonly guessing: Scheduler;
}

export async function openPair(options: ModelOptions = {}): Promise<Pair> {
  const [plain, guessing] = await Promise.all(
    [undefined, freeRows].map(async (costs) => {
      const settings = { contextLength: CONTEXT, parallel: BESIDE, kvMemory: 1 << 24, ...options };
      const loaded = await load(await open("nano", "lfm2-nano-Q4_0.gguf"), settings);
      return createScheduler({ ...schedulerParts(loaded), pages: 20, costs, pause: async () => {} });
    }),
  );
  return { plain, guessing };
}

export interface Case {
  readonly prompt: readonly number[];
  readonly sampling: Partial<SamplingOptions>;
  readonly maxTokens: number;
  readonly stopIds: readonly number[];
  readonly format: Request | undefined;
  readonly thinking: ThinkingBudget | undefined;
  /** Where guesses come from: the prompt and answer, what plain decoding said (each id right with `right`), or nowhere. */
  readonly guesses: "lookup" | "told" | "random";
  readonly right: number;
  /**
   * How many log-probabilities are compared at every id. Each depends on all logits, by their sum; all ids' have every bit
   * of the logits, and are compared in some cases only, as sorting them takes longer than the model.
   */
  readonly topLogprobs: number;
}

const WORDS = "the a cat dog is was red blue two three and or not what who says it yes no sum of list".split(" ");
const FORMATS: readonly Request[] = [
  schema({
    type: "object",
    properties: {
      name: { type: "string", maxLength: 12 },
      kind: { enum: ["cat", "caterpillar"] },
      n: { type: "integer" },
    },
    required: ["name", "kind", "n"],
    additionalProperties: false,
  }),
  schema({ type: "array", items: { enum: ["left", "right"] }, minItems: 2, maxItems: 6 }),
  regex("(ab|cd){2,9}xyzzy-plugh-[0-9]{3}-the end\\."),
  regex(`${[..."qzjxkvwp"].map((letter) => `${letter}${letter.toUpperCase()}`).join("")}|no`),
  { responseFormat: { type: "choice", choices: ["Supercalifragilistic", "Superman", "no"] } },
  { responseFormat: { type: "json_object" } },
];

export function caseOf(seed: number, number: number): Case {
  const dice = diceOf(seed, number);
  const text = Array.from({ length: 1 + dice.below(12) }, () => dice.pick(WORDS)).join(" ");
  const repeated = Array.from({ length: 1 + dice.below(4) }, () => text).join(". ");
  const chat = `<|im_start|>user\n${repeated}<|im_end|>\n<|im_start|>assistant\n`;
  const prompt = dice.chance(0.15)
    ? Array.from({ length: 1 + dice.below(60) }, () => dice.below(VOCAB_SIZE))
    : [...tokenizer.encode(dice.chance(0.7) ? chat : repeated)];
  const isGreedy = dice.chance(0.4);
  const sampling = {
    temperature: isGreedy ? 0 : dice.pick([0.2, 0.7, 1, 1.6]),
    seed: dice.below(2 ** 31),
    topK: dice.pick([0, 0, 20]),
    topP: dice.pick([1, 1, 0.9]),
    minP: dice.pick([0, 0, 0.05]),
    repetitionPenalty: dice.pick([1, 1, 1.05, 1.3]),
    frequencyPenalty: dice.pick([0, 0, 0.5]),
    order: dice.pick(["transformers", "transformers", "llama.cpp"] as const),
  };
  const format = dice.chance(0.5) ? dice.pick(FORMATS) : undefined;
  return {
    prompt: prompt.slice(0, CONTEXT - 40),
    sampling,
    maxTokens: dice.chance(0.05) ? 1000 : 4 + dice.below(40),
    stopIds: format === undefined && dice.chance(0.5) ? [] : [STOP],
    format,
    thinking: dice.chance(0.15) ? { ...THINK, tokens: dice.below(6), isOpen: false } : undefined,
    guesses: dice.pick(["lookup", "told", "told", "random"] as const),
    right: dice.pick([0.3, 0.6, 0.9, 1]),
    topLogprobs: dice.chance(0.2) ? VOCAB_SIZE : MAX_TOP_LOGPROBS,
  };
}

interface Heard {
  readonly ids: number[];
  readonly logprobs: (Logprobs | undefined)[];
  /** Ids of the prompt that had to be run. */
  run: number;
  counts: GuessCounts;
  error?: string;
}

async function hear(scheduler: Scheduler, one: Case, isTold: boolean, propose?: Proposer): Promise<Heard> {
  const { prompt, sampling, maxTokens, stopIds, format, thinking, topLogprobs } = one;
  const heard: Heard = { ids: [], logprobs: [], run: 0, counts: { guessed: 0, accepted: 0 } };
  const options: GenerateOptions = {
    sampling,
    maxTokens,
    stopIds,
    thinking,
    constraint: format && createConstraint(compile({ callMarkers: CALL, ...format }), nanoTree, VOCAB_SIZE, stopIds),
    topLogprobs: isTold ? topLogprobs : undefined,
    propose,
  };
  await scheduler
    .answer({
      ids: prompt,
      options,
      signal: new AbortController().signal,
      onProgress(_, total) {
        heard.run = total;
      },
      onId(id, logprobs, _, counts) {
        heard.ids.push(id);
        heard.logprobs.push(logprobs);
        heard.counts = counts;
      },
    })
    .catch((error) => {
      heard.error = String(error);
    });
  return heard;
}

function proposerOf(one: Case, expected: Heard, dice: Dice): Proposer {
  if (one.guesses === "lookup") return promptLookup;
  if (one.guesses === "random") return () => Array.from({ length: 1 + dice.below(16) }, () => dice.below(VOCAB_SIZE));
  return toldGuesses(expected.ids, one.prompt.length, one.right, VOCAB_SIZE, dice.random);
}

function differs(found: Heard, expected: Heard, isTold: boolean): string | undefined {
  if (!isDeepStrictEqual(found.ids, expected.ids)) return `ids ${found.ids}, expected ${expected.ids}`;
  if (found.error !== expected.error) return `${found.error}, expected ${expected.error}`;
  if (isTold && !isDeepStrictEqual(found.logprobs, expected.logprobs)) return "other log-probabilities";
  return undefined;
}

/**
 * Runs a case by both: ids, logits and errors have to be the same, and so has what either goes on with afterwards.
 * @returns what differs; undefined where nothing does
 */
export async function difference(
  { plain, guessing }: Pair,
  one: Case,
  number: number,
  seen?: (counts: GuessCounts) => void,
): Promise<string | undefined> {
  const dice = diceOf(number, 1);
  const expected = await hear(plain, one, true);
  for (const isTold of [true, false]) {
    const found = await hear(guessing, one, isTold, proposerOf(one, expected, dice));
    seen?.(found.counts);
    const wrong = differs(found, expected, isTold);
    if (wrong !== undefined) return wrong;
    const prompt = [...one.prompt, ...expected.ids].slice(0, CONTEXT - 1).concat(STOP);
    const next: Case = {
      ...one,
      prompt,
      sampling: { temperature: 0 },
      maxTokens: 1,
      format: undefined,
      thinking: undefined,
      topLogprobs: VOCAB_SIZE,
    };
    const [after, afterPlain] = [await hear(guessing, next, true), await hear(plain, next, true)];
    const wrongAfter = differs(after, afterPlain, true);
    if (wrongAfter !== undefined) return `afterwards ${wrongAfter}`;
    if (isTold && after.run !== afterPlain.run) return `${after.run} ids run afterwards, expected ${afterPlain.run}`;
  }
  return undefined;
}

/** The same side by side: each has what it has by itself, whatever the others guess. */
export async function differenceBeside(
  { plain, guessing }: Pair,
  cases: readonly Case[],
  number: number,
  seen?: (counts: GuessCounts) => void,
): Promise<string | undefined> {
  const dice = diceOf(number, 2);
  const isTold = dice.chance(0.5);
  const expected: Heard[] = [];
  for (const one of cases) expected.push(await hear(plain, one, isTold));
  const found = await Promise.all(
    cases.map((one, i) => hear(guessing, one, isTold, proposerOf(one, expected[i], dice))),
  );
  for (const [i, heard] of found.entries()) {
    seen?.(heard.counts);
    const wrong = differs(heard, expected[i], isTold);
    if (wrong !== undefined) return `of ${cases.length} side by side, ${i}: ${wrong}`;
  }
  return undefined;
}

/** One after another, every fourth with others beside it. */
export async function differenceOf(
  pair: Pair,
  seed: number,
  number: number,
  seen?: (counts: GuessCounts) => void,
): Promise<string | undefined> {
  const one = caseOf(seed, number);
  if (number % 4 < 3) return difference(pair, one, number, seen);
  const others = Array.from({ length: BESIDE }, (_, i) => caseOf(seed, 1e6 + BESIDE * number + i));
  return differenceBeside(pair, [one, ...others], number, seen);
}
