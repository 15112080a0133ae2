// How a process ends when it is interrupted, or nobody reads what it writes.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ending, lfm2, nanoGolden, start, written } from "../lfm2.ts";

const folder = mkdtempSync(join(tmpdir(), "lfm2-ending-"));
afterAll(() => rmSync(folder, { recursive: true }));

const question = "What's the weather in Paris?\n";

/** A chat with a tool that runs this JavaScript. */
function tool(name: string, script: string): string[] {
  const [tools, file] = [join(folder, "tools.json"), join(folder, `${name}.mjs`)];
  writeFileSync(tools, /<\|tool_list_start\|>(.*)<\|tool_list_end\|>/.exec(nanoGolden[4].prompt)?.[1] as string);
  writeFileSync(file, script);
  return ["chat", "--greedy", "--tools", tools, "--tool-cmd", `${process.execPath} ${file}`];
}

describe("lfm2 run", () => {
  it("ends within a moment of Ctrl-C, with exit code 130 and no error", async () => {
    const child = start(["run", "-p", "Tell me a story about a fox.", "--backend", "reference"]);
    const ended = ending(child);
    child.stdin.end();
    await written(child.stdout, /\w+ \w+/);
    const begin = performance.now();
    child.kill("SIGINT");
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    expect(performance.now() - begin).toBeLessThan(2000); // 200 ms for the model, the rest for a busy machine
    expect(stderr).not.toMatch(/error/i);
  });

  it("ends quietly when nobody reads on", async () => {
    const child = start(["run", "-p", "Tell me a story about a fox.", "--backend", "reference"]);
    const ended = ending(child);
    child.stdin.end();
    await written(child.stdout, /\w+ \w+/);
    child.stdout.destroy();
    const { code, stderr } = await ended;
    expect(code).toBe(0);
    expect(stderr).not.toMatch(/error|EPIPE/i);
  });

  it("reads a pipe with a name to its end, and ends on Ctrl-C while nobody writes", async () => {
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const child = start(["run", "-f", pipe]);
    const ended = ending(child);
    await written(child.stderr, /Waiting for .*pipe to end\./);
    child.kill("SIGINT");
    expect((await ended).code).toBe(130);
    const counted = lfm2(["tokenize", "--count", "-f", pipe]);
    setTimeout(() => execFileSync("sh", ["-c", `printf a > ${pipe}`]), 100);
    expect((await counted).stdout).toBe("2\n");
  });
});

describe("lfm2 chat", () => {
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

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("ends the tool with the conversation on %s", async (signal, code) => {
    const pid = join(folder, `pid-${signal}`);
    const script = `import { writeFileSync } from "node:fs"; writeFileSync(${JSON.stringify(pid)}, String(process.pid)); setInterval(() => {}, 1000);`;
    const child = start(tool(`endless-${signal}`, script));
    const ended = ending(child);
    child.stdin.write(question);
    while (!existsSync(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill(signal);
    expect((await ended).code).toBe(code);
    // Until somebody has collected its exit code, an ended process still counts as one.
    await expect
      .poll(
        () => {
          try {
            const own = Number(readFileSync(pid, "utf8"));
            process.kill(own, 0);
            const stat = `/proc/${own}/stat`;
            return existsSync(stat) && / Z /.test(readFileSync(stat, "utf8")) ? "gone" : "there";
          } catch {
            return "gone";
          }
        },
        { timeout: 20_000 },
      )
      .toBe("gone");
  });
});
