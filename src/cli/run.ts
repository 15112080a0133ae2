// `lfm2 run`: one prompt, one answer.
import { Command } from "commander";
import type { AnswerDelta, ChatMessage, LanguageModel, Summary } from "../index.ts";
import { createAnswerCollector, createAnswerPrinter } from "./answer-printer.ts";
import { abortOnInterrupt } from "./exit.ts";
import { addModelOptions, type ModelFlags } from "./model-options.ts";
import { createPrefillProgress, openModel } from "./open-model.ts";
import { readPrompt } from "./prompt.ts";
import { addSamplingOptions, type SamplingFlags, seededSampling } from "./sampling-options.ts";
import { computationLine, samplingLine } from "./settings-line.ts";
import { speedLine, tokensPerSecond } from "./speed-line.ts";
import { harmless, note } from "./terminal.ts";

interface RunFlags extends ModelFlags, SamplingFlags {
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
  addSamplingOptions(addModelOptions(command));
  return command.addHelpText("after", examples).action(run);
}

async function run(flags: RunFlags): Promise<void> {
  const signal = abortOnInterrupt();
  const prompt = await orAborted(readPrompt(flags.prompt, flags.file), signal);
  const sampling = seededSampling(flags);
  const { model, name, loadMs } = await openModel(flags, signal);
  try {
    if (model.tokenizer === undefined) {
      throw new Error(`${name}: expected a tokenizer in the model's files, found none. Use lfm2 logits --ids.`);
    }
    const { seed, ...stated } = sampling;
    const isRandom = { ...model.recommended.sampling, ...stated }.temperature !== 0;
    const settings = [computationLine(model.settings), samplingLine(model.recommended, stated)];
    if (isRandom) settings.push(`seed ${seed}`);
    note(settings.join(" · "));

    const collector = createAnswerCollector();
    const printer = flags.raw ? createRawPrinter() : createAnswerPrinter(flags.thinking);
    let written = "";
    let summary: Summary | undefined;
    const progress = createPrefillProgress();
    const options = {
      ...sampling,
      ...(flags.maxTokens === undefined ? {} : { maxTokens: flags.maxTokens }),
      signal,
      onProgress: progress.onProgress,
      onFinish(finished: Summary) {
        summary = finished;
      },
    };
    try {
      for await (const piece of answer(model, prompt, flags, options)) {
        progress.clear();
        collector.push(piece);
        written += piece.text;
        if (!flags.json) printer.push(piece);
      }
    } finally {
      progress.clear();
      if (!flags.json) printer.end();
    }
    if (summary === undefined) return;
    note(speedLine(summary));
    if (flags.json) {
      const { text, ...rest } = collector.answer();
      const report = { text: flags.raw ? written : text, ...rest, ...figures(summary, loadMs), seed: jsonSeed(seed), model: name };
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
  options: Parameters<LanguageModel["complete"]>[1],
): AsyncGenerator<AnswerDelta, void> {
  if (raw) {
    for await (const text of model.complete(prompt, options)) yield { kind: "text", text, part: 0 };
    return;
  }
  const messages: ChatMessage[] = [{ role: "user", content: prompt }];
  if (system !== undefined) messages.unshift({ role: "system", content: system });
  yield* model.chat(messages, options);
}

/** A continuation to the letter: its spaces and newlines belong to the text it continues. */
function createRawPrinter(): ReturnType<typeof createAnswerPrinter> {
  const { stdout } = process;
  let last = "\n";
  return {
    push({ text }) {
      stdout.write(harmless(stdout, text));
      if (text !== "") last = text;
    },
    end() {
      if (!last.endsWith("\n")) stdout.write("\n");
    },
  };
}

function figures(summary: Summary, loadMs: number) {
  const { promptTokens, newTokens, prefillMs, decodeMs, finishReason } = summary;
  return {
    usage: { promptTokens, newTokens },
    timings: { loadMs, prefillMs, decodeMs, tokensPerSecond: tokensPerSecond(summary) ?? null },
    finishReason,
  };
}

/** JSON has no integers beyond 2⁵³; a longer seed is a string. */
function jsonSeed(seed: number | bigint): number | string {
  return typeof seed === "bigint" ? String(seed) : seed;
}

/** Ctrl-C while standard input is read. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}
