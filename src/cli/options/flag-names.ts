// The flags that stand for the library's options, so that errors speak of what was typed.
import { type ErrorParts, type Lfm2Error, partsOf } from "../../lfm2-error.ts";

export type FlagNames = Readonly<Record<string, string>>;

export const flagNames: FlagNames = {
  backend: "--backend",
  mode: "--mode",
  kvType: "--kv-type",
  contextLength: "--context",
  threads: "--threads",
  kernels: "--kernels",
  quantize: "--quantize",
  ignoreMemory: "--ignore-memory",
  parallel: "--parallel",
  kvMemory: "--kv-memory",
  tokenizerPre: "--tokenizer-pre",
  temperature: "--temp",
  topK: "--top-k",
  topP: "--top-p",
  minP: "--min-p",
  repetitionPenalty: "--repeat-penalty",
  frequencyPenalty: "--frequency-penalty",
  presencePenalty: "--presence-penalty",
  logitBias: "--logit-bias",
  order: "--order",
  seed: "--seed",
  stop: "--stop",
  pattern: "--regex",
  choices: "--choice",
  points: "--points",
  positions: "--positions",
  maxBytes: "--max-bytes",
};

/** Kinds of errors whose subject is an option; that of others may be a file, which may have any name. */
const ABOUT_OPTIONS: readonly string[] = [
  "ConstraintError",
  "GlobError",
  "OptionError",
  "PositionsError",
  "PromptError",
  "SamplingError",
];

/** What an error says, with flags in place of the option that it is about and of those that its remedy names. */
export function inFlags(error: Lfm2Error, flags: FlagNames = flagNames): ErrorParts {
  const { kind, subject, remedy, options = [] } = error;
  const flagOf = (option: string): string => (Object.hasOwn(flags, option) ? flags[option] : option);
  // An item of a list, such as choices[2], keeps its place.
  const [option] = subject.split("[", 1);
  return {
    ...partsOf(error),
    subject: ABOUT_OPTIONS.includes(kind) ? flagOf(option) + subject.slice(option.length) : subject,
    remedy: withFlags(remedy, options, flagOf),
  };
}

/** Each option as a word of its own, in one pass: a flag may hold the name of the option that it stands for. */
function withFlags(text: string, options: readonly string[], flagOf: (option: string) => string): string {
  if (options.length === 0) return text;
  return text.replace(new RegExp(`(?<![\\w-])(?:${options.join("|")})(?!\\w)`, "g"), flagOf);
}
