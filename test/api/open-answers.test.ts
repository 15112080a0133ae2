// What an answer in text can be asked for: stop strings, a thinking budget, reports of tokens, several answers.
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { choices, type LanguageModel, open, type Summary, type TokenReport } from "../../src/index.ts";
import { golden } from "../model/run.ts";

const HELLO = [{ role: "user" as const, content: "Hello!" }];
const GREEDY = { temperature: 0, repetitionPenalty: 1 };
const THOUGHT = "A greeting in English. Reply in English.";
const ANSWER = "Hello! How can I help you?";

let model: LanguageModel;
beforeAll(async () => {
  model = await open(undefined, { mode: "exact" });
});
afterAll(() => model.close());

/** The texts of an answer by kind, and how it ended. */
async function chat(options: Parameters<LanguageModel["chat"]>[1], asked = model, messages = HELLO) {
  const texts = { thinking: "", text: "" };
  let summary: Summary | undefined;
  const onFinish = (finished: Summary): void => {
    summary = finished;
  };
  for await (const delta of asked.chat(messages, { ...options, onFinish })) {
    texts.thinking += delta.reasoning_content ?? "";
    texts.text += delta.content ?? "";
  }
  return { ...texts, summary: summary as unknown as Summary };
}

async function complete(prompt: string, options: Parameters<LanguageModel["complete"]>[1]) {
  const pieces: string[] = [];
  for await (const piece of model.complete(prompt, options)) pieces.push(piece);
  return pieces.join("");
}

describe("stop", () => {
  it("ends a chat before any part of its text, and nowhere in the thought", async () => {
    const whole = await chat(GREEDY);
    expect(whole).toMatchObject({ thinking: THOUGHT, text: ANSWER, summary: { finishReason: "stop" } });
    expect(whole.summary.stopped).toBeUndefined();
    for (let begin = 0; begin + 4 <= ANSWER.length; begin++) {
      const stop = ANSWER.slice(begin, begin + 4);
      const { thinking, text, summary } = await chat({ ...GREEDY, stop: ["English", stop] });
      expect(thinking).toBe(THOUGHT);
      expect(text).toBe(ANSWER.slice(0, ANSWER.indexOf(stop)));
      expect(summary).toMatchObject({ finishReason: "stop", stopped: stop });
      expect(summary.newTokens).toBeLessThan(whole.summary.newTokens);
      expect(summary.decodeMs).toBeGreaterThan(0);
    }
  });

  it("that is never met changes nothing, though the text ends with its beginning", async () => {
    const { text, summary } = await chat({ ...GREEDY, stop: "you? Or" });
    expect(text).toBe(ANSWER);
    expect(summary.finishReason).toBe("stop");
    expect(summary.stopped).toBeUndefined();
  });

  it("ends a text that is continued, and counts before a limit on tokens", async () => {
    const options = { ...GREEDY, maxTokens: 30 };
    const whole = await complete("Once upon a time", options);
    expect(await complete("Once upon a time", { ...options, stop: `${whole.slice(-3)} never` })).toBe(whole);
    for (const begin of [0, 5, 9, 14]) {
      const stop = whole.slice(begin, begin + 6);
      let summary: Summary | undefined;
      const ended = { ...options, stop, onFinish: (finished: Summary) => (summary = finished) };
      expect(await complete("Once upon a time", ended)).toBe(whole.slice(0, whole.indexOf(stop)));
      expect(summary).toMatchObject({ finishReason: "stop", stopped: stop });
      // The stop string is complete with the last token that is allowed.
      const { newTokens } = summary as unknown as Summary;
      await complete("Once upon a time", { ...ended, maxTokens: newTokens });
      expect(summary).toMatchObject({ finishReason: "stop", stopped: stop, newTokens });
    }
  });
});

describe("stop, at the very end", () => {
  it("is told of when it is met in the remains of a call that was cut", async () => {
    const tools = [
      {
        type: "function",
        function: {
          name: "get_weather",
          parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
        },
      },
    ];
    const ask = (stop: string[], toolChoice?: "auto") => {
      const messages = [{ role: "user" as const, content: "What's the weather in Paris?" }];
      return chat({ ...GREEDY, tools, toolChoice, maxTokens: 22, stop }, model, messages);
    };
    const cut = await ask([]);
    expect(cut.text).toContain("get");
    expect(cut.summary.finishReason).toBe("length");
    const met = await ask(["get"]);
    expect(met.text).toBe(cut.text.slice(0, cut.text.indexOf("get")));
    expect(met.summary).toMatchObject({ finishReason: "stop", stopped: "get" });
    // A call that is held to its grammar is whole, or was cut.
    expect((await ask(["get"], "auto")).summary).toMatchObject({ finishReason: "length" });
  });
});

describe("thinkingBudget", () => {
  /** A template that opens the thought itself. */
  async function openThinker(): Promise<LanguageModel> {
    const names = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"];
    const files = names.map(async (name) => new File([await readFile(golden(`nano/hf/${name}`))], name));
    const template = await readFile(golden("nano/hf/chat_template.jinja"), "utf8");
    const opening = new File([`${template}{{- "<think>" if add_generation_prompt -}}`], "chat_template.jinja");
    return open([...(await Promise.all(files)), opening], { mode: "exact" });
  }

  it("cuts the thought after so many tokens, whoever opened it, and the answer goes on", async () => {
    const thinker = await openThinker();
    try {
      const { encode, decode } = await model.tokenizer();
      const thought = await encode(THOUGHT);
      for (const thinkingBudget of [0, 1, 3, thought.length, thought.length + 5]) {
        for (const asked of [model, thinker]) {
          const ids: number[] = [];
          const { thinking, text } = await chat(
            { ...GREEDY, thinkingBudget, onToken: ({ id }) => ids.push(id) },
            asked,
          );
          expect(thinking).toBe(decode(thought.slice(0, thinkingBudget)));
          expect(text.length).toBeGreaterThan(10);
          const opened = asked === thinker ? [] : await encode("<think>");
          const begin = [...opened, ...thought.slice(0, thinkingBudget), ...(await encode("</think>"))];
          expect(ids.slice(0, begin.length)).toEqual(begin);
        }
      }
      // A model that would only ever close the thought it has already closed.
      const [close] = await encode("</think>");
      const ids: number[] = [];
      const stubborn = { ...GREEDY, thinkingBudget: 0, logitBias: { [close]: 100 }, maxTokens: 8 };
      const { thinking, text } = await chat({ ...stubborn, onToken: ({ id }) => ids.push(id) }, thinker);
      expect(ids.map((id) => id === close)).toEqual([true, ...Array(ids.length - 1).fill(false)]);
      expect([thinking, text]).toEqual(["", decode(ids.slice(1))]);
    } finally {
      await thinker.close();
    }
  });
});

describe("templates by name", () => {
  const say = (text: string): string => `${text}: {% for m in messages %}{{ m.content }}{% endfor %}`;
  async function openWith(names: readonly string[]): Promise<LanguageModel> {
    const files = ["config.json", "model.safetensors", "tokenizer.json"].map(
      async (name) => new File([await readFile(golden(`nano/hf/${name}`))], name),
    );
    const config = JSON.parse(await readFile(golden("nano/hf/tokenizer_config.json"), "utf8"));
    const list = names.map((name) => ({ name, template: say(name) }));
    const stated = new File([JSON.stringify({ ...config, chat_template: list })], "tokenizer_config.json");
    return open([...(await Promise.all(files)), stated]);
  }

  it("write a conversation with tools by the one for tools, and name themselves where none will do", async () => {
    const [both, only] = await Promise.all([openWith(["default", "tool_use"]), openWith(["tool_use"])]);
    const written = async (asked: LanguageModel, tools?: { name: string }[]) => {
      const { decode } = await asked.tokenizer();
      return decode(await asked.encodeChat(HELLO, { tools }));
    };
    try {
      expect(await written(both)).toContain("default: Hello!");
      expect(await written(both, [{ name: "f" }])).toContain("tool_use: Hello!");
      await expect(written(only)).rejects.toThrow('expected one called "default", found tool_use');
      expect(await written(only, [{ name: "f" }])).toContain("tool_use: Hello!");
    } finally {
      await Promise.all([both.close(), only.close()]);
    }
  });
});

describe("onToken", () => {
  it("is told every token with its text and bytes, and what generate gives", async () => {
    const told: TokenReport[] = [];
    const { thinking, text } = await chat({ ...GREEDY, onToken: (token) => told.push(token) });
    const ids: number[] = [];
    for await (const id of model.generate(await model.encodeChat(HELLO))) ids.push(id);
    expect(told.map(({ id }) => id)).toEqual(ids);
    expect(told.map((token) => token.text).join("")).toBe(`<think>${thinking}</think>${text}<|im_end|>`);
    const bytes = told.flatMap((token) => [...(token.bytes as Uint8Array)]);
    expect(new TextDecoder().decode(Uint8Array.from(bytes))).toBe(told.map((token) => token.text).join(""));
    expect(told.some((token) => "logprob" in token || "top" in token)).toBe(false);
  });

  it("is told the log-softmax of the logits and the most likely tokens, whatever sampling does to them", async () => {
    const told: TokenReport[] = [];
    const prompt = await model.encodeChat(HELLO);
    const { textOf } = await model.tokenizer();
    const options = { temperature: 3, seed: 2, topK: 20, logitBias: { 300: 2 }, maxTokens: 10, stopIds: [] };
    const topLogprobs = 3;
    for await (const _ of model.generate(prompt, { ...options, topLogprobs, onToken: (token) => told.push(token) }));
    expect(told.some(({ id, top }) => id !== top?.[0].id)).toBe(true);
    const { data, cols } = await model.logits([...prompt, ...told.map(({ id }) => id)]);
    told.forEach(({ id, logprob, top }, i) => {
      const row = data.subarray((prompt.length - 1 + i) * cols, (prompt.length + i) * cols);
      const total = Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0));
      expect(logprob).toBeCloseTo(row[id] - total, 9);
      expect(top?.length).toBe(3);
      expect(top?.[0].logprob).toBeCloseTo(Math.max(...row) - total, 9);
      for (const token of top ?? []) expect(token.logprob).toBeCloseTo(row[token.id] - total, 9);
      expect(top?.[0].text).toBe(textOf(top?.[0].id as number));
    });
  });

  it("that throws ends the answer", async () => {
    const onToken = (): void => {
      throw new Error("my mistake");
    };
    await expect(chat({ onToken })).rejects.toThrow("my mistake");
  });
});

describe("choices", () => {
  it("are the answers that separate runs with seed, seed + 1, … give", async () => {
    const options = { temperature: 1.3, seed: 40, maxTokens: 15 };
    const answers: string[] = [];
    for await (const { index, piece } of choices(3, options, (more) => model.chat(HELLO, more))) {
      answers[index] = (answers[index] ?? "") + (piece.reasoning_content ?? piece.content);
    }
    for (const [i, answer] of answers.entries()) {
      const { thinking, text } = await chat({ ...options, seed: 40 + i });
      expect(answer).toBe(thinking + text);
    }
    expect(new Set(answers).size).toBe(3);
  });

  it("are equal at temperature 0", async () => {
    const answers = ["", ""];
    const ask = (more: object) => model.complete("Once upon a time", { ...more, maxTokens: 12 });
    for await (const { index, piece } of choices(2, GREEDY, ask)) answers[index] += piece;
    expect(answers[0].length).toBeGreaterThan(10);
    expect(answers[1]).toBe(answers[0]);
  });
});

describe("an answer", () => {
  it("follows a bias: an id with 100 is all there is", async () => {
    const { eosIds } = await model.tokenizer();
    const [end] = eosIds;
    expect(await chat({ seed: 1, logitBias: { [end]: 100 } })).toMatchObject({
      thinking: "",
      text: "",
      summary: { newTokens: 1, finishReason: "stop" },
    });
  });

  it.each<[object, string, string]>([
    [{ stop: "" }, "SamplingError", "stop: expected a string of 1 to 1000 characters, found one of 0."],
    [{ thinkingBudget: -1 }, "OptionError", "thinkingBudget: expected an integer of at least 0, found -1."],
    [{ topLogprobs: 21 }, "OptionError", "topLogprobs: expected an integer from 0 to 20, found 21."],
    [{ logitBias: { 2048: 1 } }, "SamplingError", "logitBias: expected token ids from 0 to 2047, found 2048."],
    [{ order: "vllm" }, "SamplingError", 'order: expected transformers or llama.cpp, found "vllm".'],
  ])("is refused with %o", async (options, name, message) => {
    const refused = expect(chat(options));
    await refused.rejects.toThrow(message);
    await expect(chat(options)).rejects.toHaveProperty("name", name);
    expect((await chat(GREEDY)).text).toBe(ANSWER);
  });
});
