// Tools of MCP servers, in a chat or behind a server: what the model is told of them, who allows a call, and the calls.
import { readFileSync } from "node:fs";
import { plainJson } from "../../chat/exact-json.ts";
import { failure, resultOfProblems } from "../../conversation/call-results.ts";
import type { Interruptible, ResultsOf } from "../../conversation/turn.ts";
import type { LanguageModel, ToolCallDelta } from "../../index.ts";
import { connectServers, type McpConnections, type McpTool } from "../../mcp/connect.ts";
import { readServers } from "../../mcp/server-file.ts";
import { type FunctionTool, trimTools } from "../../mcp/trim-tools.ts";
import { UsageError } from "../exit.ts";
import { errorInFile, readJson } from "../files/text-input.ts";
import type { LineReader } from "../terminal/line-reader.ts";
import { harmless, note } from "../terminal/terminal.ts";
import { showResult } from "./tool-results.ts";

export interface McpFlags {
  readonly mcp?: string;
  readonly yes?: readonly string[];
  readonly toolTimeout: number;
}

/** Of a call's arguments in the question whether to run it; they have been shown whole before. */
const MAX_ASKED = 200;

export interface McpTools {
  /**
   * The tools as the model gets them; says on standard error what was left out.
   * @throws McpError when they take too much of the context
   */
  toolsFor(model: LanguageModel): Promise<readonly FunctionTool[]>;
  /** @param interruptible  what ends the calls of a turn */
  resultsFor(interruptible: Interruptible): ResultsOf;
  close(): Promise<void>;
}

/**
 * Starts the servers that the file names.
 * @param lines  of the person who is asked, and who sees results; undefined: nobody is there, and no tool is offered but
 *               those that --yes names
 * @throws InputError about the file; McpError about a server; UsageError when --yes names no tool of theirs
 */
export async function openMcp(
  { mcp: path, yes = [], toolTimeout }: McpFlags & { readonly mcp: string },
  lines: LineReader | undefined,
  interruptible: Interruptible,
): Promise<McpTools> {
  const servers = await serversIn(path);
  const connections = await interruptible((signal) => connectServers(servers, { version: ownVersion(), signal }));
  const tools = new Map(connections.tools.map((tool) => [tool.tool.name, tool]));
  const unknown = yes.find((name) => !tools.has(name));
  if (unknown !== undefined) {
    await connections.close();
    throw new UsageError({
      subject: "--yes",
      expected: `names among ${[...tools.keys()].join(", ") || "none, as the servers have no tools"}`,
      found: JSON.stringify(unknown),
    });
  }
  const allowed = new Set(yes);
  const offered =
    lines === undefined ? connections.tools.filter(({ tool }) => allowed.has(tool.name)) : connections.tools;
  return {
    toolsFor: (model) => toolsFor(model, { ...connections, tools: offered }, servers.length),
    resultsFor: (interruptible) => (calls) =>
      results(calls, { tools, allowed, connections, lines, interruptible, toolTimeout }),
    close: connections.close,
  };
}

function ownVersion(): string {
  return JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")).version;
}

async function serversIn(path: string) {
  const found = await readJson(path, "a list of MCP servers");
  try {
    return readServers(plainJson(found), process.env);
  } catch (error) {
    throw errorInFile(path, error);
  }
}

async function toolsFor(
  model: LanguageModel,
  { tools, leftOut }: McpConnections,
  servers: number,
): Promise<readonly FunctionTool[]> {
  const length = async (list: readonly FunctionTool[]): Promise<number> =>
    (await model.encodeChat([{ role: "user", content: "" }], { tools: list.length === 0 ? undefined : list })).length;
  const empty = await length([]);
  const serverOf = new Map(tools.map(({ server, tool }) => [tool.name, server]));
  const { contextLength } = model.settings;
  const trimmed = await trimTools(
    tools.map(({ tool }) => tool),
    contextLength,
    async (list) => (await length(list)) - empty,
    (tool) => serverOf.get(tool.name) as string,
  );
  for (const text of leftOut) note(`MCP: left out ${text}.`);
  const { tokens, tokensBefore } = trimmed;
  const before =
    trimmed.leftOut.length === 0 ? "" : `, ${tokensBefore} without leaving out ${trimmed.leftOut.join(" and ")}`;
  note(
    `MCP: ${counted(tools.length, "tool")} of ${counted(servers, "server")}, ` +
      `${tokens} tokens of a context of ${contextLength}${before}.`,
  );
  return trimmed.tools;
}

interface Running {
  readonly tools: ReadonlyMap<string, McpTool>;
  /** Tools that need no asking; more get there as a person says so. */
  readonly allowed: Set<string>;
  readonly connections: McpConnections;
  readonly lines: LineReader | undefined;
  readonly interruptible: Interruptible;
  readonly toolTimeout: number;
}

/** Asks about one call after another, then runs all that may run side by side. */
async function* results(calls: readonly ToolCallDelta[], running: Running): AsyncIterable<string> {
  const { tools, connections, lines, interruptible, toolTimeout } = running;
  const refusals: (string | undefined)[] = [];
  for (const call of calls) {
    const refused = resultOfProblems(call) ?? (await refusal(call, running));
    if (refused === "gone") return;
    refusals.push(refused);
  }
  const done = await interruptible((signal) =>
    Promise.all(
      calls.map(async ({ function: { name, arguments: json } }, i) => {
        const refused = refusals[i];
        const options = { timeoutMs: toolTimeout * 1000, signal };
        const result =
          refused === undefined
            ? await connections.call(tools.get(name) as McpTool, json, options)
            : { content: refused, failed: true };
        if (lines !== undefined) showResult(name, result);
        return result.content;
      }),
    ),
  );
  yield* done;
}

/** @returns why the call is not run; `gone` when the person has left; undefined: it may run */
async function refusal(
  { function: called }: ToolCallDelta,
  { tools, allowed, lines }: Running,
): Promise<string | undefined> {
  const { name } = called;
  const tool = tools.get(name);
  if (tool === undefined) return failure(`not run, there is no tool ${name}`);
  if (allowed.has(name)) return undefined;
  if (lines?.interactive !== true)
    return failure(`not run, nobody is there to allow it, and --yes does not name ${name}`);
  const json = called.arguments.length > MAX_ASKED ? `${called.arguments.slice(0, MAX_ASKED)}…` : called.arguments;
  const question = `Run ${name} ${json} on server ${tool.server}? y(es), n(o), a(lways): `;
  for (;;) {
    const line = await lines.next(harmless(process.stderr, question).replace(/\s+/g, " "));
    switch (line?.trim().toLowerCase()) {
      case undefined:
        return "gone";
      case "a":
      case "always":
        allowed.add(name);
        return undefined;
      case "y":
      case "yes":
        return undefined;
      case "n":
      case "no":
        return failure("not run, the user said no");
    }
  }
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;
