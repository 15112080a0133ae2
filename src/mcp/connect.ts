// Servers, connected: what tools they have, and calls of these. No server is trusted: names, sizes and numbers of what
// it sends are bounded, and its schemas are read as data.
import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { boundedFetch } from "./bounded-fetch.ts";
import { McpError, quoted } from "./mcp-error.ts";
import { type CallResult, failed, resultText } from "./result-text.ts";
import { loadSdk, type Sdk } from "./sdk.ts";
import type { HttpServer, McpServer } from "./server-file.ts";
import { createStdioTransport, type StdioTransport } from "./stdio-transport.ts";
import { uniqueNames } from "./tool-names.ts";
import type { FunctionTool } from "./trim-tools.ts";

/** For each server to start and to list its tools: the first run of `npx` fetches a package. */
const START_MS = 60_000;
/** For a server that listens to an address to hear that a session is over. */
const GOODBYE_MS = 1000;
const MAX_PAGES = 64;
const MAX_TOOLS = 512;
const MAX_TOOL_CHARACTERS = 1 << 16;
/** Timers of a longer time go off at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface McpTool {
  readonly server: string;
  /** As its server knows it. */
  readonly name: string;
  /** As a model sees it, under a name that no other has. */
  readonly tool: FunctionTool;
}

export interface McpConnections {
  readonly tools: readonly McpTool[];
  /** Tools that cannot be offered, and why, in words. */
  readonly leftOut: readonly string[];
  /**
   * Runs a call. Whatever goes wrong becomes its result.
   * @param json  arguments, as JSON text
   * @throws the signal's reason, when it was aborted
   */
  call(
    tool: McpTool,
    json: string,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<CallResult>;
  /** Ends every session and every process that was started. */
  close(): Promise<void>;
}

interface Connection {
  readonly client: Client;
  readonly transport: Transport;
  /** What the server did wrong last. */
  fault: Error | undefined;
}

/**
 * Connects all servers side by side, and lists their tools.
 * @throws McpError naming the first that fails, with the others ended; the signal's reason, when it was aborted
 */
export async function connectServers(
  servers: readonly McpServer[],
  { version, signal }: { readonly version: string; readonly signal: AbortSignal },
): Promise<McpConnections> {
  const sdk = await loadSdk();
  const connections = new Map<string, Connection>();
  const kill = (): void => {
    for (const { transport } of connections.values()) (transport as Partial<StdioTransport>).kill?.();
  };
  process.on("exit", kill);
  const close = async (): Promise<void> => {
    await Promise.all([...connections.values()].map(disconnect));
    process.off("exit", kill);
  };
  for (const server of servers) {
    const transport =
      "command" in server ? createStdioTransport(server, sdk) : (httpTransport(server, sdk) as Transport);
    const client = new sdk.Client({ name: "lfm2-wasm", version });
    const connection: Connection = { client, transport, fault: undefined };
    client.onerror = (error) => {
      connection.fault = error;
    };
    connections.set(server.name, connection);
  }
  try {
    const listed = await Promise.all(
      [...connections].map(async ([name, connection]) => {
        try {
          await connection.client.connect(connection.transport, { timeout: START_MS, signal });
          return await listTools(name, connection.client, sdk, signal);
        } catch (error) {
          signal.throwIfAborted();
          throw startError(name, connection.fault instanceof McpError ? connection.fault : error);
        }
      }),
    );
    const found = listed.flatMap(({ tools }) => tools);
    if (found.length > MAX_TOOLS) {
      throw new McpError({ subject: "MCP servers", expected: `at most ${MAX_TOOLS} tools`, found: found.length });
    }
    const names = uniqueNames(found);
    const tools = found.map(({ server, name, description, parameters }, i) => ({
      server,
      name,
      tool: { name: names[i], ...(description !== undefined && { description }), parameters },
    }));
    return {
      tools,
      leftOut: listed.flatMap(({ leftOut }) => leftOut),
      call: ({ server, name }, json, options) =>
        callTool(connections.get(server) as Connection, name, json, sdk, options),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function httpTransport({ url, headers }: HttpServer, sdk: Sdk) {
  return new sdk.StreamableHTTPClientTransport(new URL(url), { requestInit: { headers }, fetch: boundedFetch });
}

async function disconnect({ client, transport }: Connection): Promise<void> {
  const { terminateSession } = transport as { terminateSession?(): Promise<void> };
  if (terminateSession !== undefined) {
    const late = new Promise<void>((resolve) => setTimeout(resolve, GOODBYE_MS).unref());
    await Promise.race([terminateSession.call(transport).catch(() => {}), late]);
  }
  await client.close().catch(() => {});
  await transport.close().catch(() => {}); // a client that has lost its server no longer closes it
}

function startError(name: string, error: unknown): Error {
  if (error instanceof McpError) return error;
  const said = error instanceof Error ? error : new Error(String(error));
  const why = said.cause instanceof Error ? `${said.message}: ${said.cause.message}` : said.message;
  return new McpError(
    {
      subject: `server ${quoted(name)}`,
      expected: "a server that lists its tools",
      found: quoted(why),
      remedy: 'Mend its entry, or leave it out with "disabled": true.',
    },
    { cause: error },
  );
}

interface FoundTool {
  readonly server: string;
  readonly name: string;
  readonly description: string | undefined;
  readonly parameters: Readonly<Record<string, unknown>>;
}

async function listTools(
  server: string,
  client: Client,
  sdk: Sdk,
  signal: AbortSignal,
): Promise<{ readonly tools: readonly FoundTool[]; readonly leftOut: readonly string[] }> {
  const tools = new Map<string, FoundTool>();
  const leftOut: string[] = [];
  if (client.getServerCapabilities()?.tools === undefined) return { tools: [], leftOut };
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    // Not client.listTools, which compiles the servers' schemas of results.
    const request = { method: "tools/list" as const, params: cursor === undefined ? {} : { cursor } };
    const listed = await client.request(request, sdk.ListToolsResultSchema, { timeout: START_MS, signal });
    for (const { name, description, inputSchema, execution } of listed.tools) {
      const problem = problemOf({ name, description, parameters: inputSchema }, execution?.taskSupport === "required");
      if (problem !== undefined) leftOut.push(`${quoted(name)} of server ${quoted(server)}: ${problem}`);
      else tools.set(name, { server, name, description, parameters: inputSchema });
    }
    cursor = listed.nextCursor;
    if (cursor === undefined || tools.size + leftOut.length > MAX_TOOLS) break;
  }
  return { tools: [...tools.values()], leftOut };
}

function problemOf(tool: Partial<FunctionTool> & { readonly name: string }, needsTask: boolean): string | undefined {
  if (!/^[\w.-]{1,128}$/.test(tool.name)) return "its name has other characters than letters, digits, _, - and .";
  if (JSON.stringify(tool).length > MAX_TOOL_CHARACTERS) return `more than ${MAX_TOOL_CHARACTERS} characters`;
  return needsTask ? "it runs only as a task" : undefined;
}

async function callTool(
  connection: Connection,
  name: string,
  json: string,
  sdk: Sdk,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<CallResult> {
  const timeout = Math.min(timeoutMs, MAX_TIMER_MS);
  const params = { name, arguments: JSON.parse(json) as Record<string, unknown> };
  try {
    const options = { timeout, maxTotalTimeout: timeout, signal };
    return resultText(
      await connection.client.request({ method: "tools/call", params }, sdk.CallToolResultSchema, options),
    );
  } catch (error) {
    signal.throwIfAborted();
    const { code, message, data } = error as Error & { readonly code?: number; readonly data?: unknown };
    // A server may have the same code for something else; the SDK says beside it how long it has waited.
    const { timeout: waited, maxTotalTimeout } = Object(data) as Record<string, unknown>;
    if (code === TIMED_OUT && (waited ?? maxTotalTimeout) !== undefined) {
      return failed(`no result within ${timeoutMs / 1000} seconds`);
    }
    if (connection.client.transport === undefined) {
      return failed(connection.fault?.message ?? "the server has ended");
    }
    return failed(message.slice(0, 2000));
  }
}

/** @source @modelcontextprotocol/sdk types.js, ErrorCode.RequestTimeout */
const TIMED_OUT = -32001;
