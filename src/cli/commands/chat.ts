// `lfm2 chat`: a conversation in the terminal, or line by line through a pipe.
import { Command } from "commander";
import { createConversation } from "../../conversation/conversation.ts";
import { type Interruptible, MAX_ROUNDS, type ResultsOf, takeTurn } from "../../conversation/turn.ts";
import type { ChatOptions, LanguageModel, Summary } from "../../index.ts";
import type { McpFlags, McpTools } from "../conversation/mcp-tools.ts";
import { runSlashCommand } from "../conversation/slash-commands.ts";
import { addMcpOptions, addToolOptions, readTools, type ToolFlags } from "../conversation/tool-options.ts";
import { createResultsOf } from "../conversation/tool-results.ts";
import { describeError, Interrupted, UsageError } from "../exit.ts";
import { openModel, tokenizerOf } from "../files/open-model.ts";
import { addSchemaOption, type FormatFlags, readFormat } from "../options/format-options.ts";
import { addModelOptions, type ModelFlags } from "../options/model-options.ts";
import { aboutFlags } from "../options/option-values.ts";
import { addSamplingOptions, type SamplingFlags, statedRun, statedSampling } from "../options/sampling-options.ts";
import { createAnswerPrinter } from "../terminal/answer-printer.ts";
import { greet } from "../terminal/greeting.ts";
import { createInterruptor } from "../terminal/interruptor.ts";
import type { LineReader } from "../terminal/line-reader.ts";
import { createPrefillProgress } from "../terminal/prefill-progress.ts";
import { createStatistics, speedLine } from "../terminal/speed-line.ts";
import { createLineReader } from "../terminal/standard-input.ts";
import { harmless, note } from "../terminal/terminal.ts";

interface ChatFlags extends ModelFlags, SamplingFlags, ToolFlags, McpFlags, Pick<FormatFlags, "schema"> {
  readonly system?: string;
  readonly think: boolean;
}

const examples = `
Examples:
  $ lfm2 chat
  $ lfm2 chat -m LFM2.5-8B-A1B-Q4_K_M.gguf --system "Answer in French."
  $ lfm2 chat -m LFM2-1.2B/ --temp 0.7 --context 8192
  $ lfm2 chat --tools tools.json --tool-cmd ./run-tool.sh
  $ lfm2 chat -m LFM2-8B-A1B-Q4_0.gguf --mcp servers.json --yes read_text_file list_directory
  $ printf 'Hello!\\nWho are you?\\n' | lfm2 chat --greedy

Ctrl-C stops an answer; at an empty prompt, or twice, it quits with exit code 0, as Ctrl-D and /quit do; before the
first prompt, or with lines from a pipe, the code is 130. /help lists the commands.
A line that ends with \\ is continued on the next one. Answers go to standard output, everything else to standard error.`;

export function chatCommand(): Command {
  const command = new Command("chat")
    .description("talk to a model; lines from a pipe are turns, too")
    .option("--system <text>", "the system prompt")
    .option("--no-think", "do not show what the model thinks");
  addSamplingOptions(addModelOptions(addSchemaOption(addMcpOptions(addToolOptions(command)))));
  return command.addHelpText("after", examples).action(run);
}

async function run(flags: ChatFlags): Promise<void> {
  const tools = await readTools(flags);
  const lines = createLineReader();
  const interruptor = createInterruptor(lines);
  let model: LanguageModel | undefined;
  let mcp: McpTools | undefined;
  try {
    const responseFormat = await readFormat(flags);
    mcp = await startMcp(flags, lines, interruptor.during);
    const opened = await interruptor.during((signal) => openModel(flags, signal));
    model = opened.model;
    await tokenizerOf(opened);
    greet(opened, statedSampling(flags), { isEmbedded: flags.model === undefined, interactive: lines.interactive });
    const offered = mcp === undefined ? tools : await mcp.toolsFor(model);
    const resultsOf = mcp?.resultsFor(interruptor.during) ?? createResultsOf(flags, lines, interruptor.during);
    await Promise.race([
      converse(model, flags, { tools: offered, responseFormat }, resultsOf, lines, interruptor.during),
      interruptor.quit,
    ]);
  } catch (error) {
    // Leaving a conversation by Ctrl-C is not a failure.
    if (!(error instanceof Interrupted && lines.interactive && model !== undefined)) throw error;
  } finally {
    lines.close();
    await Promise.all([model?.close(), mcp?.close()]);
  }
}

async function startMcp(
  flags: ChatFlags,
  lines: LineReader,
  interruptible: Interruptible,
): Promise<McpTools | undefined> {
  const { mcp } = flags;
  if (mcp === undefined) {
    if (flags.yes === undefined) return undefined;
    throw new UsageError({ subject: "--yes", expected: "--mcp FILE beside it", found: "none" });
  }
  // What it takes is loaded for those who ask for it.
  const { openMcp } = await import("../conversation/mcp-tools.ts");
  return openMcp({ ...flags, mcp }, lines, interruptible);
}

async function converse(
  model: LanguageModel,
  flags: ChatFlags,
  asked: Pick<ChatOptions, "tools" | "responseFormat">,
  resultsOf: ResultsOf | undefined,
  lines: LineReader,
  interruptible: Interruptible,
): Promise<void> {
  const conversation = createConversation(flags.system);
  const statistics = createStatistics();
  const progress = createPrefillProgress();
  const turn = {
    model,
    conversation,
    options: { ...statedSampling(flags), ...statedRun(flags), ...asked, onProgress: progress.onProgress },
    resultsOf,
    interruptible,
    sinks: () => [progress.sink, createAnswerPrinter(flags.think)],
    onAnswer(summary: Summary) {
      statistics.add(summary);
      note(speedLine(summary));
    },
  };
  const used = async (): Promise<number> =>
    conversation.messages.length === 0
      ? 0
      : (await model.encodeChat(conversation.messages, { tools: asked.tools })).length;
  for (;;) {
    const line = await readTurn(lines);
    if (line === undefined) break;
    if (line.trim() === "") continue;
    const command = await runSlashCommand(line, conversation, async () =>
      statistics.lines(await used(), model.settings.contextLength),
    );
    if (command === "quit") return;
    if (command === "done") continue;
    conversation.ask(line);
    try {
      if ((await takeTurn(turn)) === "too many rounds") {
        note(`Stopped: the model has called tools ${MAX_ROUNDS + 1} times in a row.`);
      }
    } catch (thrown) {
      const error = aboutFlags(thrown); // which ids there are, say, the model knows
      if (!lines.interactive || (error instanceof Error && error.name === "WorkerError")) throw error;
      if (error instanceof Interrupted) note("Stopped.");
      else {
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
