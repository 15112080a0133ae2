import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { command, ending, environment, lfm2, start, written } from "./lfm2.ts";

describe("lfm2 chat through a pipe", () => {
  it("answers line by line, and remembers", async () => {
    const { code, stdout, stderr } = await lfm2(["chat", "--greedy"], {
      stdin: "Hello!\n\nMy name is Emma.\nWho am I?\n",
    });
    expect(code).toBe(0);
    expect(stdout).toBe("Hello! How can I help you?\nNice to meet you, Emma!\nYour name is Emma.\n");
    expect(stderr.split("\n")[0]).toBe("No -m given: using the embedded model, lfm2-nano.");
    expect(stderr.match(/tok\/s/g)).toHaveLength(3);
    expect(stderr).not.toMatch(/[\r\x1b]/); // no colour, no progress in place, where there is no terminal
  });

  it("forgets on /reset, takes a system prompt, and leaves on /quit", async () => {
    const lines = [
      "My name is Emma.",
      "/reset",
      "/system",
      "/system Answer briefly.",
      "/system",
      "/etc/hosts?",
      "/quit",
    ];
    const { code, stdout, stderr } = await lfm2(["chat", "--greedy"], { stdin: `${lines.join("\n")}\nHello!\n` });
    expect(code).toBe(0);
    const answers = stdout.trimEnd().split("\n");
    expect(answers[0]).toBe("Nice to meet you, Emma!");
    expect(answers).toHaveLength(2); // /etc/hosts? is said to the model, and nothing after /quit
    expect(stderr).toContain("The conversation begins anew.");
    expect(stderr).toContain("There is no system prompt");
    expect(stderr).toContain("\nAnswer briefly.\n");
  });

  it("answers every turn as --schema asks", async () => {
    const folder = mkdtempSync(join(tmpdir(), "lfm2-chat-"));
    const file = join(folder, "schema.json");
    writeFileSync(file, '{"type": "object", "properties": {"mood": {"enum": ["good", "bad"]}}, "required": ["mood"]}');
    const { code, stdout } = await lfm2(["chat", "--greedy", "--schema", file], { stdin: "Hello!\nHow are you?\n" });
    rmSync(folder, { recursive: true });
    expect(code).toBe(0);
    const answers = stdout.match(/\{[^}]*\}/g) ?? [];
    expect(answers.map((answer) => Object.keys(JSON.parse(answer)))).toEqual([["mood"], ["mood"]]);
  });

  it("lists its commands, and names those it does not know", async () => {
    const { code, stdout, stderr } = await lfm2(["chat"], { stdin: "/help\n/foo\n" });
    expect([code, stdout]).toEqual([0, ""]);
    for (const name of ["/reset", "/system", "/quit", "/foo: expected a command"]) expect(stderr).toContain(name);
  });

  it("joins lines that end with a backslash", async () => {
    const joined = await lfm2(["chat", "--greedy"], { stdin: "What is the capital\\\nof Poland?\n" });
    const { stdout } = await lfm2(["run", "--greedy", "-p", "What is the capital\nof Poland?"]);
    expect(joined.stdout).toBe(stdout);
  });

  it("ends with 130 on Ctrl-C", async () => {
    const child = start(["chat", "--backend", "reference"]);
    const ended = ending(child);
    child.stdin.write("Tell me a story about a fox.\n");
    await written(child.stdout, /\w+ \w+/);
    child.kill("SIGINT");
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    expect(stderr).not.toMatch(/error/i);
  });

  it("ends with 1 when the conversation no longer fits", async () => {
    const { code, stderr } = await lfm2(["chat", "-c", "16"], { stdin: `${"Hello! ".repeat(20)}\n` });
    expect(code).toBe(1);
    expect(stderr).toMatch(/error: prompt: expected at most 16 .*open the model with a larger --context\.\n$/s);
  });
});

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
      type: (keys: string) => child.stdin.write(keys),
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
    type(CTRL_D);
    expect(await ended).toBe(0);
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
