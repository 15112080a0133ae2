// `lfm2 serve`: the model for programs that speak OpenAI's or Anthropic's protocols.
import { readFileSync } from "node:fs";
import { Command, Option } from "commander";
import { createApp, type LogEntry, MOST_BODY_BYTES, MOST_WAITING } from "../../server/app.ts";
import { isLoopback } from "../../server/http/doors.ts";
import type { Listening } from "../../server/node-listen.ts";
import type { McpFlags, McpTools } from "../conversation/mcp-tools.ts";
import { UsageError } from "../exit.ts";
import { openModel, tokenizerOf } from "../files/open-model.ts";
import { type AddressFlags, addAddressOptions, listenAt } from "../options/address-options.ts";
import { addModelOptions, addParallelOptions, type ModelFlags } from "../options/model-options.ts";
import { byteCount, integerOf } from "../options/option-values.ts";
import { addSamplingOptions, type SamplingFlags, statedRun, statedSampling } from "../options/sampling-options.ts";
import { abortOnInterrupt } from "../signals.ts";
import { computationLine } from "../terminal/settings-line.ts";
import { note } from "../terminal/terminal.ts";

interface ServeFlags extends ModelFlags, SamplingFlags, McpFlags, AddressFlags {
  readonly alias?: string;
  readonly strictModel?: true;
  readonly apiKey?: string;
  readonly insecure?: true;
  readonly cors?: readonly string[];
  readonly queue: number;
  readonly maxBody: number;
  readonly quiet?: true;
}

const PORT = 9931;
const GRACE_MS = 30_000;

const examples = `
Examples:
  $ lfm2 serve
  $ lfm2 serve -m hf:LiquidAI/LFM2-8B-A1B-GGUF:Q4_0 --alias lfm2
  $ lfm2 serve --mcp servers.json --yes read_text_file list_directory
  $ curl http://127.0.0.1:${PORT}/v1/chat/completions -H "Content-Type: application/json" \\
      -d '{"messages": [{"role": "user", "content": "Hello!"}]}'
  $ OPENAI_BASE_URL=http://127.0.0.1:${PORT}/v1 OPENAI_API_KEY=none your-program
  $ ANTHROPIC_BASE_URL=http://127.0.0.1:${PORT} ANTHROPIC_API_KEY=none your-program

With --mcp the server runs the tools that --yes names, for requests that bring no tools of their own.
GET /docs lists the endpoints. Options of sampling are what requests leave open. Ctrl-C ends the server when the requests
under way have been answered; so does SIGTERM. Twice, it ends at once.`;

export function serveCommand(): Command {
  const command = new Command("serve").description("answer programs that speak OpenAI's or Anthropic's protocols");
  addAddressOptions(command, PORT, "where to listen; beyond this machine only with --api-key or --insecure")
    .option("--alias <name>", "what the model is called")
    .option("--strict-model", "refuse requests that name another model")
    .addOption(new Option("--api-key <key>", "what clients have to send").env("LFM2_API_KEY"))
    .option("--insecure", "let everyone in who reaches --host")
    .option("--cors <origin...>", "origins of web pages that may use the server; * for all")
    .addOption(
      new Option("--queue <count>", "requests that may wait")
        .argParser(integerOf("--queue", 0, 10_000))
        .default(MOST_WAITING),
    )
    .addOption(
      new Option("--max-body <bytes>", "longest request")
        .argParser(byteCount("--max-body"))
        .default(MOST_BODY_BYTES, "16M"),
    )
    .option("--quiet", "print no line for each request")
    .option("--mcp <file>", "MCP servers whose tools this server runs for requests without tools; those of --yes alone")
    .option("--yes <name...>", "tools of these servers that may run; nobody is there to ask")
    .option("--tool-timeout <seconds>", "how long a call of a tool may take", integerOf("--tool-timeout", 1), 60);
  addSamplingOptions(addParallelOptions(addModelOptions(command)));
  return command.addHelpText("after", examples).action(run);
}

async function run(flags: ServeFlags): Promise<void> {
  const { host, apiKey } = flags;
  // As an unset variable of a container comes: everybody would know that key.
  if (apiKey === "") {
    throw new UsageError({
      subject: "--api-key",
      expected: "a key",
      found: "an empty one",
      remedy: "Set it, or leave it out.",
    });
  }
  if (!isLoopback(host) && apiKey === undefined && !flags.insecure) {
    throw new UsageError({
      subject: "--host",
      expected: "a key beside an address that other machines reach",
      found: host,
      remedy: "Add --api-key, or --insecure to let everyone in.",
    });
  }
  const interrupt = abortOnInterrupt(["SIGINT", "SIGTERM"]);
  const mcp = await startMcp(flags, interrupt);
  const opened = await openModel(flags, interrupt).catch(async (error: unknown) => {
    await mcp?.close();
    throw error;
  });
  const ended = new AbortController();
  let listening: Listening | undefined;
  try {
    await tokenizerOf(opened);
    const app = createApp(opened.model, {
      host,
      apiKey,
      cors: flags.cors ?? [],
      name: flags.alias ?? opened.name,
      strictModel: flags.strictModel,
      defaults: { ...statedSampling(flags), ...statedRun(flags) },
      mostWaiting: flags.queue,
      mostBodyBytes: flags.maxBody,
      version: versionOf(),
      signal: ended.signal,
      ...(mcp && { tools: { tools: await mcp.toolsFor(opened.model), resultsFor: mcp.resultsFor } }),
      log: flags.quiet ? undefined : writeLog,
    });
    listening = await listenAt(app, flags);
    note(computationLine(opened.model.settings));
    note(`${flags.alias ?? opened.name} at ${listening.url}/v1; ${listening.url}/docs lists the endpoints.`);
    await untilAborted(interrupt);
    note("Ending when the requests under way have been answered; Ctrl-C ends at once.");
    await listening.close(GRACE_MS);
  } finally {
    ended.abort(new DOMException("The server ends.", "AbortError"));
    await Promise.all([opened.model.close(), mcp?.close()]);
  }
}

async function startMcp({ mcp, yes, ...flags }: ServeFlags, signal: AbortSignal): Promise<McpTools | undefined> {
  if (mcp === undefined && yes === undefined) return undefined;
  if (mcp === undefined || yes === undefined) {
    const [subject, expected, remedy] =
      mcp === undefined
        ? ["--yes", "--mcp FILE beside it", ""]
        : ["--mcp", "names of tools after --yes", "Nobody is there to ask, so that no other tool runs."];
    throw new UsageError({ subject, expected, found: "none", remedy });
  }
  // What it takes is loaded for those who ask for it.
  const { openMcp } = await import("../conversation/mcp-tools.ts");
  return openMcp({ ...flags, mcp, yes }, undefined, (work) => work(signal));
}

/** One line of JSON; nothing of what was asked or answered. */
function writeLog(entry: LogEntry): void {
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function versionOf(): string {
  return JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")).version;
}
