// `lfm2 run`: one prompt, one answer or several.
import { Command } from "commander";
import { seedOfChoice } from "../../chat/choices.ts";
import { type AnswerPlaces, type ChoiceStart, takeAnswers } from "../../conversation/take-answers.ts";
import {
  type ChatDelta,
  type ChatMessage,
  type ChatOptions,
  createAnswerCollector,
  type LanguageModel,
  type Summary,
  type TokenReport,
} from "../../index.ts";
import { MAX_TOP_LOGPROBS } from "../../sampling/logprobs.ts";
import { freshSeed, type Seed } from "../../sampling/random.ts";
import { addToolsOption, readTools } from "../conversation/tool-options.ts";
import { CutError, UsageError } from "../exit.ts";
import { type OpenedModel, openModel, tokenizerOf } from "../files/open-model.ts";
import { addEditOption, type EditFlags } from "../options/edit-option.ts";
import { addFormatOptions, type FormatFlags, readFormat } from "../options/format-options.ts";
import { addModelOptions, type ModelFlags } from "../options/model-options.ts";
import { aboutFlags, integerOf } from "../options/option-values.ts";
import { readPrompt } from "../options/prompt.ts";
import { addSamplingOptions, type SamplingFlags, statedRun, statedSampling } from "../options/sampling-options.ts";
import { abortOnInterrupt } from "../signals.ts";
import { createAnswerPrinter, createTextPrinter } from "../terminal/answer-printer.ts";
import { createPrefillProgress } from "../terminal/prefill-progress.ts";
import { computationLine, samplingLine } from "../terminal/settings-line.ts";
import { speedLine, tokensPerSecond } from "../terminal/speed-line.ts";
import { note } from "../terminal/terminal.ts";

const MAX_ANSWERS = 128;

interface RunFlags extends ModelFlags, SamplingFlags, FormatFlags, EditFlags {
  readonly prompt?: string;
  readonly file?: string;
  readonly system?: string;
  readonly raw?: true;
  readonly tools?: string;
  readonly think: boolean;
  readonly json?: true;
  readonly answers: number;
  readonly logprobs?: number;
}

const examples = `
Examples:
  $ lfm2 run -p "How many experts does LFM2 have?"
  $ lfm2 run -p "Summarize this:" -f notes.txt --no-think
  $ git diff | lfm2 run -m LFM2.5-8B-A1B-Q4_K_M.gguf -p "Write a commit message for:" -f -
  $ lfm2 run --raw -p "Once upon a time" -n 100
  $ lfm2 run -p "Weather in Paris?" --tools tools.json --json
  $ lfm2 run -p "Hello!" --greedy --json --logprobs 5
  $ lfm2 run -p "Name a colour." --answers 3 --seed 7 --stop "."
  $ lfm2 run -p "Is 7 prime?" --choice yes --choice no
  $ lfm2 run -p "Describe a cat." --schema animal.json
  $ lfm2 run -p "Hello!" --edit expert-off:7,9@2-5 no-bias@6

The answer goes to standard output, everything else to standard error. Exit code 3: an answer in a format was cut.`;

export function runCommand(): Command {
  const command = new Command("run")
    .description("answer one prompt, from -p, -f, both, or standard input")
    .option("-p, --prompt <text>", "the prompt")
    .option("-f, --file <path>", "a file to read it from, - for standard input; with -p, its text comes after that")
    .option("--system <text>", "the system prompt");
  command.addOption(
    command
      .createOption("--raw", "continue the text as it is, without a chat template")
      .conflicts(["system", "tools", "thinkingBudget"]),
  );
  addToolsOption(command)
    .option("--no-think", "leave out what the model thinks")
    .option("--json", "print one JSON object instead of text, in the library's names; with --answers, a list of them");
  command.addOption(
    command
      .createOption("--answers <count>", "answer several times, with seed, seed + 1, …; four are computed side by side")
      .argParser(integerOf("--answers", 1, MAX_ANSWERS))
      .default(1),
  );
  command.addOption(
    command
      .createOption("--logprobs <count>", "with --json: each token, its log-probability, and the likeliest tokens'")
      .argParser(integerOf("--logprobs", 0, MAX_TOP_LOGPROBS)),
  );
  addSamplingOptions(addModelOptions(addEditOption(addFormatOptions(command))));
  return command.addHelpText("after", examples).action(run);
}

async function run(flags: RunFlags): Promise<void> {
  if (flags.logprobs !== undefined && !flags.json) {
    throw new UsageError({
      subject: "--logprobs",
      expected: "--json beside it",
      found: "none",
      remedy: "Text has no place for them.",
    });
  }
  const signal = abortOnInterrupt();
  const prompt = await orAborted(readPrompt(flags.prompt, flags.file), signal);
  const tools = await readTools(flags);
  const responseFormat = await readFormat(flags);
  const opened = await openModel(flags, signal);
  const { model } = opened;
  try {
    await tokenizerOf(opened);
    const stated = statedSampling(flags);
    // Drawn here, so that it can be shown and the answer repeated.
    const seed = flags.seed ?? freshSeed();
    const isRandom = { ...model.recommended.sampling, ...stated }.temperature !== 0;
    const settings = `${computationLine(model.settings)} · ${samplingLine(model.recommended, stated)}`;
    note(isRandom ? `${settings} · seed ${seed}` : settings);

    const { reports, isCut } = await answerAll(opened, prompt, flags, {
      ...{ ...stated, ...statedRun(flags), seed, tools, responseFormat, edits: flags.edit, signal },
      isRandom,
    });
    if (flags.json) process.stdout.write(`${JSON.stringify(flags.answers > 1 ? reports : reports[0], null, 2)}\n`);
    if (isCut && responseFormat !== undefined) {
      const flag = flags.schema ? "--schema" : flags.regex ? "--regex" : "--choice";
      throw new CutError({
        subject: flag,
        expected: "a whole answer",
        found: "one that was cut",
        remedy: "Allow more tokens with -n or -c.",
      });
    }
  } finally {
    await model.close();
  }
}

interface AskedOptions extends ChatOptions {
  readonly seed: Seed;
  readonly signal: AbortSignal;
  readonly isRandom: boolean;
}

/** Prints answers one after another as they come, or collects them for JSON; they are computed side by side. */
async function answerAll(
  { model, name, loadMs }: OpenedModel,
  prompt: string,
  flags: RunFlags,
  { isRandom, ...stated }: AskedOptions,
): Promise<{ readonly reports: readonly object[]; readonly isCut: boolean }> {
  const count = flags.answers;
  const reports: object[] = [];
  let isCut = false;
  let current = 0;
  const progress = createPrefillProgress();
  const collectors = Array.from({ length: count }, createAnswerCollector);
  const tokens = collectors.map((): object[] => []);
  const wantsTokens = flags.json && flags.logprobs !== undefined;
  const start = ({ onFinish, ...own }: ChoiceStart, index: number): AsyncIterable<ChatDelta> => {
    const onToken = (token: TokenReport): unknown => tokens[index].push(printable(token));
    return answer(model, prompt, flags, {
      ...{ ...stated, ...own, onFinish },
      ...(wantsTokens ? { onToken, topLogprobs: flags.logprobs } : {}),
      onProgress: (told) => (index === current ? progress.onProgress(told) : undefined),
    });
  };
  const places: AnswerPlaces = {
    begin(index) {
      current = index;
      const seed = seedOfChoice(stated.seed, index);
      if (count > 1) note(`Answer ${index + 1} of ${count}${isRandom ? ` · seed ${seed}` : ""}`);
      if (index > 0 && !flags.json) process.stdout.write("\n");
      const printer = flags.raw ? createTextPrinter() : createAnswerPrinter(flags.think);
      return [progress.sink, collectors[index], ...(flags.json ? [] : [printer])];
    },
    end(index, summary) {
      note(speedLine(summary));
      isCut ||= summary.finishReason === "length";
      const collector = collectors[index];
      const { content, reasoning_content: thought } = collector.message();
      const seed = seedOfChoice(stated.seed, index);
      reports.push({
        content: flags.raw ? content : withoutOuterLines(content),
        ...(thought === undefined || !flags.think ? {} : { reasoning_content: withoutOuterLines(thought) }),
        ...(collector.toolCalls.length === 0 ? {} : { tool_calls: collector.toolCalls }),
        ...(wantsTokens ? { tokens: tokens[index] } : {}),
        ...figures(summary, loadMs),
        seed: typeof seed === "bigint" ? String(seed) : seed, // JSON has no integers beyond 2⁵³
        model: name,
      });
    },
  };
  await takeAnswers(count, stated, start, places).catch((error: unknown) => {
    throw aboutFlags(error); // which ids there are, say, the model knows
  });
  return { reports, isCut };
}

/** A token whose bytes JSON can hold. */
function printable({ top, ...token }: TokenReport): object {
  const listed = (facts: Omit<TokenReport, "top">): object => ({ ...facts, bytes: [...(facts.bytes ?? [])] });
  return { ...listed(token), top: top?.map(listed) };
}

async function* answer(
  model: LanguageModel,
  prompt: string,
  { raw, system }: RunFlags,
  options: ChatOptions,
): AsyncGenerator<ChatDelta, void> {
  if (raw) {
    for await (const text of model.complete(prompt, options)) yield { content: text };
    return;
  }
  const messages: ChatMessage[] = [{ role: "user", content: prompt }];
  if (system !== undefined) messages.unshift({ role: "system", content: system });
  yield* model.chat(messages, options);
}

/** What the library's summary says, under its names, and two figures beside it. */
function figures(summary: Summary, loadMs: number): object {
  const { prefillMs, decodeMs } = summary;
  const speed = tokensPerSecond(summary);
  return {
    ...summary,
    prefillMs: rounded(prefillMs),
    decodeMs: rounded(decodeMs),
    loadMs: rounded(loadMs),
    tokensPerSecond: speed === undefined ? null : rounded(speed),
  };
}

function withoutOuterLines(text: string): string {
  return text.replace(/^\n+|\n+$/g, "");
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

/** Ctrl-C while standard input is read. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}
