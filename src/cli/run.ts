// `lfm2 run`: one prompt, one answer.
import { Command } from "commander";
import type { AnswerDelta, ChatMessage, ChatOptions, LanguageModel, Summary } from "../index.ts";
import { freshSeed } from "../sampling/random.ts";
import { createAnswerCollector } from "./answer.ts";
import { createAnswerPrinter, createTextPrinter } from "./answer-printer.ts";
import { abortOnInterrupt } from "./exit.ts";
import { addFormatOptions, type FormatFlags, readFormat } from "./format-options.ts";
import { addModelOptions, type ModelFlags } from "./model-options.ts";
import { openModel, tokenizerOf } from "./open-model.ts";
import { readPrompt } from "./prompt.ts";
import { addSamplingOptions, type SamplingFlags, statedLength, statedSampling } from "./sampling-options.ts";
import { computationLine, samplingLine } from "./settings-line.ts";
import { speedLine, tokensPerSecond } from "./speed-line.ts";
import { type AnswerSink, takeAnswer } from "./take-answer.ts";
import { note } from "./terminal.ts";

interface RunFlags extends ModelFlags, SamplingFlags, FormatFlags {
  readonly prompt?: string;
  readonly file?: string;
  readonly system?: string;
  readonly raw?: true;
  readonly thinking: boolean;
  readonly json?: true;
}

const examples = `
Examples:
  $ lfm2 run -p "How many experts does LFM2 have?"
  $ lfm2 run -p "Summarize this:" -f notes.txt --no-thinking
  $ git diff | lfm2 run -m LFM2.5-8B-A1B-Q4_K_M.gguf -p "Write a commit message for:"
  $ lfm2 run --raw -p "Once upon a time" -n 100
  $ lfm2 run -p "Hello!" --greedy --json
  $ lfm2 run -p "Is 7 prime?" --choice yes --choice no
  $ lfm2 run -p "Describe a cat." --schema animal.json

The answer goes to standard output, everything else to standard error.`;

export function runCommand(): Command {
  const command = new Command("run")
    .description("answer one prompt; text on standard input is added to it")
    .option("-p, --prompt <text>", "the prompt")
    .option("-f, --file <path>", "a file to read it from; with -p, what the file says comes after")
    .option("--system <text>", "the system prompt");
  command.addOption(
    command.createOption("--raw", "continue the text as it is, without a chat template").conflicts(["system"]),
  );
  command
    .option("--no-thinking", "do not show what the model thinks")
    .option("--json", "print one JSON object instead of text");
  addSamplingOptions(addModelOptions(addFormatOptions(command)));
  return command.addHelpText("after", examples).action(run);
}

async function run(flags: RunFlags): Promise<void> {
  const signal = abortOnInterrupt();
  const prompt = await orAborted(readPrompt(flags.prompt, flags.file), signal);
  const responseFormat = await readFormat(flags);
  const opened = await openModel(flags, signal);
  const { model, name, loadMs } = opened;
  try {
    tokenizerOf(opened);
    const stated = statedSampling(flags);
    // Drawn here, so that it can be told and the answer repeated.
    const seed = flags.seed ?? freshSeed();
    const isRandom = { ...model.recommended.sampling, ...stated }.temperature !== 0;
    const settings = `${computationLine(model.settings)} · ${samplingLine(model.recommended, stated)}`;
    note(isRandom ? `${settings} · seed ${seed}` : settings);

    const collector = createAnswerCollector();
    const sinks: AnswerSink[] = [collector];
    if (!flags.json) sinks.push(flags.raw ? createTextPrinter() : createAnswerPrinter(flags.thinking));
    const options = { ...stated, seed, ...statedLength(flags), signal };
    const summary = await takeAnswer(
      (more) => answer(model, prompt, flags, { ...more, responseFormat }),
      options,
      sinks,
    );
    note(speedLine(summary));
    if (flags.json) {
      const { text, ...rest } = collector.answer();
      const report = {
        text: flags.raw ? collector.written() : text,
        ...rest,
        ...figures(summary, loadMs),
        seed: typeof seed === "bigint" ? String(seed) : seed, // JSON has no integers beyond 2⁵³
        model: name,
      };
      process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    }
  } finally {
    await model.close();
  }
}

async function* answer(
  model: LanguageModel,
  prompt: string,
  { raw, system }: RunFlags,
  options: ChatOptions,
): AsyncGenerator<AnswerDelta, void> {
  if (raw) {
    for await (const text of model.complete(prompt, options)) yield { kind: "text", text, part: 0 };
    return;
  }
  const messages: ChatMessage[] = [{ role: "user", content: prompt }];
  if (system !== undefined) messages.unshift({ role: "system", content: system });
  yield* model.chat(messages, options);
}

function figures(summary: Summary, loadMs: number) {
  const { promptTokens, newTokens, prefillMs, decodeMs, finishReason } = summary;
  const speed = tokensPerSecond(summary);
  return {
    usage: { promptTokens, newTokens },
    timings: {
      loadMs: rounded(loadMs),
      prefillMs: rounded(prefillMs),
      decodeMs: rounded(decodeMs),
      tokensPerSecond: speed === undefined ? null : rounded(speed),
    },
    finishReason,
  };
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
