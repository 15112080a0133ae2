// The official SDK, which is loaded only where a server is asked for: those who use none need not install it.
import { McpError } from "./mcp-error.ts";

/** What is used of it. */
export type Sdk = Awaited<ReturnType<typeof importSdk>>;

/** @throws McpError saying what to install */
export async function loadSdk(): Promise<Sdk> {
  try {
    return await importSdk();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    throw new McpError(
      {
        subject: "MCP servers",
        expected: "the package @modelcontextprotocol/sdk beside this one",
        found: "none",
        remedy: "Install it with `npm install @modelcontextprotocol/sdk@1` (with -g if lfm2-wasm is installed so).",
      },
      { cause },
    );
  }
}

async function importSdk() {
  const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
  const { getDefaultEnvironment } = await import("@modelcontextprotocol/sdk/client/stdio.js");
  const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/sdk/client/streamableHttp.js");
  const { ReadBuffer, serializeMessage } = await import("@modelcontextprotocol/sdk/shared/stdio.js");
  const { CallToolResultSchema, ListToolsResultSchema } = await import("@modelcontextprotocol/sdk/types.js");
  return {
    Client,
    getDefaultEnvironment,
    StreamableHTTPClientTransport,
    ReadBuffer,
    serializeMessage,
    CallToolResultSchema,
    ListToolsResultSchema,
  };
}
