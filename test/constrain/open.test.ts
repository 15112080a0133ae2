// Formats and tools as users of a model state them.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ChatOptions, type LanguageModel, open, type Summary } from "../../src/index.ts";

const tools = [
  {
    type: "function",
    function: {
      name: "get_weather",
      parameters: { type: "object", properties: { city: { type: "string", maxLength: 12 } }, required: ["city"] },
    },
  },
];

let model: LanguageModel;
beforeAll(async () => {
  model = await open();
});
afterAll(() => model.close());

/** The ids' text, markers and all: what `chat` reads the answer from. */
async function written(question: string, options: ChatOptions): Promise<{ pieces: string; end: Summary }> {
  let end: Summary | undefined;
  const pieces: string[] = [];
  const onFinish = (summary: Summary): void => {
    end = summary;
  };
  const messages = [{ role: "user" as const, content: question }];
  for await (const piece of model.chat(messages, { temperature: 0, ...options, onFinish }))
    pieces.push(JSON.stringify(piece));
  return { pieces: pieces.join("\n"), end: end as Summary };
}

const number = { type: "regex", pattern: "[0-9]{3}" } as const;

describe("a chat that is held to a format", () => {
  it("thinks first as the model likes, or not at all", async () => {
    const thought = await written("How many experts does LFM2 have?", { responseFormat: number });
    expect(thought.pieces).toContain("xperts");
    const atOnce = await written("How many experts does LFM2 have?", { responseFormat: number, mayThink: false });
    expect(atOnce.pieces).not.toContain("xperts");
    // Three digits, however they are cut into tokens, and the end.
    expect(atOnce.end.newTokens).toBeLessThanOrEqual(4);
    expect(atOnce.end.finishReason).toBe("stop");
  });

  it("calls a tool when it must, and none when it must not", async () => {
    const plain = await written("Hello!", { tools });
    expect(plain.pieces).not.toContain("get");
    const called = await written("Hello!", { tools, toolChoice: "required" });
    expect(called.pieces).toContain("get");
    // A model bent on calling may, or may not.
    const start = model.tokenizer?.idOf("<|tool_call_start|>") as number;
    const bent = { tools, mayThink: false, logitBias: { [start]: 100 }, maxTokens: 40 };
    const asked = await written("Hello!", { ...bent, toolChoice: "auto" });
    expect(asked.pieces).toContain('"name":"get_weather"');
    const silent = await written("Hello!", { ...bent, toolChoice: "none" });
    expect(silent.pieces).not.toContain("get_weather");
    expect(silent.pieces).toContain('"content"');
  });

  it("says length when it is cut", async () => {
    const { end } = await written("Hello!", {
      responseFormat: { type: "regex", pattern: "a{50}b" },
      maxTokens: 5,
      mayThink: false,
    });
    expect(end).toMatchObject({ finishReason: "length", newTokens: 5 });
  });

  it("may alternate with others and with none on one model", async () => {
    const free = await written("Hello!", {});
    const first = await written("Hello!", { responseFormat: number });
    await written("Hello!", { responseFormat: { type: "json_object" }, maxTokens: 20 });
    expect((await written("Hello!", { responseFormat: number })).pieces).toBe(first.pieces);
    expect((await written("Hello!", {})).pieces).toBe(free.pieces);
  });

  it("refuses by name, in the caller's thread, and works on", async () => {
    const refused = written("Hello!", { responseFormat: { type: "json_schema", schema: { uniqueItems: true } } });
    await expect(refused).rejects.toMatchObject({
      name: "ConstraintError",
      message: expect.stringMatching(/^schema\.uniqueItems: /),
    });
    await expect(written("Hello!", { responseFormat: number, stopIds: [] })).rejects.toThrow(
      "stopIds: expected an id that ends the answer once it is complete, found none.",
    );
    await expect(written("Hello!", { toolChoice: "required" })).rejects.toThrow("tools: expected 1 to 1024 tools");
    expect((await written("Hello!", {})).end.finishReason).toBe("stop");
  });

  it("gives one text for one seed", async () => {
    const options: ChatOptions = { responseFormat: { type: "json_object" }, temperature: 1, seed: 3, maxTokens: 60 };
    expect(await written("Hello!", options).then(({ pieces }) => pieces)).toBe(
      (await written("Hello!", options)).pieces,
    );
  });
});

describe("a text that is held to a format", () => {
  it("is one", async () => {
    let text = "";
    for await (const piece of model.complete("Once upon a time", { responseFormat: number })) text += piece;
    expect(text).toMatch(/^[0-9]{3}$/);
  });
});
