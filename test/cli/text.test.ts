import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { open } from "../../src/index.ts";
import { at, sends, serveScript } from "../sources/scripted-server.ts";
import { golden, lfm2 } from "./lfm2.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lfm2-text-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const read = (path: string): string => readFileSync(`${golden}${path}`, "utf8");
const awkward: { text: string; ids: number[]; with_bos: number[] }[] = JSON.parse(read("text/tokenizer.json")).cases;
const chats: { name: string; messages: object[]; tools: object[] | null; texts: { nano: string } }[] = JSON.parse(
  read("text/chats.json"),
).cases;
const folderModel = ["-m", `${golden}nano/hf`];

describe("lfm2 tokenize", () => {
  it("gives Hugging Face's ids of an argument, a file and standard input, BOS as the files say", async () => {
    const { text, with_bos: ids } = awkward.find(({ text: plain }) => plain.includes("日本語")) as (typeof awkward)[0];
    const line = `${ids.join(",")}\n`;
    expect(await lfm2(["tokenize", "--ids", ...folderModel, text])).toEqual({ code: 0, stdout: line, stderr: "" });
    expect((await lfm2(["tokenize", "--ids", "-f", file("text.txt", text)])).stdout).toBe(line);
    expect((await lfm2(["tokenize", "--ids"], { stdin: text })).stdout).toBe(line);
  });

  it("splits text as the option says where the file's name for it is none", async () => {
    const bytes = readFileSync(`${golden}nano/lfm2-nano-Q4_0.gguf`);
    const name = bytes.indexOf("lfm2", bytes.indexOf("tokenizer.ggml.pre"));
    const unnamed = file("unnamed.gguf", bytes.fill("none", name, name + 4));
    const { code, stderr } = await lfm2(["tokenize", "--ids", "-m", unnamed, "it's 1234567"]);
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('tokenizer.ggml.pre: expected "lfm2" or "llama-bpe", found "none"'),
    ]);
    expect(stderr).toContain("--tokenizer-pre lfm2");
    const named = await lfm2(["tokenize", "--ids", "-m", unnamed, "--tokenizer-pre", "lfm2", "it's 1234567"]);
    expect(named).toEqual(await lfm2(["tokenize", "--ids", ...folderModel, "it's 1234567"]));

    const model = await open(unnamed, { tokenizerPre: "llama-bpe" });
    expect(await (await model.tokenizer()).encode("it's 1234567", { addBos: true })).toEqual(
      named.stdout.trim().split(",").map(Number),
    );
    await model.close();
    const inspected = await lfm2(["inspect", unnamed, "--tokenizer-pre", "lfm2"]);
    expect(inspected.stdout).toContain("2,048 tokens");
    const other = await lfm2(["tokenize", ...folderModel, "--tokenizer-pre", "lfm2", "a"]);
    expect(other.stderr).toContain("expected it left out, as tokenizer.json holds its pattern");
  });

  it("counts a newline at the end, and shows each token on a line", async () => {
    const { stdout, stderr } = await lfm2(["tokenize", "--no-bos"], { stdin: "Hi <|im_end|>\n" });
    expect(stderr).toContain("using the embedded model");
    expect(stdout).toContain('   7  "<|im_end|>"\n');
    expect(stdout).toMatch(/"\\n"\n$/);
  });

  it("takes control strings for text with --no-special, and puts BOS before on request, once", async () => {
    const ids = async (...args: string[]) => JSON.parse((await lfm2(["tokenize", "--json", ...args])).stdout).ids;
    expect(await ids("--no-bos", "<|im_end|>")).toEqual([7]);
    expect(await ids("--no-bos", "--no-special", "<|im_end|>")).not.toContain(7);
    expect(await ids("--bos", "<|startoftext|>")).toEqual([1]);
    expect(await ids("<|startoftext|>")).toEqual([1]);
  });

  it("counts, and tells all of it as JSON", async () => {
    expect((await lfm2(["tokenize", "--count", "a"])).stdout).toBe("2\n");
    const { stdout } = await lfm2(["tokenize", "--json", "a"]);
    const a = awkwardId("a");
    expect(JSON.parse(stdout)).toEqual({
      count: 2,
      ids: [1, a],
      tokens: [
        { id: 1, text: "<|startoftext|>", special: true },
        { id: a, text: "a", special: false },
      ],
    });
  });

  it("decodes ids to the text itself", async () => {
    const { text, ids } = awkward.find(({ text: plain }) => plain.includes("日本語")) as (typeof awkward)[0];
    expect((await lfm2(["tokenize", "--decode", ids.join(",")])).stdout).toBe(text);
    expect(JSON.parse((await lfm2(["tokenize", "--decode", "7", "--json"])).stdout).text).toBe("<|im_end|>");
  });

  it.each<[string, () => string[], number, string]>([
    ["a text and a file", () => ["x", "-f", "y"], 2, "tokenize: expected one input, found a text and --file."],
    ["ids outside", () => ["--decode", "1,2048"], 2, "--decode: expected ids in [0, 2048), found 2048 at index 1."],
    ["ids that are none", () => ["--decode", "1,x"], 2, '--decode: expected token ids such as 1,2,3, found "1,x".'],
    ["two kinds of output", () => ["--ids", "--json", "x"], 2, "option '--ids' cannot be used with option '--json'"],
    ["a file that is not there", () => ["-f", join(folder, "none")], 1, "none: expected a text file, found ENOENT."],
    [
      "bytes that are not UTF-8",
      () => ["-f", file("bytes", new Uint8Array([0x61, 0xff]))],
      1,
      "expected text in UTF-8",
    ],
    [
      "no tokenizer",
      () => ["-m", `${golden}transformers/moe-small`, "x"],
      1,
      "expected a tokenizer in the model's files",
    ],
  ])("refuses %s", async (_, args, code, message) => {
    const ended = await lfm2(["tokenize", ...args()]);
    expect(ended.stderr).toContain(message);
    expect([ended.code, ended.stdout]).toEqual([code, ""]);
  });
});

const awkwardId = (token: string): number => JSON.parse(read("nano/hf/tokenizer.json")).model.vocab[token] as number;

it("a server that sends nothing is asked again after --stall-timeout", async () => {
  const model = readFileSync(`${golden}nano/lfm2-nano-Q4_0.gguf`);
  const server = await serveScript(
    at(
      (index) => index === 0,
      () => {},
      sends(model, { etag: '"a"' }),
    ),
  );
  const begin = performance.now();
  const { stdout } = await lfm2(["tokenize", "-m", `${server.url}/m.gguf`, "--stall-timeout", "1", "--ids", "x"]);
  expect(stdout).toBe("1,103\n");
  expect(performance.now() - begin).toBeGreaterThan(1000);
  await server.close();
});

describe("lfm2 template", () => {
  const chat = chats.find(({ name }) => name === "a loop of calls") as (typeof chats)[0];

  it("prints what Python renders, from a file, standard input, or with tools of their own", async () => {
    const whole = { messages: chat.messages, tools: chat.tools };
    const { nano } = chat.texts;
    expect(await lfm2(["template", ...folderModel, "-f", file("chat.json", JSON.stringify(whole))])).toEqual({
      code: 0,
      stdout: nano,
      stderr: "",
    });
    const tools = file("tools.json", JSON.stringify(chat.tools));
    expect((await lfm2(["template", "--tools", tools], { stdin: JSON.stringify(chat.messages) })).stdout).toBe(nano);
    const bare = await lfm2(["template", "--no-generation-prompt"], { stdin: JSON.stringify(whole) });
    expect(`${bare.stdout}<|im_start|>assistant\n`).toBe(nano);
  });

  it("keeps numbers and the order of members as they are written", async () => {
    const args = '{"z": 2.0, "10": 1e-5, "2": 18446744073709551615, "a": {"9": 1, "1": null}}';
    const call = `{"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": ${args}}}]}`;
    const { stdout } = await lfm2(["template"], { stdin: `[{"role": "user", "content": "x"}, ${call}]` });
    expect(stdout).toContain('[f(z=2.0, 10=1e-05, 2=18446744073709551615, a={"9": 1, "1": null})]');
  });

  it("reads messages and tools whose objects have keys such as 10, from whichever file", async () => {
    const tool = '{"7": 0, "type": "function", "function": {"8": 0, "name": "f", "parameters": {}}}';
    const call = '{"4": 0, "function": {"5": 0, "name": "f", "arguments": {"10": 2.0}}}';
    const turns = `[{"1": 0, "role": "user", "content": "Hi"},
      {"3": 0, "role": "assistant", "content": "", "tool_calls": [${call}]}]`;
    const whole = file("numbered.json", `{"10": 0, "messages": ${turns}, "tools": [${tool}]}`);
    const fromWhole = await lfm2(["template", "-f", whole]);
    expect(fromWhole.stdout).toContain("<|im_start|>user\nHi<|im_end|>");
    expect(fromWhole.stdout).toContain("[f(10=2.0)]");
    expect(fromWhole.stdout).toContain(
      '{"7": 0, "type": "function", "function": {"8": 0, "name": "f", "parameters": {}}}',
    );
    const tools = file("numbered-tools.json", `{"10": 0, "tools": [${tool}]}`);
    expect((await lfm2(["template", "--tools", tools], { stdin: turns })).stdout).toBe(fromWhole.stdout);
    const chatting = await lfm2(["chat", "--tools", tools], { stdin: `/load ${whole}\n` });
    expect(chatting.stderr).toContain("2 messages loaded");
  });

  it("gives ids in which a user's control strings do not count, unless all are asked for", async () => {
    const stdin = JSON.stringify([{ role: "user", content: "<|im_end|>" }]);
    const ids = async (...more: string[]) =>
      (await lfm2(["template", "--ids", ...more], { stdin })).stdout.trim().split(",");
    expect((await ids()).filter((id) => id === "7")).toHaveLength(1);
    expect((await ids("--parse-special", "all")).filter((id) => id === "7")).toHaveLength(2);
  });

  it("shows the template", async () => {
    expect((await lfm2(["template", "--show"])).stdout).toBe(read("nano/chat_template.jinja"));
  });

  it("shows a template by its name, and inspect tells of it and of all ids that end an answer", async () => {
    const model = join(folder, "named");
    mkdirSync(join(model, "additional_chat_templates"), { recursive: true });
    writeFileSync(join(model, "additional_chat_templates", "tool_use.jinja"), "for tools");
    for (const name of [
      "config.json",
      "model.safetensors",
      "tokenizer.json",
      "tokenizer_config.json",
      "chat_template.jinja",
    ])
      symlinkSync(`${golden}nano/hf/${name}`, join(model, name));
    writeFileSync(join(model, "generation_config.json"), '{"eos_token_id": [7, 300]}');
    expect((await lfm2(["template", "-m", model, "--show", "tool_use"])).stdout).toBe("for tools");
    expect((await lfm2(["template", "-m", model, "--show", "rag"])).stderr).toContain(
      'expected a chat template called "rag", found default, tool_use. Name one of them.',
    );
    const { stdout } = await lfm2(["inspect", model]);
    expect(stdout).toContain(
      "ends at <|im_end|> (7, tokenizer_config.json, config.json, generation_config.json); te (300, generation_config.json); <|endoftext|> (2)",
    );
    expect(stdout).toMatch(/chat template {2}[\d,]+ characters; tool_use: 9 characters/);
  });

  it.each<[string, string[], string, number, string]>([
    ["what is not JSON", [], "[", 1, "standard input: expected messages as JSON, found"],
    ["what is no conversation", [], "{}", 1, "messages: expected a list, found an object."],
    [
      "an unknown role",
      [],
      '[{"role": "bot"}]',
      1,
      'messages[0].role: expected system, user, assistant, tool, found "bot".',
    ],
    ["no day", ["--date", "2026-02-30"], "[]", 2, '--date: expected a day such as 2026-01-31, found "2026-02-30".'],
    [
      "a template that is to be shown and used",
      ["--show", "--ids"],
      "",
      2,
      "option '--show [name]' cannot be used with option '--ids'",
    ],
    ["no such place", ["--parse-special", "some"], "[]", 2, "Allowed choices are trusted, all."],
  ])("refuses %s", async (_, args, stdin, code, message) => {
    const ended = await lfm2(["template", ...args], { stdin });
    expect(ended.stderr).toContain(message);
    expect([ended.code, ended.stdout]).toEqual([code, ""]);
  });
});
