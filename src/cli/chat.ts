// `lfm2 chat`: a conversation in the terminal, or line by line through a pipe.
import { Command } from "commander";
import type { ChatOptions, LanguageModel } from "../index.ts";
import { createAnswerCollector } from "./answer.ts";
import { createAnswerPrinter } from "./answer-printer.ts";
import { createConversation } from "./conversation.ts";
import { describeError, Interrupted } from "./exit.ts";
import { addSchemaOption, type FormatFlags, readFormat } from "./format-options.ts";
import { greet } from "./greeting.ts";
import { createInterruptor } from "./interruptor.ts";
import { createLineReader, type LineReader } from "./line-reader.ts";
import { addModelOptions, type ModelFlags } from "./model-options.ts";
import { openModel, tokenizerOf } from "./open-model.ts";
import { addSamplingOptions, type SamplingFlags, statedLength, statedSampling } from "./sampling-options.ts";
import { runSlashCommand } from "./slash-commands.ts";
import { speedLine } from "./speed-line.ts";
import { takeAnswer } from "./take-answer.ts";
import { harmless, note } from "./terminal.ts";

interface ChatFlags extends ModelFlags, SamplingFlags, Pick<FormatFlags, "schema"> {
  readonly system?: string;
  readonly thinking: boolean;
}

const examples = `
Examples:
  $ lfm2 chat
  $ lfm2 chat -m LFM2.5-8B-A1B-Q4_K_M.gguf --system "Answer in French."
  $ lfm2 chat -m LFM2-1.2B/ --temp 0.7 --context 8192
  $ printf 'Hello!\\nWho are you?\\n' | lfm2 chat --greedy

Ctrl-C stops an answer; at an empty prompt, or twice, it quits. Ctrl-D quits. /help lists the commands.
A line that ends with \\ is continued on the next one. Answers go to standard output, everything else to standard error.`;

export function chatCommand(): Command {
  const command = new Command("chat")
    .description("talk to a model; lines from a pipe are turns, too")
    .option("--system <text>", "the system prompt")
    .option("--no-thinking", "do not show what the model thinks");
  addSamplingOptions(addModelOptions(addSchemaOption(command)));
  return command.addHelpText("after", examples).action(run);
}

async function run(flags: ChatFlags): Promise<void> {
  const lines = createLineReader();
  const interruptor = createInterruptor(lines);
  let model: LanguageModel | undefined;
  try {
    const responseFormat = await readFormat(flags);
    const opened = await interruptor.during((signal) => openModel(flags, signal));
    model = opened.model;
    tokenizerOf(opened);
    greet(opened, statedSampling(flags), { isEmbedded: flags.model === undefined, interactive: lines.interactive });
    await Promise.race([converse(model, flags, lines, interruptor.during, responseFormat), interruptor.quit]);
  } catch (error) {
    // Leaving a conversation by Ctrl-C is no failure.
    if (!(error instanceof Interrupted && lines.interactive && model !== undefined)) throw error;
  } finally {
    lines.close();
    await model?.close();
  }
}

async function converse(
  model: LanguageModel,
  flags: ChatFlags,
  lines: LineReader,
  interruptible: <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>,
  responseFormat: ChatOptions["responseFormat"],
): Promise<void> {
  const conversation = createConversation(flags.system);
  const options = { ...statedSampling(flags), ...statedLength(flags) };
  for (;;) {
    const line = await readTurn(lines);
    if (line === undefined) break;
    if (line.trim() === "") continue;
    const command = runSlashCommand(line, conversation);
    if (command === "quit") return;
    if (command === "done") continue;
    conversation.ask(line);
    const collector = createAnswerCollector();
    try {
      const sinks = [collector, createAnswerPrinter(flags.thinking)];
      const summary = await interruptible((signal) =>
        takeAnswer(
          (more) => model.chat(conversation.messages, { ...more, responseFormat }),
          { ...options, signal },
          sinks,
        ),
      );
      conversation.answered(collector.answer());
      note(speedLine(summary));
    } catch (error) {
      if (!lines.interactive || (error instanceof Error && error.name === "WorkerError")) throw error;
      if (error instanceof Interrupted) {
        conversation.answered(collector.answer());
        note("Stopped.");
      } else {
        conversation.retract();
        process.stderr.write(`error: ${harmless(process.stderr, describeError(error))}\n`);
      }
    }
    if (lines.interactive) process.stderr.write("\n");
  }
  // Ctrl-D leaves the cursor behind the prompt.
  if (lines.interactive) process.stderr.write("\n");
}

async function readTurn(lines: LineReader): Promise<string | undefined> {
  const parts: string[] = [];
  for (;;) {
    const line = await lines.next(parts.length === 0 ? "> " : "… ");
    if (line === undefined) return parts.length === 0 ? undefined : parts.join("\n");
    if (!line.endsWith("\\")) return [...parts, line].join("\n");
    parts.push(line.slice(0, -1));
  }
}
