// Text that comes in, by every way there is: bounded, UTF-8, without a byte order mark, and only where it is asked for.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readBytes } from "../../src/cli/files/text-input.ts";
import { ending, golden, lfm2, start } from "./lfm2.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lfm2-input-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

/** Every way in for text: what stands before the file's name, and what behind it. */
const waysIn: readonly (readonly [before: string, after: string])[] = [
  ["run -f", ""],
  ["run -p x --schema", ""],
  ["run -p x --tools", ""],
  ["chat --schema", ""],
  ["chat --tools", ""],
  ["tokenize -f", ""],
  ["template -f", ""],
  ["template -f /dev/null --tools", ""],
  ["eval -f", ""],
  ["eval merge", ""],
  ["bench plot", `-o ${tmpdir()}`],
  ["synth -o no.gguf --quant Q4_0 --config", ""],
  ["compare A A --map", ""],
];
const arrays = `${golden}transformers/moe-small/model.safetensors`;
const withFile = (before: string, after: string, path: string): string[] =>
  `${before.replaceAll("A", arrays).replace("/dev/null", empty())} ${path} ${after}`.trim().split(" ");
/** As diff has it, 1 of compare says that two differ. */
const failure = (command: string): number => (command.startsWith("compare") ? 2 : 1);
const empty = (): string => file("empty.json", "[]");

describe.skipIf(!existsSync("/dev/zero"))("text without an end (needs /dev/zero)", () => {
  it.each(waysIn)("is refused by lfm2 %s", async (before, after) => {
    const { code, stdout, stderr } = await lfm2(withFile(before, after, "/dev/zero"), { cwd: folder });
    expect(stderr).toMatch(/error: \/dev\/zero: expected .* of at most \d+ bytes, found more\./);
    expect([code, stdout]).toEqual([failure(before), ""]);
  });

  it("is not read further than the bound", async () => {
    const before = process.memoryUsage().rss;
    await expect(readBytes("/dev/zero", { expected: "text", maxBytes: 1000 })).rejects.toThrow("at most 1000 bytes");
    expect(process.memoryUsage().rss - before).toBeLessThan(50e6);
  });

  it("is refused by /load and as a line of a chat", async () => {
    const { code, stderr } = await lfm2(["chat"], { stdin: "/load /dev/zero\n/load /dev/null\n" });
    expect([code, stderr]).toEqual([0, expect.stringMatching(/zero: expected a list of messages as JSON of at most/)]);
    const long = await lfm2(["chat"], { stdin: new Uint8Array(5_000_000).fill(97) });
    expect([long.code, long.stdout]).toEqual([1, ""]);
    expect(long.stderr).toContain(
      "error: standard input: expected lines of at most 4194304 bytes, found a longer one.",
    );
  });
});

describe("text that is not UTF-8", () => {
  const bytes = new Uint8Array([0x22, 0x61, 0xff, 0x22]);

  it.each(waysIn)("is refused by lfm2 %s", async (before, after) => {
    const { code, stdout, stderr } = await lfm2(withFile(before, after, file("bytes", bytes)), { cwd: folder });
    // Where only whole lines are read, there are none.
    const message =
      before === "eval merge" ? /found none, or an empty one/ : /bytes: expected text in UTF-8, found other/;
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([failure(before), ""]);
  });

  it("is refused on standard input, and said to be UTF-16 where it is", async () => {
    for (const command of ["run", "tokenize", "template"]) {
      const { code, stdout, stderr } = await lfm2([command], { stdin: bytes });
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toContain("error: standard input: expected text in UTF-8, found other bytes.");
    }
    const { stderr } = await lfm2(["tokenize", "-f", file("utf16", new Uint8Array([0xff, 0xfe, 0x61, 0]))]);
    expect(stderr).toContain("expected text in UTF-8, found UTF-16.");
  });

  it("is passed over as a line of a chat, and the chat goes on", async () => {
    const stdin = Buffer.concat([Buffer.from("Hello\xff!\n", "latin1"), Buffer.from("Hello!\n")]);
    const { code, stdout, stderr } = await lfm2(["chat", "--greedy"], { stdin });
    expect([code, stdout]).toEqual([0, "Hello! How can I help you?\n"]);
    expect(stderr).toContain("standard input: expected text in UTF-8, found other bytes.");
  });
});

describe("a byte order mark", () => {
  const marked = "\uFEFFHello!";

  it("at the beginning is no text, wherever it comes from", async () => {
    const ids = (await lfm2(["tokenize", "--ids", "Hello!"])).stdout;
    expect((await lfm2(["tokenize", "--ids", "-f", file("marked.txt", marked)])).stdout).toBe(ids);
    expect((await lfm2(["tokenize", "--ids"], { stdin: marked })).stdout).toBe(ids);
    const count = async (args: readonly string[], stdin?: string): Promise<number> =>
      JSON.parse((await lfm2(["run", "--json", "-n", "1", ...args], { stdin })).stdout).promptTokens;
    const plain = await count(["-p", "Hello!"]);
    expect(await count(["-f", file("marked.txt", marked)])).toBe(plain);
    expect(await count([], marked)).toBe(plain);
    expect((await lfm2(["chat", "--greedy"], { stdin: `${marked}\n` })).stdout).toBe("Hello! How can I help you?\n");
  });

  it("does not make JSON unreadable", async () => {
    const messages = file("messages.json", `\uFEFF[{"role": "user", "content": "Hi"}]`);
    const { code, stdout } = await lfm2(["template", "-f", messages, "--tools", file("tools.json", "\uFEFF[]")]);
    expect([code, stdout]).toEqual([0, expect.stringContaining("Hi<|im_end|>")]);
  });
});

describe("standard input", () => {
  it("is not waited for where a prompt is stated", async () => {
    const child = start(["run", "-p", "Hello!", "--greedy"]);
    const { code, stdout } = await ending(child); // its standard input stays open
    expect([code, stdout]).toEqual([0, "Hello! How can I help you?\n"]);
    child.stdin.end();
  });

  it("is read where it is asked for by -", async () => {
    const [both, stated] = [
      await lfm2(["run", "--json", "-n", "1", "-p", "one", "-f", "-"], { stdin: "two\n" }),
      await lfm2(["run", "--json", "-n", "1", "-p", "one\n\ntwo"], { stdin: "three" }),
    ].map(({ stdout }) => JSON.parse(stdout).promptTokens);
    expect(both).toBe(stated);
    expect((await lfm2(["tokenize", "--count", "-f", "-"], { stdin: "a" })).stdout).toBe("2\n");
    expect((await lfm2(["template", "-f", "-"], { stdin: '[{"role": "user", "content": "Hi"}]' })).stdout).toContain(
      "Hi",
    );
  });
});

describe("JSON whose numbers and order matter", () => {
  it("reaches the prompt as it is written, through run --tools and /load, and /save keeps it", async () => {
    const [{ tools }, , { messages, text }] = JSON.parse(readFileSync(`${golden}text/exact-json.json`, "utf8")).cases;
    const path = file("exact-tools.json", tools);
    const ids = (await lfm2(["template", "--ids", "--tools", path], { stdin: '[{"role": "user", "content": "x"}]' }))
      .stdout;
    const run = await lfm2(["run", "-p", "x", "--tools", path, "--json", "-n", "1"]);
    expect(JSON.parse(run.stdout).promptTokens).toBe(ids.split(",").length);

    const [loaded, saved] = [file("loaded.json", messages), join(folder, "saved.json")];
    const { code } = await lfm2(["chat"], { stdin: `/load ${loaded}\n/save ${saved}\n` });
    expect([code, (await lfm2(["template", "-f", saved])).stdout]).toEqual([0, text]);
  });

  it("is refused in a schema where JavaScript would round it", async () => {
    const path = file("large.json", '{"const": 12345678901234567890}');
    const { code, stderr } = await lfm2(["run", "-p", "x", "--schema", path]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("found 12345678901234567890.")]);
  });
});
