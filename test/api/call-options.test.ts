// Wrong options of every call: a named error that says what was expected, before anything is computed.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { evaluate, type LanguageModel, open, planTrace, writeTrace } from "../../src/index.ts";

let model: LanguageModel;
beforeAll(async () => {
  model = await open();
});
afterAll(() => model.close());

const hello = [{ role: "user" as const, content: "Hello!" }];

/** What a call with these options says, as [name, message]. */
async function said(call: string, options: unknown, input: unknown = undefined): Promise<[string, string]> {
  const calls: Record<string, (input: never, options: never) => AsyncIterable<unknown> | Promise<unknown>> = {
    generate: (ids = [1, 2] as never, own) => model.generate(ids, own),
    chat: (messages = hello as never, own) => model.chat(messages, own),
    complete: (prompt = "a" as never, own) => model.complete(prompt, own),
    logits: (ids = [1, 2] as never, own) => model.logits(ids, own),
    trace: (ids = [1, 2] as never, own) => model.trace(ids, own),
    encodeChat: (messages = hello as never, own) => model.encodeChat(messages, own),
    writeTrace: (ids = [1, 2] as never, own) => writeTrace("nowhere", model, ids, own),
    evaluate: (plan = { windows: [] } as never, own) => evaluate(model, plan, own),
  };
  try {
    const result = calls[call](input as never, options as never);
    if (Symbol.asyncIterator in result) for await (const _ of result) break;
    else await result;
  } catch (error) {
    const { name, message } = error as Error;
    return [name, message];
  }
  return ["none", ""];
}

it("a temperature of null is refused: it would be greedy without a word", async () => {
  const [name, message] = await said("chat", { temperature: null });
  expect([name, message.split(":")[0]]).toEqual(["SamplingError", "temperature"]);
});

describe("a wrong option", () => {
  it.each<[string, unknown, string]>([
    ["generate", 5, "options: expected an object, found a number."],
    ["generate", [], "options: expected an object, found a list."],
    ["generate", { maxTokens: 1.5 }, "maxTokens: expected an integer of at least 1, found 1.5."],
    ["chat", { maxTokens: "9" }, 'maxTokens: expected an integer of at least 1, found "9".'],
    ["generate", { stopIds: [1.5] }, "stopIds: expected a list of token ids, found [1.5]."],
    ["generate", { stopIds: [7, 2048] }, "stopIds: expected token ids in [0, 2048), found 2048 at index 1."],
    ["complete", { stopIds: [9e9] }, "stopIds: expected token ids in [0, 2048), found 9000000000 at index 0."],
    ["chat", { stopIds: [70000] }, "stopIds: expected token ids in [0, 2048), found 70000 at index 0."],
    ["chat", { stopIds: 7 }, "stopIds: expected a list of token ids, found 7."],
    ["chat", { now: Number.NaN }, "now: expected a valid Date, found NaN."],
    ["encodeChat", { now: new Date(Number.NaN) }, "now: expected a valid Date, found Invalid Date."],
    ["encodeChat", { parseSpecial: "some" }, 'parseSpecial: expected trusted or all, found "some".'],
    ["logits", { signal: {} }, "signal: expected an AbortSignal, found Object. Pass controller.signal."],
    ["trace", { signal: 1 }, "signal: expected an AbortSignal, found a number. Pass controller.signal."],
    ["logits", { onProgress: 5 }, "onProgress: expected a function, found a number."],
    ["chat", { onFinish: "x" }, "onFinish: expected a function, found a string."],
    ["generate", { onToken: {} }, "onToken: expected a function, found Object."],
    ["chat", { mayThink: 1 }, "mayThink: expected true or false, found 1."],
    ["trace", { points: "lm_head" }, 'points: expected a list of patterns, found "lm_head".'],
    [
      "chat",
      { responseFormat: { type: "json_schema", json_schema: { schema: {} } } },
      "responseFormat: expected the schema as `schema`, found OpenAI's json_schema. Pass { type",
    ],
    [
      "chat",
      { toolChoice: { type: "function", function: { name: "f" } } },
      "toolChoice: expected { name }, found OpenAI's",
    ],
  ])("of %s, %j, is refused", async (call, options, message) => {
    expect(await said(call, options)).toEqual(["OptionError", expect.stringContaining(message)]);
  });

  it.each<[unknown, string]>([
    [{ from: 1, end: 2 }, "positions: expected { from, to }, either of which may be left out, found { from, end }."],
    [5, "positions: expected { from, to }, either of which may be left out, found 5."],
    [[0, 1], "found [0,1]."],
    [{ from: -1 }, "positions: expected 0 ≤ from < to ≤ 2"],
  ])("of trace, positions %j, is refused", async (positions, message) => {
    const refused = ["PositionsError", expect.stringContaining(message)];
    expect(await said("trace", { positions })).toEqual(refused);
    expect(() => planTrace(model.config, 2, { positions: positions as never })).toThrow(message);
  });

  it.each<[unknown, string]>([
    [new Map([[5, 100]]), "found a Map. Pass Object.fromEntries(map)."],
    [new Set([5]), "found a Set."],
    [{ 5: 101 }, 'found {"5":101}.'],
  ])("of sampling, a logitBias of %j, is refused", async (logitBias, message) => {
    expect(await said("generate", { logitBias })).toEqual(["SamplingError", expect.stringContaining(message)]);
  });
});

describe("a name that is not known", () => {
  it.each([
    ["max_tokens", "maxTokens"],
    ["max_new_tokens", "maxTokens"],
    ["n_predict", "maxTokens"],
    ["top_p", "topP"],
    ["top_k", "topK"],
    ["min_p", "minP"],
    ["repeat_penalty", "repetitionPenalty"],
    ["logit_bias", "logitBias"],
    ["stop_sequences", "stop"],
    ["response_format", 'responseFormat: { type: "json_schema", schema }'],
    ["json_schema", 'responseFormat: { type: "json_schema", schema }'],
    ["tool_choice", "toolChoice"],
    ["sampling", "each option beside the others, not within another"],
  ])("but is elsewhere, %s, is led to ours", async (theirs, ours) => {
    for (const call of ["generate", "chat", "complete"]) {
      const [name, message] = await said(call, { [theirs]: { temperature: 1 } });
      expect([name, message]).toEqual([
        "OptionError",
        expect.stringMatching(`^${theirs}: expected an option of ${call} `),
      ]);
      expect(message.endsWith(` Here it is ${ours}.`)).toBe(true);
    }
  });

  it("at all is refused by every call, with those that are", async () => {
    for (const call of ["generate", "chat", "complete", "logits", "trace", "encodeChat", "writeTrace", "evaluate"]) {
      const [name, message] = await said(call, { topp: 1, maxTokens: undefined });
      expect(name).toBe("OptionError");
      expect(message).toMatch(/^topp: expected an option of \w+ \(.*signal.*\), found another\. Check the spelling\.$/);
    }
    expect(await said("logits", { temperature: 1 })).toEqual([
      "OptionError",
      expect.stringContaining("(edits, signal, onProg"),
    ]);
  });
});

describe("an input of the wrong kind", () => {
  it.each<[string, unknown, string]>([
    ["logits", 5, "ids: expected a list of token ids, found 5."],
    ["generate", "1,2", 'ids: expected a list of token ids, found "1,2".'],
    ["trace", null, "ids: expected a list of token ids, found null."],
    ["complete", 5, "prompt: expected a text, or a list of token ids, found 5."],
  ])("to %s, %j, is refused", async (call, input, message) => {
    expect(await said(call, undefined, input)).toEqual(["OptionError", message]);
  });

  it("of ids may be a typed array", async () => {
    const { data } = await model.logits([1, 2]);
    expect((await model.logits(Int32Array.of(1, 2) as never)).data).toEqual(data);
    expect(await said("logits", {}, [1, 1.5])).toEqual([
      "PromptError",
      expect.stringContaining("found 1.5 at index 1"),
    ]);
  });
});
