import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAnswerCollector, open } from "../../src/index.ts";
import { golden, lfm2, nanoGolden } from "./lfm2.ts";

const HELLO = "Hello! How can I help you?\n";
const THOUGHT = "A greeting in English. Reply in English.";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lfm2-run-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("lfm2 run", () => {
  it("writes the answer to standard output and all else to standard error, the embedded model named first", async () => {
    expect(nanoGolden[0].greedy_text).toBe(`<think>${THOUGHT}</think>${HELLO.trim()}<|im_end|>`);
    const { code, stdout, stderr } = await lfm2(["run", "-p", "Hello!", "--greedy"]);
    expect([code, stdout]).toEqual([0, HELLO]);
    const lines = stderr.trimEnd().split("\n");
    expect(lines).toHaveLength(4);
    expect(lines[0]).toBe("No -m given: using the embedded model, lfm2-nano.");
    expect(lines[1]).toMatch(
      /^wasm int8 · KV f16 · context 4,096 · (\d( \(\d for prompts\))? of )?\d threads?(, measured)? · (relaxed(-pairs)?|baseline) SIMD · greedy \(command line\)$/,
    );
    expect(lines[2]).toBe(`thinking: ${THOUGHT}`);
    expect(lines[3]).toMatch(
      /^22 tokens · [\d.]+ tok\/s · (\d+ of \d+ run ahead were right · )?prompt 13 tokens in [\d.]+ m?s$/,
    );
  });

  it("hides thinking on request", async () => {
    const { stdout, stderr } = await lfm2(["run", "-p", "Hello!", "--greedy", "--no-think"]);
    expect(stdout).toBe(HELLO);
    expect(stderr).not.toContain(THOUGHT);
  });

  it("reads the prompt from standard input, and leaves its last newline out", async () => {
    const { code, stdout } = await lfm2(["run", "--greedy", "-m", `${golden}nano/lfm2-nano-Q4_0.gguf`], {
      stdin: "Hello!\n",
    });
    expect([code, stdout]).toEqual([0, HELLO]);
  });

  it("puts -p and a file together", async () => {
    const file = join(folder, "middle.txt");
    writeFileSync(file, "two\n");
    const args = ["run", "-p", "one", "-f", file, "--json", "--greedy", "-n", "1"];
    const together = JSON.parse((await lfm2(args, { stdin: "three\n" })).stdout);
    const stated = JSON.parse((await lfm2(["run", "-p", "one\n\ntwo", ...args.slice(5)])).stdout);
    expect(together.promptTokens).toBe(stated.promptTokens);
    expect(together.content).toBe(stated.content);
  });

  it("gives one JSON object with what the library tells, under its names", async () => {
    const { code, stdout } = await lfm2(["run", "-p", "Hello!", "--json", "--seed", "7"]);
    expect(code).toBe(0);
    const told = {
      content: HELLO.trim(),
      reasoning_content: THOUGHT,
      promptTokens: 13,
      cachedTokens: 0,
      newTokens: 22,
      guessedTokens: expect.any(Number),
      acceptedTokens: expect.any(Number),
      prefillMs: expect.any(Number),
      decodeMs: expect.any(Number),
      finishReason: "stop",
      loadMs: expect.any(Number),
      tokensPerSecond: expect.any(Number),
      seed: 7,
      model: "lfm2-nano",
    };
    expect(JSON.parse(stdout)).toEqual(told);
    const model = await open();
    const answer = createAnswerCollector();
    const summaries: object[] = [];
    const options = { seed: 7, onFinish: (summary: object) => summaries.push(summary) };
    for await (const delta of model.chat([{ role: "user", content: "Hello!" }], options)) answer.push(delta);
    await model.close();
    const { role, ...message } = answer.message();
    expect(Object.keys(told)).toEqual(expect.arrayContaining(Object.keys({ ...message, ...summaries[0] })));

    const without = JSON.parse((await lfm2(["run", "-p", "Hello!", "--json", "--seed", "7", "--no-think"])).stdout);
    expect([without.content, "reasoning_content" in without]).toEqual([HELLO.trim(), false]);
  });

  it("draws a seed where none is given, and gives the same answer for the same seed", async () => {
    const story = ["run", "-p", "Tell me a story about a fox.", "--json", "--temp", "1"];
    const first = JSON.parse((await lfm2(story)).stdout);
    expect(first.seed).toBeGreaterThanOrEqual(0);
    const again = JSON.parse((await lfm2([...story, "-s", String(first.seed)])).stdout);
    expect(again.content).toBe(first.content);
  });

  it("tells tool calls from text, and checks them, with --tools", async () => {
    const { prompt, messages } = nanoGolden[4];
    const file = join(folder, "tools.json");
    writeFileSync(file, /<\|tool_list_start\|>(.*)<\|tool_list_end\|>/.exec(prompt)?.[1] as string);
    const args = ["run", "-p", messages[0].content, "--tools", file, "--greedy", "--mode", "exact"];
    const call = { id: "call_0", type: "function", function: { name: "get_weather", arguments: '{"city":"Paris"}' } };
    expect((await lfm2(args)).stdout).toBe(`${JSON.stringify(call)}\n`);
    const { content, tool_calls, finishReason } = JSON.parse((await lfm2([...args, "--json"])).stdout);
    expect([content, tool_calls, finishReason]).toEqual(["", [{ index: 0, ...call }], "tool_calls"]);
  });

  it("says what is wrong with a call", async () => {
    const file = join(folder, "other-tools.json");
    const weather = {
      name: "get_weather",
      parameters: { properties: { city: { type: "integer" } }, required: ["day"] },
    };
    writeFileSync(file, JSON.stringify({ tools: [{ type: "function", function: weather }] }));
    const { stdout, stderr } = await lfm2(["run", "-p", "What's the weather in Paris?", "--tools", file, "--greedy"]);
    expect(stdout).toContain('"name":"get_weather"');
    expect(stderr).toContain('get_weather: city: expected an integer, found "Paris".\n');
    expect(stderr).toContain("get_weather: day: expected a value, found nothing.\n");
  });

  it("continues a text to the letter with --raw", async () => {
    const args = ["run", "--raw", "-p", "Once upon a time", "--greedy", "-n", "8"];
    const { stdout, stderr } = await lfm2(args);
    expect(stdout).toMatch(/^, \w.*\n$/);
    expect(stderr).toContain("cut at the length limit");
    const { content, finishReason } = JSON.parse((await lfm2([...args, "--json"])).stdout);
    expect([`${content}\n`, finishReason]).toEqual([stdout, "length"]);
  });

  it("says what is in force and where it comes from", async () => {
    const { stderr } = await lfm2([
      "run",
      "-p",
      "Hello!",
      "--temp",
      "0.5",
      "-s",
      "3",
      "-c",
      "256",
      "--kv-type",
      "int8",
      "--threads",
      "1",
      "--kernels",
      "baseline",
    ]);
    expect(stderr).toContain(
      "wasm int8 · KV int8 · context 256 · 1 thread · baseline SIMD · temperature 0.5 (command line), top-k 80, repeat penalty 1.05 " +
        "(table: lfm2-nano) · seed 3\n",
    );
  });

  it("names what it runs when it is told a model, and does not speak of the embedded one", async () => {
    const { code, stdout, stderr } = await lfm2(["run", "-m", `${golden}nano/hf`, "-p", "Hello!", "--greedy"]);
    expect([code, stdout]).toEqual([0, HELLO]);
    expect(stderr).toMatch(/^wasm int8 · /);
  });
});

describe("lfm2 run, held to a format", () => {
  const animal = {
    type: "object",
    properties: { name: { type: "string", maxLength: 20 }, legs: { type: "integer", minimum: 0, maximum: 8 } },
    required: ["name", "legs"],
  };

  it("writes JSON that --schema allows, and the same text with --json", async () => {
    const file = join(folder, "animal.json");
    writeFileSync(file, JSON.stringify(animal));
    const args = ["run", "-p", "Describe a cat.", "--greedy", "--schema", file];
    const { code, stdout } = await lfm2(args);
    expect(code).toBe(0);
    const found = JSON.parse(stdout);
    expect(Object.keys(found)).toEqual(["name", "legs"]);
    expect(found.legs).toBeLessThanOrEqual(8);
    expect(`${JSON.parse((await lfm2([...args, "--json"])).stdout).content}\n`).toBe(stdout);
  });

  it("ends with 3 when the answer is cut, after what there is of it", async () => {
    const args = ["run", "-p", "Describe a cat.", "--greedy", "--raw", "--regex", "[a-z ]{200}", "-n", "4"];
    const { code, stdout, stderr } = await lfm2(args);
    expect([code, stdout]).toEqual([3, expect.stringMatching(/^[a-z ]+\n$/)]);
    expect(stderr).toMatch(/error: --regex: expected a whole answer, found one that was cut\. Allow more tokens/);
    const json = await lfm2([...args, "--json"]);
    expect([json.code, JSON.parse(json.stdout).finishReason]).toEqual([3, "length"]);
    expect((await lfm2(["run", "-p", "Hello!", "--raw", "-n", "4"])).code).toBe(0);
  });

  it("writes one --choice, or what --regex matches, also without a chat template", async () => {
    const asked = ["run", "-p", "Is 3 smaller than 5?", "--greedy"];
    expect((await lfm2([...asked, "--choice", "yes", "--choice", "no"])).stdout).toMatch(/^(yes|no)\n$/);
    expect((await lfm2([...asked, "--raw", "--regex", "[0-9]{3}é"])).stdout).toMatch(/^[0-9]{3}é\n?$/);
  });

  it("refuses what an answer cannot be held to, before it opens a model", async () => {
    const file = join(folder, "not.json");
    writeFileSync(file, '{"type": "object", "not": {}}');
    for (const command of ["run", "chat"]) {
      const { code, stderr } = await lfm2([command, "--schema", file, ...(command === "run" ? ["-p", "x"] : [])]);
      expect([code, stderr]).toEqual([1, expect.stringMatching(`^error: ${file}: schema\\.not: expected keywords`)]);
    }
    const refusals = [
      [["--regex", "a(?=b)"], "error: --regex: expected literals, classes, groups"],
      [
        ["--regex", "a", "--choice", "a"],
        "error: option '--regex <pattern>' cannot be used with option '--choice <text>'.",
      ],
      [
        ["--choice", "a", "--schema", file],
        "error: option '--schema <file>' cannot be used with option '--choice <text>'.",
      ],
    ] as const;
    for (const [args, message] of refusals) {
      const { code, stderr } = await lfm2(["run", "-p", "x", ...args]);
      expect([code, stderr.slice(0, message.length)]).toEqual([2, message]);
    }
  });
});
