// Options about the choice of tokens: --temp and its kin.
import { type Command, Option } from "commander";
import { type SamplingOptions, validateSampling } from "../sampling/options.ts";
import { checkedAs, integerOf, numberOrText } from "./option-values.ts";

export interface SamplingFlags {
  readonly temp?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly repeatPenalty?: number;
  readonly seed?: number | bigint;
  readonly maxTokens?: number;
  readonly greedy?: true;
}

export function addSamplingOptions(command: Command): Command {
  const add = (option: keyof SamplingOptions, flags: string, description: string): void => {
    const flag = flags.match(/--[a-z-]+/)?.[0] as string;
    command.addOption(new Option(flags, description).argParser((text) => parse(option, flag, text)));
  };
  add("temperature", "--temp <number>", "0 takes the most likely token; higher is more varied");
  add("topK", "--top-k <count>", "choose among this many tokens; 0: all");
  add("topP", "--top-p <share>", "choose among the likeliest tokens of this total probability; 1: all");
  add("minP", "--min-p <share>", "leave out tokens this much less likely than the likeliest; 0: none");
  add("repetitionPenalty", "--repeat-penalty <factor>", "make tokens that already occurred less likely; 1: off");
  add("seed", "-s, --seed <integer>", "the same seed gives the same answer");
  return command
    .addOption(
      new Option("--greedy", "always the most likely token, nothing else changed").conflicts([
        "temp",
        "topK",
        "topP",
        "minP",
      ]),
    )
    .addOption(
      new Option("-n, --max-tokens <count>", "longest answer, in tokens").argParser(integerOf("--max-tokens", 1)),
    );
}

function parse(option: keyof SamplingOptions, flag: string, text: string): number | bigint {
  return checkedAs(option, flag, () => {
    const isLong = option === "seed" && /^-?\d{16,40}$/.test(text) && !Number.isSafeInteger(Number(text));
    const value = isLong ? BigInt(text) : numberOrText(text);
    return validateSampling({ [option]: value })[option] as number | bigint;
  });
}

/** What was stated, under the library's names. Nothing is undefined: that would undo the model's defaults. */
export function statedSampling(flags: SamplingFlags): Partial<SamplingOptions> {
  const { temp, topK, topP, minP, repeatPenalty, seed, greedy } = flags;
  const stated: Record<string, unknown> = greedy
    ? { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: repeatPenalty ?? 1, seed }
    : { temperature: temp, topK, topP, minP, repetitionPenalty: repeatPenalty, seed };
  return Object.fromEntries(Object.entries(stated).filter(([, value]) => value !== undefined));
}

/** How long an answer may get, if that was stated. */
export function statedLength({ maxTokens }: SamplingFlags): { maxTokens?: number } {
  return maxTokens === undefined ? {} : { maxTokens };
}
