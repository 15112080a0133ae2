// `lfm2 run`: one prompt, one answer or several.
import { Command } from "commander";
import { seedOfChoice } from "../../chat/choices.ts";
import { type AnswerSink, takeAnswer } from "../../conversation/take-answer.ts";
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
      .createOption("--answers <count>", "answer several times, with seed, seed + 1, …")
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

    const reports: object[] = [];
    let isCut = false;
    for (let index = 0; index < flags.answers; index++) {
      const seedHere = seedOfChoice(seed, index);
      if (flags.answers > 1) note(`Answer ${index + 1} of ${flags.answers}${isRandom ? ` · seed ${seedHere}` : ""}`);
      if (index > 0 && !flags.json) process.stdout.write("\n");
      const options = { ...stated, seed: seedHere, tools, responseFormat, edits: flags.edit, signal };
      const { report, summary } = await answerOnce(opened, prompt, flags, options);
      reports.push(report);
      isCut ||= summary.finishReason === "length";
    }
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

/** Prints an answer as it comes, or collects it for JSON; returns what there is to report of it. */
async function answerOnce(
  { model, name, loadMs }: OpenedModel,
  prompt: string,
  flags: RunFlags,
  stated: ChatOptions & { readonly seed: Seed },
): Promise<{ readonly report: object; readonly summary: Summary }> {
  const collector = createAnswerCollector();
  const progress = createPrefillProgress();
  const sinks: AnswerSink[] = [progress.sink, collector];
  if (!flags.json) sinks.push(flags.raw ? createTextPrinter() : createAnswerPrinter(flags.think));
  const tokens: object[] = [];
  const onToken = (token: TokenReport): void => {
    tokens.push(printable(token));
  };
  const wantsTokens = flags.json && flags.logprobs !== undefined;
  const options = {
    ...stated,
    ...statedRun(flags),
    ...(wantsTokens ? { onToken, topLogprobs: flags.logprobs } : {}),
    onProgress: progress.onProgress,
  };
  const start = (finish: ChatOptions) => answer(model, prompt, flags, { ...options, ...finish });
  const summary = await takeAnswer(start, sinks).catch((error: unknown) => {
    throw aboutFlags(error); // which ids there are, say, the model knows
  });
  note(speedLine(summary));
  const { content, reasoning_content: thought } = collector.message();
  const { seed } = stated;
  const report = {
    content: flags.raw ? content : withoutOuterLines(content),
    ...(thought === undefined || !flags.think ? {} : { reasoning_content: withoutOuterLines(thought) }),
    ...(collector.toolCalls.length === 0 ? {} : { tool_calls: collector.toolCalls }),
    ...(wantsTokens ? { tokens } : {}),
    ...figures(summary, loadMs),
    seed: typeof seed === "bigint" ? String(seed) : seed, // JSON has no integers beyond 2⁵³
    model: name,
  };
  return { report, summary };
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
