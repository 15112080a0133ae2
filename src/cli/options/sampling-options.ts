// Options about the choice of tokens, and about where answers end: --temp, --stop and their kin.
import { type Command, Option } from "commander";
import { checkStops } from "../../chat/stop-strings.ts";
import type { ChatOptions } from "../../index.ts";
import { type SamplingOptions, validateSampling } from "../../sampling/options.ts";
import { UsageError } from "../exit.ts";
import { checked, integerOf, numberOrText } from "./option-values.ts";

export interface SamplingFlags {
  readonly temp?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly repeatPenalty?: number;
  readonly seed?: number | bigint;
  readonly frequencyPenalty?: number;
  readonly presencePenalty?: number;
  readonly logitBias?: Readonly<Record<number, number>>;
  readonly order?: SamplingOptions["order"];
  readonly maxTokens?: number;
  readonly greedy?: true;
  readonly stop?: readonly string[];
  readonly thinkingBudget?: number;
  readonly speculate: boolean;
}

export function addSamplingOptions(command: Command): Command {
  const add = (option: keyof SamplingOptions, flags: string, description: string): void => {
    command.addOption(new Option(flags, description).argParser((text) => parse(option, text)));
  };
  add("temperature", "--temp <number>", "0 takes the most likely token; higher is more varied");
  add("topK", "--top-k <count>", "choose among this many tokens; 0: all");
  add("topP", "--top-p <share>", "choose among the likeliest tokens of this total probability; 1: all");
  add("minP", "--min-p <share>", "leave out tokens this much less likely than the likeliest; 0: none");
  add("repetitionPenalty", "--repeat-penalty <factor>", "make tokens that already occurred less likely; 1: off");
  add("frequencyPenalty", "--frequency-penalty <number>", "make tokens less likely each time they occur; 0: off");
  add("presencePenalty", "--presence-penalty <number>", "make tokens that occurred less likely, once; 0: off");
  add("order", "--order <name>", "transformers (default): temperature first; llama.cpp: temperature last");
  add("seed", "-s, --seed <integer>", "the same seed gives the same answer");
  return command
    .addOption(
      new Option("--logit-bias <id=bias>", "add to a token's logit, -100 to 100; may be repeated").argParser(logitBias),
    )
    .addOption(
      new Option("--greedy", "always the most likely token, nothing else changed").conflicts([
        "temp",
        "topK",
        "topP",
        "minP",
      ]),
    )
    .addOption(
      new Option("--stop <text>", "end the answer before this text; may be repeated").argParser(
        (text: string, before: readonly string[] = []) =>
          checked(() => {
            checkStops(text);
            return checkStops([...before, text]);
          }),
      ),
    )
    .addOption(
      new Option("--thinking-budget <count>", "longest thinking, in tokens; 0: none").argParser(
        integerOf("--thinking-budget", 0),
      ),
    )
    .addOption(
      new Option("-n, --max-tokens <count>", "longest answer, in tokens").argParser(integerOf("--max-tokens", 1)),
    )
    .option("--no-speculate", "never run a token before it is known; answers are the same");
}

function logitBias(text: string, before: SamplingOptions["logitBias"] = {}): SamplingOptions["logitBias"] {
  const [, id, bias] = /^(\d+)=(.+)$/.exec(text) ?? [];
  if (id === undefined) {
    throw new UsageError({
      subject: "--logit-bias",
      expected: "ID=BIAS such as 124903=-100",
      found: JSON.stringify(text),
    });
  }
  return checked(() => {
    return { ...before, ...validateSampling({ logitBias: { [Number(id)]: numberOrText(bias) } }).logitBias };
  });
}

function parse(option: keyof SamplingOptions, text: string): unknown {
  return checked(() => {
    const isLong = option === "seed" && /^-?\d{16,40}$/.test(text) && !Number.isSafeInteger(Number(text));
    const value = isLong ? BigInt(text) : numberOrText(text);
    return validateSampling({ [option]: value })[option];
  });
}

/** What was stated, under the library's names. Nothing is undefined: that would undo the model's defaults. */
export function statedSampling(flags: SamplingFlags): Partial<SamplingOptions> {
  const { temp, topK, topP, minP, repeatPenalty, greedy } = flags;
  const { frequencyPenalty, presencePenalty, logitBias, order, seed } = flags;
  const stated: Record<string, unknown> = {
    ...(greedy
      ? { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: repeatPenalty ?? 1 }
      : { temperature: temp, topK, topP, minP, repetitionPenalty: repeatPenalty }),
    ...{ frequencyPenalty, presencePenalty, logitBias, order, seed },
  };
  return Object.fromEntries(Object.entries(stated).filter(([, value]) => value !== undefined));
}

/** How long an answer and its thoughts may get, what ends it and how it is run, as far as that was stated. */
export function statedRun(
  flags: SamplingFlags,
): Pick<ChatOptions, "maxTokens" | "stop" | "thinkingBudget" | "speculate"> {
  const { maxTokens, stop, thinkingBudget, speculate } = flags;
  const stated = Object.entries({ maxTokens, stop, thinkingBudget, speculate }).filter(
    ([, value]) => value !== undefined,
  );
  return Object.fromEntries(stated);
}
