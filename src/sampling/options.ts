// What a caller may ask of the sampler, and the ranges it is held to.
import { Lfm2Error } from "../lfm2-error.ts";
import type { Seed } from "./random.ts";

export interface SamplingOptions {
  /** Logits are divided by it; 0 takes the most likely id every time. */
  readonly temperature: number;
  /** Keep the k most likely ids, and those equal to the k-th; 0 keeps all. */
  readonly topK: number;
  /** Keep the most likely ids up to this probability; 1 keeps all. */
  readonly topP: number;
  /** Keep ids at least this likely relative to the most likely one; 0 keeps all. */
  readonly minP: number;
  /** Ids already in the sequence, prompt included: logits above 0 divided by it, below 0 multiplied. 1 is off. */
  readonly repetitionPenalty: number;
  /** Subtracted from an id's logit as often as it occurred, −2 to 2. What counts as occurring: see order. */
  readonly frequencyPenalty: number;
  /** Subtracted once from the logit of an id that occurred, −2 to 2. */
  readonly presencePenalty: number;
  /** Added to the logits of these ids before anything else, −100 (never) to 100 (always). */
  readonly logitBias: Readonly<Record<number, number>>;
  readonly order: SamplingOrder;
  /** The draw repeats with the seed; without one, a fresh seed is drawn. */
  readonly seed?: Seed;
}

/**
 * Which definitions hold where the two differ. Both begin with logit bias and penalties.
 *
 * `transformers`: temperature, top_k, top_p, min_p. top_k keeps ids equal to the k-th. The repetition penalty looks at
 * the whole sequence; frequency and presence penalties, as OpenAI's, at what was sampled, not at the prompt.
 *
 * `llama.cpp`: top_k, top_p, min_p, temperature. top_k keeps exactly k, of equal ids the lowest. All three penalties
 * look at the last 64 ids, prompt included.
 */
export type SamplingOrder = "transformers" | "llama.cpp";

/** Nothing changed: one draw from the softmax of the logits. */
export const PLAIN_SAMPLING: SamplingOptions = {
  temperature: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  logitBias: {},
  order: "transformers",
};

/** A sampling setting is out of range, or logits cannot be sampled from. */
export class SamplingError extends Lfm2Error {
  override readonly name = "SamplingError";
}

const RANGES: Record<keyof SamplingOptions, { expected: string; holds: (value: unknown) => boolean }> = {
  temperature: {
    expected: "0 (always the most likely id) or a number from 0.001 to 100",
    holds: (v) => v === 0 || within(v, 0.001, 100),
  },
  topK: { expected: "an integer ≥ 0 (0 keeps all)", holds: (v) => Number.isSafeInteger(v) && (v as number) >= 0 },
  topP: { expected: "a number above 0, up to 1 (1 keeps all)", holds: (v) => within(v, 0, 1) && v !== 0 },
  minP: { expected: "a number from 0 to 1 (0 keeps all)", holds: (v) => within(v, 0, 1) },
  repetitionPenalty: { expected: "a number from 0.01 to 100 (1 is off)", holds: (v) => within(v, 0.01, 100) },
  frequencyPenalty: { expected: "a number from -2 to 2 (0 is off)", holds: (v) => within(v, -2, 2) },
  presencePenalty: { expected: "a number from -2 to 2 (0 is off)", holds: (v) => within(v, -2, 2) },
  logitBias: { expected: "token ids, each with a number from -100 to 100", holds: isBias },
  order: { expected: "transformers or llama.cpp", holds: (v) => v === "transformers" || v === "llama.cpp" },
  seed: {
    expected: "an integer from −(2⁵³ − 1) to 2⁵³ − 1, or a bigint",
    holds: (v) => typeof v === "bigint" || Number.isSafeInteger(v),
  },
};

function within(value: unknown, low: number, high: number): boolean {
  return typeof value === "number" && value >= low && value <= high;
}

function isBias(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(([id, bias]) => /^(0|[1-9]\d{0,9})$/.test(id) && within(bias, -100, 100));
}

export const SAMPLING_NAMES = Object.keys(RANGES) as readonly (keyof SamplingOptions)[];

/**
 * Settings as a caller stated them, with what was left out filled from PLAIN_SAMPLING.
 *
 * @throws SamplingError naming the setting, its range and what was found
 */
export function validateSampling(stated: { readonly [K in keyof SamplingOptions]?: unknown }): SamplingOptions {
  const settings: Record<string, unknown> = { ...PLAIN_SAMPLING };
  for (const [name, value] of Object.entries(stated)) {
    const range = Object.hasOwn(RANGES, name) ? RANGES[name as keyof SamplingOptions] : undefined;
    if (range === undefined) {
      const expected = `one of ${SAMPLING_NAMES.join(", ")}`;
      const sentence = `Unknown sampling setting "${name}": expected ${expected}.`;
      throw new SamplingError({ subject: name, expected, found: "another", sentence });
    }
    if (value === undefined) continue;
    if (value instanceof Map || value instanceof Set) {
      const found = value instanceof Map ? "a Map. Pass Object.fromEntries(map)" : "a Set";
      throw new SamplingError({ subject: name, expected: range.expected, found });
    }
    if (!range.holds(value)) throw new SamplingError({ subject: name, expected: range.expected, found: shown(value) });
    settings[name] = value;
  }
  return settings as unknown as SamplingOptions;
}

function shown(value: unknown): string {
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  const text = JSON.stringify(value, (_, part) => (typeof part === "bigint" ? String(part) : part)) ?? "nothing";
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
