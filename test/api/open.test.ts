// The library as its users meet it: a model opened from each kind of source, and run in a thread.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import type { ModelSource } from "../../src/api/open.ts";
import {
  type ChatDelta,
  type ChatMessage,
  createAnswerCollector,
  type LanguageModel,
  type OpenOptions,
  open,
  type Summary,
} from "../../src/index.ts";
import { golden, load, logitsOf, open as openFiles } from "../model/run.ts";
import { closeAll, LONG, openNano, serve } from "./opened.ts";

const NANO = golden("nano/lfm2-nano-Q4_0.gguf");
const [hello] = JSON.parse(readFileSync(golden("nano/golden.json"), "utf8"));
const HELLO = [{ role: "user" as const, content: "Hello!" }];
afterEach(closeAll);

async function textOf(deltas: AsyncIterable<ChatDelta>): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for await (const delta of deltas) {
    for (const [name, text] of Object.entries(delta)) texts[name] = (texts[name] ?? "") + text;
  }
  return texts;
}

describe("open", () => {
  const sources: [string, () => Promise<ModelSource | undefined>][] = [
    ["nothing: the embedded model", async () => undefined],
    ["a path", async () => NANO],
    ["a file: URL", async () => new URL(`file://${NANO}`)],
    ["a Hugging Face folder", async () => golden("nano/hf")],
    ["a Blob", async () => new Blob([await readFile(NANO)])],
    ["bytes", async () => new Uint8Array(await readFile(NANO))],
    [
      "the files of a Hugging Face folder",
      async () =>
        Promise.all(
          ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"].map(
            async (name) => new File([await readFile(golden(`nano/hf/${name}`))], name),
          ),
        ),
    ],
    ["a URL", async () => `${await serve(await readFile(NANO))}/lfm2-nano.gguf`],
  ];
  it.each(sources)("takes %s, and greets", async (_, source) => {
    const model = await openNano(await source(), { mode: "exact" });
    const texts = await textOf(model.chat(HELLO, { temperature: 0, repetitionPenalty: 1 }));
    expect(texts).toEqual({
      reasoning_content: "A greeting in English. Reply in English.",
      content: "Hello! How can I help you?",
    });
  });

  const refused: [string, ModelSource, OpenOptions, string, string][] = [
    [
      "a path where nothing is",
      "/nowhere/model.gguf",
      {},
      "SourceError",
      "/nowhere/model.gguf: expected a GGUF file or a model folder, found nothing there.",
    ],
    [
      "a file that is no model",
      golden("nano/README.md"),
      {},
      "FormatError",
      "expected a GGUF or safetensors file, found neither",
    ],
    [
      "a URL of another kind",
      new URL("data:,x"),
      {},
      "SourceError",
      "data:,x: expected a path, or a URL that begins with file:, http: or https:",
    ],
    ["an empty file", new Blob([]), {}, "FormatError", "model.gguf"],
    ["a folder without a model", golden("nano"), {}, "FormatError", "config.json"],
    [
      "an unknown option",
      NANO,
      { mode: "fast" } as never,
      "OptionError",
      'mode: expected exact or int8, found "fast".',
    ],
    [
      "a context beyond the model's",
      NANO,
      { contextLength: 5000 },
      "OptionError",
      "contextLength: expected an integer in [1, 4096] (max_position_embeddings), found 5000.",
    ],
    ["banks too small for a layer", NANO, { bankBytes: 65536 }, "MemoryError", "expected at most"],
  ];
  it.each(refused)("refuses %s", async (_, source, options, name, message) => {
    const opening = open(source, options);
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.toHaveProperty("name", name);
  });

  it("reports progress up to the last byte of the weights", async () => {
    const seen: { phase: string; done: number; total: number }[] = [];
    await openNano(golden("nano/hf"), { onProgress: (progress) => seen.push(progress) });
    expect(seen.length).toBeGreaterThan(2);
    expect(seen.every(({ phase }) => phase === "load")).toBe(true);
    expect(seen.at(-1)?.done).toBe(seen.at(-1)?.total);
    expect(seen.at(-1)?.total).toBeGreaterThan(21_000_000);
  });
});

describe("a model", () => {
  it("generates transformers' greedy ids", async () => {
    const model = await openNano(golden("nano/hf"), { mode: "exact" });
    const ids: number[] = [];
    for await (const id of model.generate(hello.ids)) ids.push(id);
    expect(ids).toEqual(hello.greedy_ids);
    expect(await model.encodeChat(hello.messages)).toEqual(hello.ids);
  });

  it("takes control strings of a user for text, unless all are to count", async () => {
    const model = await openNano();
    const { decode, idOf } = await model.tokenizer();
    const end = idOf("<|im_end|>");
    const messages = [{ role: "user", content: "a<|im_end|>b" }] as const;
    const [trusted, all] = await Promise.all(
      (["trusted", "all"] as const).map((parseSpecial) => model.encodeChat(messages, { parseSpecial })),
    );
    expect(await model.encodeChat(messages)).toEqual(trusted);
    expect([trusted, all].map((ids) => ids.filter((id) => id === end).length)).toEqual([1, 2]);
    expect(decode(trusted)).toBe(decode(all));
  });

  it("goes on with the assistant's last turn when asked to", async () => {
    const model = await openNano(undefined, { mode: "exact" });
    const begun: ChatMessage[] = [...HELLO, { role: "assistant", content: "Hello! How can" }];
    const { decode } = await model.tokenizer();
    const prompt = decode(await model.encodeChat(begun, { continueFinalMessage: true }));
    expect(prompt.endsWith("<|im_start|>assistant\nHello! How can")).toBe(true);
    const options = { continueFinalMessage: true, temperature: 0, repetitionPenalty: 1 };
    expect((await textOf(model.chat(begun, options))).content).toBe(" I help you?");
  });

  it("gives the logits that the graph gives on this thread", async () => {
    const model = await openNano(NANO, { mode: "int8" });
    const { data, rows, cols } = await model.logits(LONG.slice(0, 40));
    const here = await load(await openFiles("nano", "lfm2-nano-Q4_0.gguf"), { mode: "int8" });
    expect([rows, cols]).toEqual([40, 2048]);
    expect(data).toEqual(logitsOf(here, Int32Array.from(LONG.slice(0, 40)), 40));
  });

  it("continues a text, BOS put before it once", async () => {
    const model = await openNano();
    const parts: string[] = [];
    let summary: { promptTokens: number; newTokens: number; finishReason: string } | undefined;
    const options = { temperature: 0, maxTokens: 12, onFinish: (end: typeof summary) => (summary = end) };
    for await (const part of model.complete("Once upon a time", options)) parts.push(part);
    expect(parts.join("").length).toBeGreaterThan(10);
    expect(summary).toMatchObject({ newTokens: 12, finishReason: "length" });
    const { encode } = await model.tokenizer();
    expect(summary?.promptTokens).toBe(1 + (await encode("Once upon a time")).length);
  });

  it("runs ids when its tokenizer is damaged, and says so when text is asked for", async () => {
    const model = await openNano(golden("gguf/Q4_0.gguf"));
    await expect(model.tokenizer()).rejects.toThrow('expected "to" in the vocabulary, found no such token');
    expect((await model.logits([20, 21])).rows).toBe(2);
    await expect(model.complete("Hello").next()).rejects.toThrow(
      'expected "to" in the vocabulary, found no such token',
    );
    const bare = await openNano(golden("transformers/moe-small"));
    await expect(bare.chat(HELLO).next()).rejects.toThrow(
      "text: expected a tokenizer in the model's files, found none.",
    );
  });

  it("samples a conversation as its makers recommend, and says how it ended", async () => {
    const model = await openNano();
    const { temperature, topK, repetitionPenalty } = model.recommended.sampling;
    expect([temperature, topK, repetitionPenalty]).toEqual([0.2, 80, 1.05]);
    const ids: number[] = [];
    const prompt = await model.encodeChat(HELLO);
    for await (const id of model.generate(prompt, { ...model.recommended.sampling, seed: 9 })) ids.push(id);
    let end: Summary | undefined;
    const texts = await textOf(model.chat(HELLO, { seed: 9, onFinish: (summary) => (end = summary) }));
    const { reasoning_content: thinking, content: text } = texts;
    expect(`<think>${thinking}</think>${text}`).toBe((await model.tokenizer()).decode(ids, { skipSpecial: true }));
    expect(end).toMatchObject({ finishReason: "stop", newTokens: ids.length, promptTokens: prompt.length });
  });

  it("reads only what a turn adds to a long conversation, and answers as if it had read all", async () => {
    const model = await openNano();
    const options = { temperature: 0, repetitionPenalty: 1, maxTokens: 40 };
    const ask = async (asked: LanguageModel, messages: ChatMessage[]) => {
      const read: number[] = [];
      let end: Summary | undefined;
      const texts = await textOf(
        asked.chat(messages, {
          ...options,
          onProgress: ({ total }) => read.push(total),
          onFinish: (summary) => (end = summary),
        }),
      );
      const { promptTokens, cachedTokens, newTokens } = end as Summary;
      expect(new Set(read)).toEqual(new Set([promptTokens - cachedTokens]));
      return { texts, promptTokens, cachedTokens, newTokens };
    };
    const hello: ChatMessage = { role: "user", content: "Hello!" };
    const past: ChatMessage[] = [hello, { role: "assistant", content: "Hello! How can I help you?" }];
    const question: ChatMessage[] = [...Array(90).fill(past).flat(), hello];
    const first = await ask(model, question);
    expect(first.promptTokens).toBeGreaterThan(2000);
    expect(first.cachedTokens).toBe(0);

    const { reasoning_content: thinking, content: text } = first.texts;
    const extended: ChatMessage[] = [...question, { role: "assistant", content: text, thinking }, hello];
    const second = await ask(model, extended);
    // All but the id that was said last, which nothing has been run after.
    expect(second.cachedTokens).toBe(first.promptTokens + first.newTokens - 1);

    // Without its thought, the answer parts from what was said; 18 convolutions of width 3 reach back 36 positions.
    const thoughtless: ChatMessage[] = [...question, { role: "assistant", content: text }, hello];
    const third = await ask(model, thoughtless);
    const shared = (await model.encodeChat(question)).length;
    expect(third.cachedTokens).toBe(shared - 36);

    const other = await openNano();
    expect(second.texts).toEqual((await ask(other, extended)).texts);
    const alone = await ask(await openNano(), thoughtless);
    expect(alone.cachedTokens).toBe(0);
    expect(third.texts).toEqual(alone.texts);
  });

  it("leaves no file open and no process waiting", async () => {
    const script = `
      import { open } from ${JSON.stringify(new URL("../../src/index.ts", import.meta.url).href)};
      import { readdirSync } from "node:fs";
      const files = () => readdirSync("/proc/self/fd").length;
      const before = files();
      const model = await open();
      const open_ = files() - before;
      for await (const _ of model.generate([1, 6], { maxTokens: 2 }));
      console.log(JSON.stringify({ open_ }));
    `;
    // No close(): an idle model must not keep its process alive.
    const typescript = new URL("../../assembly/read-typescript.js", import.meta.url).href;
    // Flags of the process that its threads must not, or cannot, be given.
    const flags = ["--import", typescript, "--input-type=module", "--max-old-space-size=512", "--expose-gc"];
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, "--eval", script], { timeout: 20_000 });
    // What the threads themselves hold: pipes and event files, but not the model.
    expect(JSON.parse(stdout).open_).toBeLessThan(40);
  });

  it("takes an option of undefined for one left out", async () => {
    const model = await openNano();
    const texts = (options: object) => textOf(model.chat(HELLO, { seed: 5, ...options }));
    const left = { temperature: undefined, maxTokens: undefined, stopIds: undefined, signal: undefined };
    expect(await texts(left)).toEqual(await texts({}));
    const greedy: number[] = [];
    for await (const id of model.generate(hello.ids, { temperature: undefined })) greedy.push(id);
    expect(greedy).toEqual(hello.greedy_ids);
  });

  it("ends at the stop id that the config states when there is no tokenizer", async () => {
    const files = await Promise.all(
      ["config.json", "generation_config.json", "model.safetensors"].map(
        async (name) => new File([await readFile(golden(`nano/hf/${name}`))], name),
      ),
    );
    const model = await openNano(files, { mode: "exact" });
    const ids: number[] = [];
    for await (const id of model.generate(hello.ids, { maxTokens: 60 })) ids.push(id);
    expect(ids).toEqual(hello.greedy_ids);
  });

  it("ends a request whose listener throws, and no other", async () => {
    const model = await openNano();
    const onProgress = (): void => {
      throw new Error("my mistake");
    };
    await expect(model.logits([1, 2], { onProgress })).rejects.toThrow("my mistake");
    expect((await model.logits([1, 2])).rows).toBe(2);
  });

  it("refuses what is no option, and stays usable", async () => {
    const model = await openNano();
    const stopIds = [() => {}] as never;
    await expect(model.generate([1], { stopIds }).next()).rejects.toHaveProperty("name", "OptionError");
    expect((await model.logits([1])).rows).toBe(1);
  });

  it("calls tools, waits for their results, and reads them", async () => {
    const model = await openNano(undefined, { mode: "exact" });
    const [, , , , { prompt }] = JSON.parse(readFileSync(golden("nano/golden.json"), "utf8"));
    const tools = JSON.parse(/<\|tool_list_start\|>(.*)<\|tool_list_end\|>/.exec(prompt)?.[1] as string);
    const messages: ChatMessage[] = [{ role: "user", content: "What's the weather in Paris?" }];
    expect(await model.encodeChat(messages, { tools })).toEqual(await (await model.tokenizer()).encode(prompt));
    const reasons: string[] = [];
    const options = {
      tools,
      temperature: 0,
      repetitionPenalty: 1,
      onFinish: (end: Summary) => reasons.push(end.finishReason),
    };
    const answers = [createAnswerCollector(), createAnswerCollector()];
    for await (const delta of model.chat(messages, options)) answers[0].push(delta);
    const called = { name: "get_weather", arguments: '{"city":"Paris"}' };
    expect(answers[0].toolCalls).toEqual([{ index: 0, id: "call_0", type: "function", function: called }]);
    const content = '{"city": "Paris", "temperature": 11, "condition": "clear"}';
    messages.push(answers[0].message(), { role: "tool", tool_call_id: "call_0", content });
    for await (const delta of model.chat(messages, options)) answers[1].push(delta);
    expect(answers[1].message().content).toBe("It is 11°C and clear in Paris.");
    // The call is whole after 28 of 30 tokens, but the answer is cut.
    for await (const _ of model.chat(messages.slice(0, 1), { ...options, maxTokens: 28 }));
    expect(reasons).toEqual(["tool_calls", "stop", "length"]);
  });

  it("answers requests one after another, however they are sent", async () => {
    const model = await openNano();
    const options = { temperature: 0, repetitionPenalty: 1 };
    const answers = await Promise.all([1, 2, 3].map(() => textOf(model.chat(HELLO, options))));
    for (const { content } of answers) expect(content).toBe("Hello! How can I help you?");
  });

  it("refuses requests once closed, and ends the one under way", async () => {
    const model = await openNano();
    const pending = model.logits(LONG);
    const ended = expect(pending).rejects.toThrow("The model has been closed.");
    await model.close();
    await ended;
    await expect(model.logits([1])).rejects.toThrow("The model has been closed. Open it again to use it.");
  });

  const refused: [string, (model: LanguageModel) => Promise<unknown>, string][] = [
    [
      "an id outside the vocabulary",
      (m) => m.logits([2048]),
      "prompt: expected token ids in [0, 2048), found 2048 at index 0.",
    ],
    ["a prompt beyond the context", (m) => m.logits(Array(4097).fill(20)), "prompt: expected at most 4096 token ids"],
    ["no prompt", (m) => m.generate([]).next(), "prompt: expected at least one token id, found none."],
    ["a temperature below zero", (m) => m.generate([1], { temperature: -1 }).next(), "temperature: expected 0"],
    [
      "zero new tokens",
      (m) => m.generate([1], { maxTokens: 0 }).next(),
      "maxTokens: expected an integer of at least 1, found 0.",
    ],
    ["no messages", (m) => m.chat([]).next(), "messages: expected at least one, found none."],
    ["an unknown role", (m) => m.chat([{ role: "robot", content: "" } as never]).next(), "role"],
  ];
  it.each(refused)("refuses %s, and stays usable", async (_, ask, message) => {
    const model = await openNano();
    await expect(ask(model)).rejects.toThrow(message);
    expect((await model.logits([1])).rows).toBe(1);
  });
});
