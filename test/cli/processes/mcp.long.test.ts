// `lfm2 chat --mcp` from one end to the other, with servers in processes of their own.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { ending, lfm2, start, written } from "../lfm2.ts";

const folder = mkdtempSync(join(tmpdir(), "lfm2-mcp-chat-"));
afterAll(() => rmSync(folder, { recursive: true }));

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const program = (file: string, ...args: string[]) => ({ command: process.execPath, args: [path(file), ...args] });
const ours = (settings: object) => program("../../mcp/server.mjs", JSON.stringify(settings));
const published = (name: string, ...args: string[]) =>
  program(`../../../node_modules/@modelcontextprotocol/server-${name}/dist/index.js`, ...args);

function file(servers: object, key = "mcpServers"): string {
  const name = join(mkdtempSync(join(folder, "servers-")), "servers.json");
  writeFileSync(name, JSON.stringify({ [key]: servers }));
  return name;
}

/** The tools that the embedded model knows, and what they say. */
const parameters = {
  properties: { city: { type: "string" }, unit: { type: "string", enum: ["celsius", "fahrenheit"] } },
  required: ["city"],
};
const weather = {
  name: "get_weather",
  description: "Get the current weather of a city",
  parameters,
  says: '{"city": "Paris", "temperature": 11, "condition": "clear"}',
};
const timer = {
  name: "set_timer",
  description: "Start a timer",
  parameters: { properties: { minutes: { type: "integer" } }, required: ["minutes"] },
};
const question = "What's the weather in Paris?\n";

const processes = (pids: string): number[] =>
  existsSync(pids) ? readFileSync(pids, "utf8").trim().split("\n").map(Number) : [];
const isAlive = (pid: number): boolean =>
  existsSync(`/proc/${pid}/status`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));

async function untilGone(pids: readonly number[]): Promise<void> {
  for (let tries = 0; tries < 100 && pids.some(isAlive); tries++) await new Promise((go) => setTimeout(go, 50));
  expect(pids.filter(isAlive)).toEqual([]);
}

async function remembered(args: readonly string[]) {
  const saved = join(folder, "c.json");
  const ended = await lfm2(["chat", "--greedy", ...args], { stdin: `${question}/save -f ${saved}\n` });
  const messages = existsSync(saved) ? JSON.parse(readFileSync(saved, "utf8")) : [];
  rmSync(saved, { force: true });
  return { ...ended, said: messages[2]?.content, answer: messages[3]?.content };
}

describe("lfm2 chat --mcp", () => {
  it("runs what --yes names, and the model reads the result", async () => {
    const pids = join(folder, "pids");
    const servers = file({ home: ours({ tools: [weather, timer], pids }), off: { command: "no", disabled: true } });
    const { code, stderr, said, answer } = await remembered(["--mcp", servers, "--yes", "get_weather", "set_timer"]);
    expect([code, said, answer]).toEqual([0, weather.says, "It is 11°C and clear in Paris."]);
    expect(stderr).toMatch(/MCP: 2 tools of 1 server, \d+ tokens of a context of 4096\.\n/);
    expect(stderr).toContain(`get_weather: ${weather.says}\n`);
    await untilGone(processes(pids));
  });

  it("runs nothing else where nobody can be asked; the model is told", async () => {
    const servers = file({ home: ours({ tools: [weather, timer] }) }, "servers");
    const { said } = await remembered(["--mcp", servers, "--yes", "set_timer"]);
    expect(said).toBe("error: not run, nobody is there to allow it, and --yes does not name get_weather");
  });

  it("tells the model of a call that takes too long, and of one that does not fit its schema", async () => {
    const slow = file({ home: ours({ tools: [{ ...weather, takesMs: 20_000 }, timer] }) });
    const { said } = await remembered(["--mcp", slow, "--yes", "get_weather", "--tool-timeout", "1"]);
    expect(said).toBe("error: no result within 1 seconds");
    const strict = { ...weather, parameters: { ...parameters, required: ["city", "unit"] } };
    const misfit = await remembered([
      "--mcp",
      file({ home: ours({ tools: [strict, timer] }) }),
      "--yes",
      "get_weather",
    ]);
    expect(misfit.said).toBe("error: unit: expected a string, found nothing.");
  });

  it("takes two servers whose tools have the same name", async () => {
    const server = ours({ tools: [weather] });
    const { stderr, code } = await remembered(["--mcp", file({ here: server, there: server }), "--yes", "get_weather"]);
    expect(code).toBe(2);
    expect(stderr).toContain(
      'error: --yes: expected names among here_get_weather, there_get_weather, found "get_weather".',
    );
  });

  it.each([
    [["--mcp", "no.json"], 1, "error: no.json: expected a list of MCP servers as JSON, found ENOENT."],
    [["--mcp", file({ a: { command: "x", args: "y" } })], 1, 'server "a", args: expected a list, found a text.'],
    [
      ["--mcp", file({ a: { command: "./none" } })],
      1,
      'error: server "a": expected a command that can be run, found ./none',
    ],
    [["--mcp", "x", "--tools", "y"], 2, "option '--mcp <file>' cannot be used with option '--tools <file>'"],
    [["--yes", "x"], 2, "error: --yes: expected --mcp FILE beside it, found none."],
  ])("says what is wrong: %j", async (args, code, message) => {
    const ended = await lfm2(["chat", ...args]);
    expect(ended.stderr).toContain(message);
    expect(ended.code).toBe(code);
  });

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("leaves no process behind after %s, whatever the servers do", async (signal, expected) => {
    const pids = join(folder, signal);
    const servers = file({ home: ours({ tools: [{ ...weather, takesMs: 60_000 }, timer], pids, stay: true }) });
    const child = start(["chat", "--greedy", "--mcp", servers, "--yes", "get_weather"]);
    const ended = ending(child);
    child.stdin.write(question);
    await written(child.stdout, /get_weather/);
    expect(processes(pids).map(isAlive)).toEqual([true, true]);
    child.kill(signal);
    expect((await ended).code).toBe(expected);
    await untilGone(processes(pids));
  });
});

describe("many tools", () => {
  const short = "Looks something up. ";
  const described = (name: string) => ({ name, description: short + "It takes as long as it takes. ".repeat(4) });
  const servers = Object.fromEntries(
    Array.from({ length: 13 }, (_, i) => [
      `s${i}`,
      ours({ tools: Array.from({ length: i < 2 ? 6 : 5 }, (_, j) => described(`t${i}_${j}`)) }),
    ]),
  );
  /** Standard error says how many tokens they take, as they came and shortened. */
  const tokensIn = (text: string): number[] => (text.match(/\d+(?= (tokens of a|without leaving))/g) ?? []).map(Number);

  it("67 on 13 servers are shortened, or refused with the numbers, which larger contexts mend", async () => {
    const args = ["chat", "--greedy", "--mcp", file(servers)];
    const refused = await lfm2([...args, "-c", "1024"], { stdin: "" });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(
      /error: 67 tools of MCP servers: expected at most 512 tokens, half of the context of 1024, found \d+, and \d+ with shortened descriptions \(s\d+ \d+ with 6, .*\)\. Open the model with a larger --context, or leave out servers\.\n/,
    );
    const { stderr, code } = await lfm2(args, { stdin: "" });
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /MCP: 67 tools of 13 servers, \d+ tokens of a context of 4096, \d+ without leaving out descriptions of parameters and what follows the first sentence of descriptions\.\n/,
    );
    const [after, before] = tokensIn(stderr);
    expect(after).toBeLessThanOrEqual(2048);
    expect(before).toBeGreaterThan(2048);
  });

  it("of a published server are shortened so that half of the context is left", async () => {
    const args = ["chat", "--greedy", "--mcp", file({ files: published("filesystem", folder) })];
    const { stderr, code } = await lfm2(args, { stdin: "" });
    expect(code).toBe(0);
    expect(stderr).toMatch(/MCP: 14 tools of 1 server, \d+ tokens of a context of 4096, \d+ without leaving out/);
    expect(tokensIn(stderr)[0]).toBeLessThanOrEqual(2048);
  });
});
