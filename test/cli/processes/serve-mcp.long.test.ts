// `lfm2 serve --mcp` from one end to the other: the question in each protocol, the tool in a process of its own.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { ending, lfm2, start, written } from "../lfm2.ts";

const folder = mkdtempSync(join(tmpdir(), "lfm2-mcp-serve-"));
afterAll(() => rmSync(folder, { recursive: true }));

const tools = [
  {
    name: "get_weather",
    description: "Get the current weather of a city",
    parameters: {
      properties: { city: { type: "string" }, unit: { type: "string", enum: ["celsius", "fahrenheit"] } },
      required: ["city"],
    },
    says: '{"city": "Paris", "temperature": 11, "condition": "clear"}',
  },
  {
    name: "set_timer",
    description: "Start a timer",
    parameters: { properties: { minutes: { type: "integer" } }, required: ["minutes"] },
  },
  { name: "delete_everything", description: "Delete everything" },
];
const servers = join(folder, "servers.json");
const script = fileURLToPath(new URL("../../mcp/server.mjs", import.meta.url));
const home = { command: process.execPath, args: [script, JSON.stringify({ tools })] };
writeFileSync(servers, JSON.stringify({ mcpServers: { home } }));

const question = "What's the weather in Paris?";
const answer = "It is 11°C and clear in Paris.";
const messages = [{ role: "user", content: question }];

describe("lfm2 serve --mcp", () => {
  it("runs the tools that --yes names, whatever the protocol, and gives out the answer alone", async () => {
    const flags = ["--greedy", "--port", "0", "--mcp", servers, "--yes", "get_weather", "set_timer"];
    const child = start(["serve", ...flags]);
    // Whatever is found wrong below.
    onTestFinished(() => {
      child.kill("SIGTERM");
    });
    const ended = ending(child);
    const [, url] = /(http:\/\/127\.0\.0\.1:\d+)\/v1/.exec(await written(child.stderr, /docs lists/)) ?? [];
    const ask = async (path: string, body: object): Promise<string> => {
      const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
      const response = await fetch(`${url}${path}`, init);
      expect(response.status).toBe(200);
      return response.text();
    };
    const { choices, usage } = JSON.parse(await ask("/v1/chat/completions", { messages }));
    expect(choices).toMatchObject([{ message: { content: answer }, finish_reason: "stop" }]);
    expect(choices[0].message).not.toHaveProperty("tool_calls");
    expect(usage.total_tokens).toBe(usage.prompt_tokens + usage.completion_tokens);
    const stream = await ask("/v1/chat/completions", { messages, stream: true });
    const chunks = [...stream.matchAll(/^data: (\{.*)$/gm)].map(([, json]) => JSON.parse(json).choices[0]);
    expect(chunks.map(({ delta }) => delta.content ?? "").join("")).toBe(answer);
    expect(chunks.at(-1).finish_reason).toBe("stop");
    const message = JSON.parse(await ask("/v1/messages", { messages, max_tokens: 200 }));
    const thinking = expect.stringMatching(/get_weather fits\.\n\nget_weather answered\./);
    const content = [
      { type: "thinking", thinking },
      { type: "text", text: answer },
    ];
    expect(message).toMatchObject({ stop_reason: "end_turn", content });
    const { output } = JSON.parse(await ask("/v1/responses", { input: question }));
    expect(output).toMatchObject([{ type: "reasoning" }, { type: "message", content: [{ text: answer }] }]);
    // A request that brings tools runs its own.
    const [, weather] = [tools[1], tools[0]].map(({ name, description, parameters }) => ({
      type: "function",
      function: { name, description, parameters: { type: "object", ...parameters } },
    }));
    const own = JSON.parse(await ask("/v1/chat/completions", { messages, tools: [weather], tool_choice: "required" }));
    expect(own.choices).toMatchObject([
      { finish_reason: "tool_calls", message: { tool_calls: [{ function: { name: "get_weather" } }] } },
    ]);
    child.kill("SIGTERM");
    const { code, stderr } = await ended;
    expect(code).toBe(0);
    expect(stderr).toMatch(/MCP: 2 tools of 1 server, /);
    // Nothing of what was asked or answered.
    expect(stderr).not.toContain("Paris");
  });

  it.each([
    [["--mcp", servers], "error: --mcp: expected names of tools after --yes, found none. Nobody is there to ask"],
    [["--yes", "x"], "error: --yes: expected --mcp FILE beside it, found none."],
    [
      ["--mcp", servers, "--yes", "x"],
      "error: --yes: expected names among get_weather, set_timer, delete_everything, found",
    ],
  ])("says what is wrong: %j", async (args, message) => {
    const ended = await lfm2(["serve", "--port", "0", ...args]);
    expect([ended.code, ended.stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});
