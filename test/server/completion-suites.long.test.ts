// More cases of public suites, each with its origin:
//
//   llama.cpp     ggml-org/llama.cpp, tools/server/tests/unit: test_completion.py (0876d42), test_tool_call.py (17d79a1),
//                 of which those about a server of many models, or about what a certain model says, are left out
//   compatcanary  CognizenOrg/compatcanary, src/probes.js (9a55e4c)
//
// What comes out otherwise here, docs/server.md names with its reason.
import { describe, expect, it } from "vitest";
import {
  anthropicCount,
  anthropicError,
  anthropicEvent,
  chatAnswer,
  chatChunk,
  completion,
  openaiError,
  openaiModelList,
  responseEvent,
  responseResource,
} from "./schemas.ts";
import { eventsOf, get, NAME, post, servedModel } from "./served.ts";

const served = servedModel();
// biome-ignore lint/suspicious/noExplicitAny: as JSON.parse has it
type Json = any;

async function ask(path: string, body: object): Promise<Json> {
  const response = await post(served.app(), path, body);
  const answer = await response.json();
  expect([response.status, answer.error ?? undefined]).toEqual([200, undefined]);
  return answer;
}

async function stream(path: string, body: object): Promise<Json[]> {
  const response = await post(served.app(), path, { ...body, stream: true });
  expect([response.status, response.headers.get("content-type")]).toEqual([
    200,
    expect.stringContaining("text/event-stream"),
  ]);
  const events = eventsOf(await response.text());
  if (path !== "/v1/responses") expect(events.at(-1)?.data).toBe("[DONE]");
  return events.filter(({ data }) => data !== "[DONE]").map(({ data }) => JSON.parse(data));
}

const user = (content: string) => ({ role: "user", content });

describe("llama.cpp, completions", () => {
  const path = "/v1/completions";
  const prompt = "I believe the meaning of life is";
  const textOf = (answer: Json): string => answer.choices[0].text;

  it("test_completion, _stream, _stream_vs_non_stream, _with_openai_library", async () => {
    for (const temperature of [0, 1]) {
      const own = { prompt, max_tokens: 8, temperature, seed: 42 };
      const answer = completion.parse(await ask(path, own));
      expect(answer.choices[0].finish_reason).toMatch(/^(length|stop)$/);
      expect(answer.timings.predicted_n).toBe(answer.usage.completion_tokens);
      expect(answer.timings.prompt_n + answer.timings.cache_n).toBe(answer.usage.prompt_tokens);
      const chunks = await stream(path, own);
      expect(chunks.map(textOf).join("")).toBe(textOf(answer));
    }
  });

  it("test_completion_stream_with_openai_library_stops", async () => {
    const whole = textOf(await ask(path, { prompt, max_tokens: 30, temperature: 0 }));
    const stop = whole.slice(6, 9);
    const chunks = await stream(path, { prompt, max_tokens: 30, temperature: 0, stop: ["User:\n", stop] });
    expect(chunks.map(textOf).join("")).toBe(whole.slice(0, whole.indexOf(stop)));
    expect(chunks.at(-1).choices[0].finish_reason).toBe("stop");
  });

  it("test_consistent_result_same_seed, test_cache_vs_nocache_prompt, test_different_result_different_seed", async () => {
    const own = { prompt, max_tokens: 12, temperature: 1 };
    const texts = new Set<string>();
    for (const cache_prompt of [true, false, true])
      texts.add(textOf(await ask(path, { ...own, seed: 42, cache_prompt })));
    expect(texts.size).toBe(1);
    for (let seed = 0; seed < 4; seed++) texts.add(textOf(await ask(path, { ...own, seed })));
    expect(texts.size).toBeGreaterThan(2);
  });

  it("test_nocache_long_input_prompt", async () => {
    const response = await post(served.app(), path, { prompt: prompt.repeat(800), cache_prompt: false });
    const { error } = openaiError.parse(await response.json());
    expect([response.status, error.code]).toEqual([400, "context_length_exceeded"]);
  });

  it("test_completion_with_tokens_input: ids, lists of ids and of texts; no list of both, as OpenAI has none", async () => {
    const { tokens } = await ask("/tokenize", { content: prompt, add_special: true });
    const own = { temperature: 0, max_tokens: 6 };
    const alone = textOf(await ask(path, { ...own, prompt }));
    for (const prompt of [tokens, [tokens, tokens], ["I believe the meaning of life is"]]) {
      const { choices } = completion.parse(await ask(path, { ...own, prompt }));
      for (const { text } of choices) expect(text).toBe(alone);
    }
    expect((await post(served.app(), path, { ...own, prompt: [tokens, prompt] })).status).toBe(400);
    expect((await post(served.app(), path, { ...own, prompt: [1, prompt] })).status).toBe(400);
  });

  it("test_completion_parallel_slots", async () => {
    const prompts = [
      "Write a very long book.",
      "Write another a poem.",
      "What is LLM?",
      "The sky is blue.",
      "A joke.",
      "Go.",
    ];
    const own = (prompt: string) => ({ prompt, seed: 42, temperature: 1, max_tokens: 10 });
    const together = await Promise.all(prompts.map((one) => ask(path, own(one))));
    for (const [i, one] of prompts.entries()) expect(textOf(together[i])).toBe(textOf(await ask(path, own(one))));
  });

  it("test_n_probs, _stream: as logprobs", async () => {
    const own = { prompt, logprobs: 10, temperature: 0, max_tokens: 5 };
    const { choices } = completion.parse(await ask(path, own));
    const chunks = (await stream(path, own)).map(({ choices }) => choices[0].logprobs);
    const all = [[choices[0].logprobs], chunks];
    for (const parts of all) {
      const tokens = parts.flatMap(({ token_logprobs }: Json) => token_logprobs);
      const tops = parts.flatMap(({ top_logprobs }: Json) => top_logprobs);
      expect(tokens).toEqual(choices[0].logprobs.token_logprobs);
      expect(tokens.length).toBeGreaterThan(1);
      for (const [i, logprob] of tokens.entries()) {
        expect(logprob).toBeLessThanOrEqual(0);
        expect(Math.max(...Object.values<number>(tops[i]))).toBe(logprob);
      }
    }
  });

  it("test_logit_bias", async () => {
    const { tokens } = await ask("/tokenize", { content: " the" });
    const logit_bias = Object.fromEntries(tokens.map((id: number) => [id, -100]));
    const biased = await ask(path, { prompt, temperature: 0, max_tokens: 30, logit_bias });
    expect((await ask("/tokenize", { content: textOf(biased) })).tokens).not.toContain(tokens[0]);
  });

  it("test_cancel_request", async () => {
    const app = served.app();
    const own = { prompt, max_tokens: 3000, logit_bias: { 2: -100, 7: -100 }, stream: true };
    const response = await post(app, path, own);
    await response.body?.cancel();
    for (let tries = 0; tries < 500 && served.model.activity().running > 0; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(served.model.activity().running).toBe(0);
    expect(await (await get(app, "/ready")).json()).toMatchObject({ running: 0, waiting: 0 });
  });
});

describe("llama.cpp, tool calls", () => {
  const path = "/v1/chat/completions";
  const tool = (name: string, properties: object) => ({
    type: "function",
    function: { name, description: "", parameters: { type: "object", properties, required: Object.keys(properties) } },
  });
  const test = tool("test", { success: { type: "boolean", const: true } });
  const python = tool("python", { code: { type: "string", maxLength: 40 } });
  const coding = [{ role: "system", content: "You are a coding assistant." }, user("Write an example")];

  it.each([
    [test, "success"],
    [python, "code"],
  ])("test_completion_with_required_tool_tiny, _real_model: %j", async (one, key) => {
    const own = {
      max_tokens: 200,
      messages: coding,
      tool_choice: "required",
      tools: [one],
      parallel_tool_calls: false,
    };
    const answer = chatAnswer.parse(await ask(path, { ...own, temperature: 0, top_k: 1, top_p: 1 }));
    const chunks = (await stream(path, { ...own, temperature: 0, top_k: 1, top_p: 1 })).map((chunk) =>
      chatChunk.parse(chunk),
    );
    const streamed = chunks.flatMap(({ choices }) => choices).flatMap(({ delta }) => delta.tool_calls ?? []);
    for (const calls of [answer.choices[0].message.tool_calls, streamed]) {
      expect(calls).toHaveLength(1);
      expect(calls[0].function.name).toBe(one.function.name);
      expect(JSON.parse(calls[0].function.arguments)).toHaveProperty(key);
    }
    expect(answer.choices[0].message.content).toBeNull();
  });

  it("test_completion_without_tool_call", async () => {
    const messages = [coding[0], user("say hello world with python")];
    for (const own of [{ tools: null }, { tools: [] }, { tools: [python], tool_choice: "none" }]) {
      const { choices } = chatAnswer.parse(await ask(path, { messages, max_tokens: 64, ...own }));
      expect(choices[0].message.tool_calls).toBeUndefined();
      const chunks = await stream(path, { messages, max_tokens: 64, ...own });
      expect(chunks.flatMap(({ choices }) => choices).filter(({ delta }) => delta?.tool_calls)).toEqual([]);
    }
  });

  it("test_calc_result: a call and its result in the history, by id and by name", async () => {
    const called = {
      id: "call_6789",
      type: "function",
      function: { name: "calculate", arguments: '{"expression":"sin(30)"}' },
    };
    const messages = [
      { role: "system", content: "You are a tools-calling assistant." },
      user("What's the y coordinate of a point on the unit sphere at angle 30 degrees?"),
      { role: "assistant", content: null, tool_calls: [called] },
      { role: "tool", name: "calculate", content: "0.55644242476", tool_call_id: "call_6789" },
    ];
    const tools = [tool("calculate", { expression: { type: "string" } })];
    chatAnswer.parse(await ask(path, { messages, tools, max_tokens: 32 }));
  });

  it("test_thoughts: apart from what is said, and left out where it is told so", async () => {
    const own = { messages: [user("What's the sum of 102 and 7?")], max_tokens: 100, temperature: 0 };
    const [{ message }] = (await ask(path, own)).choices;
    expect(message.reasoning_content.length).toBeGreaterThan(0);
    expect(message.content).not.toMatch(/<\/?think>/);
    const [silent] = (await ask(path, { ...own, chat_template_kwargs: { enable_thinking: false } })).choices;
    expect(silent.message.reasoning_content ?? "").toBe("");
  });
});

describe("compatcanary", () => {
  const messages = [user("Reply briefly with CANARY_OK.")];

  it("models.list", async () => {
    const list = openaiModelList.parse(await (await get(served.app(), "/v1/models")).json());
    expect(list.data.map(({ id }: Json) => id)).toContain(NAME);
  });

  it("chat.basic, chat.streaming", async () => {
    const answer = chatAnswer.parse(await ask("/v1/chat/completions", { model: NAME, messages }));
    expect(typeof answer.choices[0].message.content).toBe("string");
    for (const chunk of await stream("/v1/chat/completions", { model: NAME, messages })) chatChunk.parse(chunk);
  });

  it("chat.tool_call, chat.structured_output", async () => {
    const value = { type: "string", maxLength: 20 };
    const parameters = { type: "object", properties: { value }, required: ["value"], additionalProperties: false };
    const own = {
      name: "compatcanary_echo",
      description: "Echo a compatibility probe value.",
      strict: true,
      parameters,
    };
    const tools = [{ type: "function", function: own }];
    const tool_choice = { type: "function", function: { name: own.name } };
    const called = await ask("/v1/chat/completions", { messages, tools, tool_choice });
    const [call] = called.choices[0].message.tool_calls;
    expect([call.type, call.function.name]).toEqual(["function", own.name]);
    expect(typeof JSON.parse(call.function.arguments).value).toBe("string");
    const status = { type: "string", enum: ["ok"] };
    const schema = { type: "object", properties: { status }, required: ["status"], additionalProperties: false };
    const response_format = { type: "json_schema", json_schema: { name: "compatcanary_status", strict: true, schema } };
    const held = await ask("/v1/chat/completions", { messages, response_format });
    expect(JSON.parse(held.choices[0].message.content)).toEqual({ status: "ok" });
  });

  it("responses.basic, responses.streaming", async () => {
    const own = { model: NAME, input: "Reply briefly with CANARY_OK." };
    const answer = responseResource.parse(await ask("/v1/responses", own));
    const texts = answer.output.flatMap(({ content }: Json) => content.map(({ text }: Json) => text));
    expect(texts.join("").length).toBeGreaterThan(0);
    const types = (await stream("/v1/responses", own)).map((event) => responseEvent.parse(event).type);
    expect(types).toEqual(
      expect.arrayContaining(["response.created", "response.output_text.delta", "response.completed"]),
    );
  });
});

describe("refusals and counts", () => {
  it("have the forms that the clients declare", async () => {
    for (const path of ["/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/embeddings"]) {
      const response = await post(served.app(), path, { messages: 7, prompt: 7, input: 7 });
      openaiError.parse(await response.json());
    }
    const wrong = await post(served.app(), "/v1/messages", { messages: 7 });
    anthropicError.parse(await wrong.json());
    const counted = await ask("/v1/messages/count_tokens", { messages: [user("Hi")] });
    anthropicCount.parse(counted);
    const cut = await post(served.app({ mostWaiting: 0 }), "/v1/messages", {
      messages: [user("Hi")],
      max_tokens: 1e9,
      stream: true,
    });
    for (const { data } of eventsOf(await cut.text())) anthropicEvent.parse(JSON.parse(data));
  });
});
