// A server for tests, written with the SDK. `node server.mjs '{"tools": […], "stay": true}'`: each tool is
// { name, description?, parameters?, says?, takesMs?, repeat? }; with `stay` it ends for no polite request, and leaves a
// child behind; with `pids` it appends its process ids to that file.
import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { CallToolRequestSchema, ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js";

const { tools = [], stay, pids, pageSize = 1000 } = JSON.parse(process.argv[2]);
if (pids !== undefined) appendFileSync(pids, `${process.pid}\n`);
if (stay) {
  for (const name of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(name, () => {});
  setInterval(() => {}, 1000);
  const child = spawn(process.execPath, ["-e", "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"], {
    stdio: "inherit",
  });
  appendFileSync(pids, `${child.pid}\n`);
}

const server = new Server({ name: "test", version: "1" }, { capabilities: { tools: {} } });
server.setRequestHandler(ListToolsRequestSchema, ({ params }) => {
  const begin = Number(params?.cursor ?? 0);
  const page = tools.slice(begin, begin + pageSize);
  const end = begin + page.length;
  return {
    tools: page.map(({ name, description, parameters = {} }) => ({
      name,
      description,
      inputSchema: { type: "object", ...parameters },
    })),
    ...(end < tools.length && { nextCursor: String(end) }),
  };
});
server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
  const { says = "", takesMs = 0, repeat = 1 } = tools.find(({ name }) => name === params.name);
  await new Promise((resolve) => setTimeout(resolve, takesMs));
  return { content: [{ type: "text", text: says.repeat(repeat) || JSON.stringify(params.arguments) }] };
});
console.log("A greeting that is no message.");
await server.connect(new StdioServerTransport());
