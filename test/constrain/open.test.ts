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
    const start = (await model.tokenizer()).idOf("<|tool_call_start|>") as number;
    const bent = { tools, mayThink: false, logitBias: { [start]: 100 }, maxTokens: 40 };
    const asked = await written("Hello!", { ...bent, toolChoice: "auto" });
    expect(asked.pieces).toContain('"name":"get_weather"');
    const silent = await written("Hello!", { ...bent, toolChoice: "none" });
    expect(silent.pieces).not.toContain("get_weather");
    expect(silent.pieces).toContain('"content"');
  });

  it("does not think where it must not, held or free, and needs no stop id where it is free", async () => {
    for (const toolChoice of ["auto", "none"] as const) {
      const { pieces } = await written("Hello!", { tools, toolChoice, mayThink: false, maxTokens: 12, stopIds: [] });
      expect(pieces).not.toContain("reasoning_content");
      expect(pieces).toMatch(/"content"|"tool_calls"/);
    }
    expect((await written("Hello!", { tools, toolChoice: "none", maxTokens: 12 })).pieces).toContain(
      "reasoning_content",
    );
  });

  it("can be given up while it waits for another", async () => {
    const fresh = await open();
    const long = fresh.generate([1, 6, 330], { maxTokens: 3000, stopIds: [] });
    await long.next();
    const options = { responseFormat: number, signal: AbortSignal.timeout(50) };
    const waiting = fresh.chat([{ role: "user", content: "Hello!" }], options).next();
    const drained = (async () => {
      for await (const _ of long);
      return "the long one ended first";
    })();
    const first = await Promise.race([waiting.catch((error: Error) => error.name), drained]);
    expect(first).toBe("TimeoutError");
    await fresh.close();
    await expect(drained).rejects.toHaveProperty("name", "WorkerError");
  });

  it("says length when it is cut", async () => {
    const { end } = await written("Hello!", {
      responseFormat: { type: "regex", pattern: "a{50}b" },
      maxTokens: 5,
      mayThink: false,
    });
    expect(end).toMatchObject({ finishReason: "length", newTokens: 5 });
  });

  describe("ends where the format does", () => {
    const idOf = async (text: string): Promise<number> => (await model.tokenizer()).idOf(text) as number;
    const bent = { mayThink: false, maxTokens: 60, logitBias: {} as Record<number, number> };
    const contentOf = ({ pieces }: { pieces: string }): string =>
      pieces
        .split("\n")
        .map((piece) => JSON.parse(piece).content ?? "")
        .join("");

    it("also where a stop id is a text that the model would rather write", async () => {
      const mark = await idOf("!");
      const options = { ...bent, stopIds: [mark], logitBias: { [mark]: 100 } };
      const choice = (...choices: string[]) => ({ responseFormat: { type: "choice", choices } as const });
      const answer = await written("Hello!", { ...options, ...choice("yes", "no") });
      expect(["yes", "no"]).toContain(contentOf(answer));
      expect(answer.end.finishReason).toBe("stop");
      // Within the format, the stop id never comes; what needs it is refused by name.
      const marked = written("Hello!", { ...options, ...choice("a!", "b!") });
      await expect(marked).rejects.toMatchObject({
        name: "ConstraintError",
        message: expect.stringMatching(
          /^stopIds: expected ids without which the format can be written, found that only /,
        ),
      });
      expect((await written("Hello!", {})).end.finishReason).toBe("stop");
    });

    it("also within a call, which its own end marker may end", async () => {
      const [start, end] = [await idOf("<|tool_call_start|>"), await idOf("<|tool_call_end|>")];
      const options = { ...bent, tools, toolChoice: { name: "get_weather" } } as const;
      const called = await written("Hello!", { ...options, stopIds: [end] });
      expect(called.pieces).toContain('"name":"get_weather"');
      expect(called.end.finishReason).toBe("tool_calls");
      const impossible = written("Hello!", { ...options, stopIds: [start] });
      await expect(impossible).rejects.toThrow(`stopIds: expected ids without which the format can be written`);
      // Neither a stop id nor a stop string ends a call that the model chose to make.
      const stopIds = [await idOf("(")];
      const chosen = { ...bent, tools, stopIds, stop: "get_weather", logitBias: { [start]: 50, [stopIds[0]]: 40 } };
      const cut = await written("Hello!", { ...chosen, toolChoice: "auto", maxTokens: 6 });
      expect([contentOf(cut).startsWith("[get"), cut.end.finishReason]).toEqual([true, "length"]);
    });

    it("so that it takes no stop strings", async () => {
      const message = "stop: expected none beside responseFormat, as an answer in a format ends where the format does";
      await expect(written("Hello!", { responseFormat: number, stop: "\n" })).rejects.toThrow(message);
      await expect(model.complete("One", { responseFormat: number, stop: ["1"] }).next()).rejects.toThrow(message);
      expect((await written("Hello!", { ...bent, responseFormat: number, stop: [] })).end.finishReason).toBe("stop");
    });
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

describe("a stop id that has a text", () => {
  it("ends an answer, and its text is not given out", async () => {
    const mark = (await model.tokenizer()).idOf("!") as number;
    const options = { temperature: 0, stopIds: [mark], logitBias: { [mark]: 100 }, maxTokens: 5 };
    const answer = await written("Hello!", options);
    expect([answer.pieces, answer.end.finishReason, answer.end.newTokens]).toEqual(["", "stop", 1]);
    let [text, reason] = ["", ""];
    const onFinish = ({ finishReason }: Summary): void => {
      reason = finishReason;
    };
    for await (const piece of model.complete("One", { ...options, onFinish })) text += piece;
    expect([text, reason]).toEqual(["", "stop"]);
  });
});
