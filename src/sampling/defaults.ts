// Which settings a model was meant to be sampled with: what its files state, else what its makers recommend.
import { PLAIN_SAMPLING, type SamplingOptions, validateSampling } from "./options.ts";

export interface RecommendedSampling {
  readonly sampling: SamplingOptions;
  /** How long an answer may get, in tokens; undefined where nothing states it. */
  readonly maxNewTokens: number | undefined;
  /** Where the settings come from, to be shown: "generation_config.json", "table: LFM2.5". */
  readonly origin: string;
  /** The same for maxNewTokens; undefined with it. */
  readonly maxNewTokensOrigin: string | undefined;
}

interface Family {
  readonly name: string;
  readonly sampling: Partial<SamplingOptions>;
  readonly maxNewTokens?: number;
}

// Liquid AI's documentation and model cards; for the embedded model, golden/nano/README.md.
const LFM2: Family = { name: "LFM2", sampling: { temperature: 0.3, minP: 0.15, repetitionPenalty: 1.05 } };
const LFM2_5: Family = {
  name: "LFM2.5",
  sampling: { temperature: 0.2, topK: 80, repetitionPenalty: 1.05 },
  maxNewTokens: 8192,
};
const NANO: Family = { name: "lfm2-nano", sampling: { temperature: 0.2, topK: 80, repetitionPenalty: 1.05 } };

export interface ModelTraits {
  /** The keys of generation_config.json that the files state; {} where there is none. */
  readonly generationConfig: Readonly<Record<string, unknown>>;
  readonly vocabSize: number;
  /** The id of `<|startoftext|>`. */
  readonly bosId: number | undefined;
  /** The model's name, where the files state one (`general.name` in GGUF). */
  readonly name?: string | undefined;
}

/**
 * The settings to start from.
 *
 * When the files state any setting, all come from there, and what they leave out is off: a mixture of two
 * recommendations is nobody's. `do_sample: false` is temperature 0.
 *
 * @throws SamplingError when a stated value is out of range
 */
export function recommendedSampling(model: ModelTraits): RecommendedSampling {
  const family = familyOf(model);
  const table = `table: ${family.name}`;
  const stated = statedSampling(model.generationConfig);
  const statedLength = model.generationConfig.max_new_tokens;
  const lengthIsStated = Number.isSafeInteger(statedLength) && (statedLength as number) > 0;
  const maxNewTokens = lengthIsStated ? (statedLength as number) : family.maxNewTokens;
  return {
    sampling: stated ?? { ...PLAIN_SAMPLING, ...family.sampling },
    origin: stated === undefined ? table : FILE,
    maxNewTokens,
    maxNewTokensOrigin: maxNewTokens === undefined ? undefined : lengthIsStated ? FILE : table,
  };
}

const FILE = "generation_config.json";

const KEYS = {
  temperature: "temperature",
  topK: "top_k",
  topP: "top_p",
  minP: "min_p",
  repetitionPenalty: "repetition_penalty",
} as const;

function statedSampling(config: Readonly<Record<string, unknown>>): SamplingOptions | undefined {
  const stated: Record<string, unknown> = {};
  for (const [name, key] of Object.entries(KEYS)) {
    if (config[key] !== undefined && config[key] !== null) stated[name] = config[key];
  }
  if (config.do_sample === false) stated.temperature = 0;
  return Object.keys(stated).length === 0 ? undefined : validateSampling(stated);
}

/**
 * LFM2.5's large models carry an extended tokenizer, whose special ids no longer start at 0. Its small ones keep
 * LFM2's tokenizer, so only the name distinguishes them.
 */
function familyOf({ name = "", vocabSize, bosId }: ModelTraits): Family {
  if (/nano/i.test(name) || vocabSize < 4096) return NANO;
  if (/lfm2[._]5/i.test(name) || vocabSize > 65_536 || (bosId !== undefined && bosId !== 1)) return LFM2_5;
  return LFM2;
}
