// `lfm2 chat` in a terminal: what it shows, colours and asks for.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { command, environment, nanoGolden } from "../lfm2.ts";

/** util-linux's script gives a process a terminal. */
const hasScript = spawnSync("script", ["--version"]).status === 0;

describe.skipIf(!hasScript)("lfm2 chat in a terminal (needs util-linux's script)", () => {
  const CTRL_C = "\x03";
  const CTRL_D = "\x04";

  function terminal(args: readonly string[], env: Record<string, string> = {}) {
    const line = [...command, ...args].map((part) => `'${part}'`).join(" ");
    const child = spawn("script", ["-qefc", line, "/dev/null"], { env: environment({ TERM: "xterm", ...env }) });
    let screen = "";
    let looked = 0;
    let changed = (): void => {};
    child.stdout.setEncoding("utf8").on("data", (text) => {
      screen += text;
      changed();
    });
    const ended = new Promise<number | null>((resolve) => {
      child.on("close", (code) => {
        resolve(code);
        changed();
      });
    });
    return {
      type: (keys: string | Buffer) => child.stdin.write(keys),
      ended,
      screen: () => screen,
      /** Waits until something new on the screen matches. */
      async sees(pattern: RegExp): Promise<void> {
        for (;;) {
          const found = pattern.exec(screen.slice(looked));
          if (found) {
            looked += found.index + found[0].length;
            return;
          }
          if (child.exitCode !== null)
            throw new Error(`expected ${pattern}, found ${JSON.stringify(screen.slice(looked))}`);
          await new Promise<void>((resolve) => {
            changed = resolve;
          });
        }
      },
    };
  }

  it("greets, thinks dimmed, answers, and leaves on Ctrl-D", async () => {
    const { type, sees, ended, screen } = terminal(["chat", "--greedy"]);
    await sees(/No -m given[\s\S]*lfm2-nano[\s\S]*Try:[\s\S]*> /);
    type("Hello!\r");
    await sees(/\x1b\[2mA/);
    await sees(/tok\/s/);
    await sees(/> /);
    expect(screen().replaceAll(/\x1b\[2m|\x1b\[22m/g, "")).toContain(
      "A greeting in English. Reply in English.\r\nHello! How can I help you?\r\n",
    );
    type(Buffer.from("H\xffi\r", "latin1"));
    await sees(/The line is not UTF-8, so it is passed over\.[\s\S]*> /);
    type(CTRL_D);
    expect(await ended).toBe(0);
  });

  it("asks before it calls a tool of an MCP server: yes, no, or always", async () => {
    const folder = mkdtempSync(join(tmpdir(), "lfm2-terminal-"));
    const parameters = { properties: { city: { type: "string" }, unit: { type: "string" } }, required: ["city"] };
    const tools = [
      { name: "get_weather", description: "Get the current weather of a city", parameters, says: "Rain." },
    ];
    const server = fileURLToPath(new URL("../../mcp/server.mjs", import.meta.url));
    const home = { command: process.execPath, args: [server, JSON.stringify({ tools })] };
    writeFileSync(join(folder, "servers.json"), JSON.stringify({ mcpServers: { home } }));
    const { type, sees, ended } = terminal(["chat", "--greedy", "--mcp", join(folder, "servers.json")]);
    const question = /Run get_weather \{"city": ?"Paris"\} on server home\? y\(es\), n\(o\), a\(lways\): /;
    const ask = async (): Promise<void> => {
      await sees(/> /);
      type("/reset\r");
      await sees(/anew[\s\S]*> /);
      type("What's the weather in Paris?\r");
    };
    for (const [typed, seen] of [
      ["what?\ry", /get_weather: Rain\./],
      ["n", /get_weather: error: not run, the user said no/],
      ["a", /get_weather: Rain\./],
    ] as const) {
      await ask();
      await sees(question);
      type(`${typed}\r`);
      await sees(seen);
      await sees(/tok\/s/);
    }
    await ask();
    await sees(/get_weather: Rain\./); // nobody was asked
    await sees(/tok\/s[\s\S]*> /);
    type(CTRL_D);
    expect(await ended).toBe(0);
    rmSync(folder, { recursive: true });
  });

  it("stops an answer on Ctrl-C and goes on; at an empty prompt Ctrl-C leaves", async () => {
    const { type, sees, ended } = terminal(["chat", "--backend", "reference"]);
    await sees(/> /);
    type("Tell me a story about a fox.\r");
    await sees(/\x1b\[2m\w/);
    type(CTRL_C);
    await sees(/Stopped\.[\s\S]*> /);
    type("/help\r");
    await sees(/\/reset[\s\S]*> /);
    type(CTRL_C);
    expect(await ended).toBe(0);
  });

  it("asks for the result of a call where there is no command to run", async () => {
    const folder = mkdtempSync(join(tmpdir(), "lfm2-asked-"));
    const tools = join(folder, "tools.json");
    writeFileSync(tools, /<\|tool_list_start\|>(.*)<\|tool_list_end\|>/.exec(nanoGolden[4].prompt)?.[1] as string);
    const { type, sees, ended } = terminal(["chat", "--greedy", "--tools", tools]);
    await sees(/> /);
    type("What's the weather in Paris?\r");
    await sees(/tool call: get_weather \{"city":"Paris"\}/);
    await sees(/result of get_weather: /);
    type('{"city": "Paris", "temperature": 11, "condition": "clear"}\r');
    await sees(/It is 11°C and clear in Paris\./);
    await sees(/> /);
    type(CTRL_D);
    expect(await ended).toBe(0);
    rmSync(folder, { recursive: true });
  });

  it("has no colour when NO_COLOR is set, and then says what is thinking", async () => {
    const { type, sees, ended, screen } = terminal(["chat", "--greedy"], { NO_COLOR: "1" });
    await sees(/> /);
    type("Hello!\r");
    await sees(/thinking: A greeting in English/);
    await sees(/tok\/s[\s\S]*> /);
    type("/quit\r");
    expect(await ended).toBe(0);
    expect(screen()).not.toMatch(/\x1b\[[\d;]*m/);
  });
});
