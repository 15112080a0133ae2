// The server without a port: doors, errors in each protocol's form, and answers that are the library's.
import { describe, expect, it } from "vitest";
import { createAnswerCollector } from "../../src/index.ts";
import { eventsOf, get, NAME, post, servedModel } from "./served.ts";

const served = servedModel();
const messages = [{ role: "user", content: "Hello!" }] as const;
const body = { messages, temperature: 0 };

async function expected(): Promise<{ content: string; thought: string }> {
  const answer = createAnswerCollector();
  for await (const delta of served.model.chat([...messages], { temperature: 0 })) answer.push(delta);
  const { content, reasoning_content: thought = "" } = answer.message();
  return { content, thought };
}

describe("answers are the library's", () => {
  it("in /v1/chat/completions", async () => {
    const { content, thought } = await expected();
    const answer = await (await post(served.app(), "/v1/chat/completions", body)).json();
    expect(answer).toMatchObject({ object: "chat.completion", model: NAME });
    expect(answer.choices).toMatchObject([{ index: 0, message: { content, reasoning_content: thought } }]);
    expect(answer.usage.total_tokens).toBe(answer.usage.prompt_tokens + answer.usage.completion_tokens);
  });

  it("in its stream, with usage only where it is asked for", async () => {
    const { content, thought } = await expected();
    for (const include_usage of [true, false]) {
      const stream = { ...body, stream: true, stream_options: { include_usage } };
      const response = await post(served.app(), "/v1/chat/completions", stream);
      expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
      const events = eventsOf(await response.text());
      expect(events.at(-1)).toEqual({ data: "[DONE]" });
      const chunks = events.slice(0, -1).map(({ data }) => JSON.parse(data));
      const deltas = chunks.flatMap(({ choices }) => choices).map(({ delta }) => delta);
      expect(deltas.map((delta) => delta.content ?? "").join("")).toBe(content);
      expect(deltas.map((delta) => delta.reasoning_content ?? "").join("")).toBe(thought);
      const usages = chunks.filter(({ usage }) => usage);
      expect(usages.map(({ choices }) => choices)).toEqual(include_usage ? [[]] : []);
    }
  });

  it("in /v1/messages and its stream", async () => {
    const { content, thought } = await expected();
    const own = { ...body, max_tokens: 100 };
    const blocks = [
      { type: "thinking", thinking: thought },
      { type: "text", text: content },
    ];
    const answer = await (await post(served.app(), "/v1/messages", own)).json();
    expect(answer).toMatchObject({ type: "message", content: blocks, stop_reason: "end_turn" });
    const events = eventsOf(await (await post(served.app(), "/v1/messages", { ...own, stream: true })).text());
    const all = events.map(({ data }) => JSON.parse(data));
    expect(all.map(({ type }) => type)).toEqual(events.map(({ event }) => event));
    const texts = all.map(({ delta }) => delta?.text ?? "");
    expect(texts.join("")).toBe(content);
    expect(all.at(-1)).toEqual({ type: "message_stop" });
  });

  it("in /v1/responses and its stream", async () => {
    const { content, thought } = await expected();
    const own = { input: messages, temperature: 0 };
    const answer = await (await post(served.app(), "/v1/responses", own)).json();
    expect(answer).toMatchObject({ object: "response", status: "completed", store: false });
    expect(answer.output).toMatchObject([
      { type: "reasoning", content: [{ type: "reasoning_text", text: thought }] },
      { type: "message", content: [{ type: "output_text", text: content }] },
    ]);
    const events = eventsOf(await (await post(served.app(), "/v1/responses", { ...own, stream: true })).text());
    const all = events.map(({ data }) => JSON.parse(data));
    expect(all.map(({ sequence_number }) => sequence_number)).toEqual([...all.keys()]);
    const { id, created_at, completed_at, ...last } = all.at(-1).response;
    expect(last.output.map(({ content }: { content: object[] }) => content)).toEqual(
      answer.output.map(({ content }: { content: object[] }) => content),
    );
    const deltas = all.filter(({ type }) => type === "response.output_text.delta");
    expect(deltas.map(({ delta }) => delta).join("")).toBe(content);
  });

  it("in /v1/completions, from a text and from its ids", async () => {
    const { tokens } = await (await post(served.app(), "/tokenize", { content: "One, two", add_special: true })).json();
    let text = "";
    for await (const piece of served.model.complete("One, two", { temperature: 0, maxTokens: 8 })) text += piece;
    for (const prompt of ["One, two", tokens]) {
      const own = { prompt, temperature: 0, max_tokens: 8 };
      const answer = await (await post(served.app(), "/v1/completions", own)).json();
      expect(answer.choices).toMatchObject([{ index: 0, text }]);
      const events = eventsOf(await (await post(served.app(), "/v1/completions", { ...own, stream: true })).text());
      const pieces = events.slice(0, -1).map(({ data }) => JSON.parse(data).choices[0].text);
      expect(pieces.join("")).toBe(text);
    }
  });

  it("in an echo, whose log-probabilities are those of the library's logits", async () => {
    const { tokens } = await (await post(served.app(), "/tokenize", { content: "One, two", add_special: true })).json();
    const { data } = await served.model.logits(tokens);
    const { vocabSize } = served.model.config;
    const own = { echo: true, logprobs: 3, max_tokens: 1, temperature: 0 };
    for (const return_tokens_as_token_ids of [true, false]) {
      const asked = { ...own, prompt: tokens, return_tokens_as_token_ids };
      const answer = await (await post(served.app(), "/v1/completions", asked)).json();
      const [{ text, logprobs }] = answer.choices;
      expect(logprobs.tokens).toHaveLength(tokens.length + 1);
      expect([logprobs.token_logprobs[0], logprobs.top_logprobs[0]]).toEqual([null, null]);
      for (let t = 1; t < tokens.length; t++) {
        const row = data.subarray((t - 1) * vocabSize, t * vocabSize);
        const total = Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0));
        expect(logprobs.token_logprobs[t]).toBeCloseTo(row[tokens[t]] - total, 4);
        expect(Object.keys(logprobs.top_logprobs[t])).toHaveLength(3);
      }
      if (return_tokens_as_token_ids)
        expect(logprobs.tokens.slice(0, -1)).toEqual(tokens.map((id: number) => `token_id:${id}`));
      else expect(logprobs.tokens.join("")).toBe(text);
    }
    const [{ text, logprobs }] = (
      await (await post(served.app(), "/v1/completions", { ...own, prompt: "One, two" })).json()
    ).choices;
    expect(text.slice(logprobs.text_offset[1])).toBe(text);
    expect(text).toMatch(/^One, two/);
    const alone = { ...own, prompt: "One, two", max_tokens: 0 };
    expect((await (await post(served.app(), "/v1/completions", alone)).json()).choices[0].text).toBe("One, two");
    expect((await post(served.app(), "/v1/completions", { ...own, prompt: "One", logprobs: 30 })).status).toBe(400);
  });

  it("with several choices, each that of its seed, and the likeliest tokens", async () => {
    const own = { messages, n: 2, seed: 3, max_tokens: 6, temperature: 1, logprobs: true, top_logprobs: 2 };
    const both = await (await post(served.app(), "/v1/chat/completions", own)).json();
    const second = await (await post(served.app(), "/v1/chat/completions", { ...own, n: 1, seed: 4 })).json();
    expect(both.choices[1].message).toEqual(second.choices[0].message);
    expect(both.usage.completion_tokens).toBe(12);
    const plain = { ...body, repetition_penalty: 1, logprobs: true, top_logprobs: 2 };
    const { choices } = await (await post(served.app(), "/v1/chat/completions", plain)).json();
    const { content } = choices[0].logprobs;
    expect(content.map(({ token }: { token: string }) => token).join("")).toBe(choices[0].message.content);
    for (const { logprob, top_logprobs } of content) expect(top_logprobs[0].logprob).toBe(logprob);
  });
});

describe("several answers", () => {
  it("have a turn each: as many run as places allow, the others wait, and a request that cannot fit is refused", async () => {
    const app = served.app({ mostWaiting: 3 });
    const { parallel } = served.model.settings;
    const own = { messages, n: parallel + 2, max_tokens: 4, stream: true };
    const response = await post(app, "/v1/chat/completions", own);
    const { running, waiting } = await (await get(app, "/ready")).json();
    expect([running, waiting]).toEqual([parallel, 2]);
    expect((await post(app, "/v1/chat/completions", { messages, n: 2 })).status).toBe(429);
    expect(served.model.activity().running).toBeLessThanOrEqual(parallel);
    await response.text();
    expect((await post(app, "/v1/chat/completions", { messages, n: parallel + 4 })).status).toBe(400);
    const prompts = { prompt: ["One", "Two", "Three"], n: 2, seed: 3, temperature: 1, max_tokens: 3 };
    const { choices, usage } = await (await post(app, "/v1/completions", prompts)).json();
    expect(choices.map(({ index }: { index: number }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
    for (const [i, prompt] of prompts.prompt.entries()) {
      const alone = await (await post(app, "/v1/completions", { ...prompts, prompt })).json();
      expect(choices.slice(2 * i, 2 * i + 2).map(({ text }: { text: string }) => text)).toEqual(
        alone.choices.map(({ text }: { text: string }) => text),
      );
    }
    expect(usage.completion_tokens).toBe(18);
    expect(await (await get(app, "/ready")).json()).toMatchObject({ running: 0, waiting: 0 });
  });
});

describe("requests side by side", () => {
  it("get what each gets alone, and find again what an earlier one has read", async () => {
    const app = served.app();
    const asked = ["Hello!", "What is 2 + 2?", "Name a colour.", "Hello!", "Who are you?"].map((content) => ({
      messages: [{ role: "user", content: `${content} ${"word ".repeat(40)}` }],
      temperature: 1,
      seed: content.length,
      max_tokens: 12,
    }));
    const ask = async (one: object) => (await post(app, "/v1/chat/completions", one)).json();
    const together = await Promise.all(asked.map(ask));
    for (const [i, one] of asked.entries()) {
      const { choices, usage } = await ask(one);
      expect(together[i].choices).toEqual(choices);
      expect(usage.prompt_tokens_details.cached_tokens).toBeGreaterThan(10);
    }
    const metrics = await (await get(app, "/metrics")).text();
    expect(metrics).toMatch(/^lfm2_kv_positions\{state="used"\} 0$/m);
    expect(metrics).toMatch(/^lfm2_kv_positions\{state="kept"\} [1-9]/m);
  });
});

describe("tools", () => {
  const parameters = { type: "object", properties: { city: { enum: ["Paris", "Rome"] } }, required: ["city"] };
  const tools = [
    { type: "web_search" },
    { type: "function", function: { name: "weather", description: "Weather of a city", parameters } },
  ];

  it("are called with an index, whole, and answered in the next turn", async () => {
    const own = { messages, tools, tool_choice: "required", temperature: 0 };
    const { choices } = await (await post(served.app(), "/v1/chat/completions", own)).json();
    const [{ message, finish_reason }] = choices;
    expect(finish_reason).toBe("tool_calls");
    const [call] = message.tool_calls;
    expect(call).toMatchObject({ type: "function", function: { name: "weather" } });
    expect(["Paris", "Rome"]).toContain(JSON.parse(call.function.arguments).city);
    const results = [{ role: "tool", tool_call_id: call.id, content: "sunny" }];
    const next = await post(served.app(), "/v1/chat/completions", {
      tools,
      messages: [...messages, message, ...results],
    });
    expect(next.status).toBe(200);
  });

  it("are called in Anthropic's blocks and in items of a response", async () => {
    const anthropic = {
      messages,
      max_tokens: 100,
      tools: [
        { name: "weather", input_schema: parameters },
        { type: "web_search_20250305", name: "web_search" },
      ],
      tool_choice: { type: "tool", name: "weather" },
    };
    const message = await (await post(served.app(), "/v1/messages", anthropic)).json();
    expect(message.stop_reason).toBe("tool_use");
    const use = message.content.at(-1);
    expect(use).toMatchObject({ type: "tool_use", name: "weather" });
    const result = { role: "user", content: [{ type: "tool_result", tool_use_id: use.id, content: "sunny" }] };
    const turn = { ...anthropic, tool_choice: { type: "none" } };
    const turns = [...messages, { role: "assistant", content: message.content }, result];
    expect((await post(served.app(), "/v1/messages", { ...turn, messages: turns })).status).toBe(200);

    const items = {
      input: "Hello!",
      tools: [{ type: "function", name: "weather", parameters }],
      tool_choice: "required",
    };
    const response = await (await post(served.app(), "/v1/responses", items)).json();
    const call = response.output.at(-1);
    expect(call).toMatchObject({ type: "function_call", name: "weather", status: "completed" });
    const output = { type: "function_call_output", call_id: call.call_id, output: "sunny" };
    const input = [{ role: "user", content: "Hello!" }, ...response.output, output];
    expect((await post(served.app(), "/v1/responses", { ...items, input, tool_choice: "none" })).status).toBe(200);
  });
});

describe("routing", () => {
  const k = (): number => served.model.config.numExpertsPerTok;

  interface Routing {
    readonly layers: number[];
    readonly first: number;
    readonly prompt_tokens: number;
    readonly tokens: { readonly id: number; readonly experts: number[][]; readonly weights: number[][] }[];
  }

  async function expectTraced({ layers, first, tokens }: Routing): Promise<void> {
    const { numDenseLayers, numHiddenLayers } = served.model.config;
    expect(layers).toEqual(Array.from({ length: numHiddenLayers - numDenseLayers }, (_, i) => numDenseLayers + i));
    expect(first).toBe(0);
    const ids = tokens.map(({ id }) => id);
    const found = tokens.map(({ experts, weights }) => [...experts.flat(), ...weights.flat()]);
    const traced: number[][] = ids.map(() => []);
    for (const what of ["experts", "weights"]) {
      for await (const { position, rows, data } of served.model.trace(ids, { points: [`**.gate.${what}`] })) {
        for (let row = 0; row < rows; row++) traced[position + row].push(...data.subarray(row * k(), (row + 1) * k()));
      }
    }
    expect(found).toEqual(traced);
  }

  it("tells the experts of each token, as a trace does, in chats and completions, streamed or not", async () => {
    for (const [path, own] of [
      ["/v1/chat/completions", { messages }],
      ["/v1/completions", { prompt: "One, two" }],
    ] as const) {
      const asked = { ...own, temperature: 0, max_tokens: 4, routing: true };
      const answer = await (await post(served.app(), path, asked)).json();
      const { routing, finish_reason } = answer.choices[0];
      expect(routing.prompt_tokens).toBe(answer.usage.prompt_tokens);
      expect(routing.tokens).toHaveLength(answer.usage.total_tokens - 1);
      await expectTraced(routing);
      const events = eventsOf(await (await post(served.app(), path, { ...asked, stream: true })).text());
      const ends = events
        .slice(0, -1)
        .flatMap(({ data }) => JSON.parse(data).choices)
        .filter((choice) => choice.routing);
      expect(ends).toEqual([expect.objectContaining({ routing, finish_reason })]);
    }
    expect(
      (await (await get(served.app(), "/openapi.json")).text()).match(/Adds `routing` to each choice/g),
    ).toHaveLength(2);
  });
});

describe("requests that are refused", () => {
  const cases: [string, string, unknown, number, RegExp][] = [
    ["no JSON", "/v1/chat/completions", "{", 400, /^Body: expected JSON/],
    ["no messages", "/v1/chat/completions", {}, 400, /^messages: expected a list, found undefined\./],
    ["a wrong value", "/v1/chat/completions", { ...body, temperature: "hot" }, 400, /^temperature: expected a number/],
    ["one out of range", "/v1/chat/completions", { ...body, top_p: 7 }, 400, /^topP: expected/],
    [
      "an image",
      "/v1/chat/completions",
      { messages: [{ role: "user", content: [{ type: "image_url" }] }] },
      400,
      /text only/,
    ],
    [
      "a long prompt",
      "/v1/chat/completions",
      { messages: [{ role: "user", content: "word ".repeat(9000) }] },
      400,
      /at most 4096/,
    ],
    ["a stored answer", "/v1/responses", { input: "Hi", store: true }, 400, /^store: expected false/],
    ["an earlier one", "/v1/responses", { input: "Hi", previous_response_id: "resp_1" }, 400, /^previous_response_id/],
    ["embeddings", "/v1/embeddings", { input: "Hi" }, 400, /^Embeddings/],
    ["no endpoint", "/v1/nothing", {}, 404, /no such endpoint/],
    [
      "a schema with what is not understood",
      "/v1/chat/completions",
      { ...body, response_format: { type: "json_schema", json_schema: { schema: { not: {} } } } },
      400,
      /not/,
    ],
  ];
  it.each(cases)("%s, in OpenAI's form", async (_, path, sent, status, said) => {
    for (const stream of [false, true]) {
      const own = typeof sent === "string" ? sent : { ...(sent as object), stream };
      const response = await post(served.app(), path, own);
      expect(response.status).toBe(status);
      const { error } = await response.json();
      expect(error).toMatchObject({ message: expect.stringMatching(said), type: expect.any(String) });
    }
  });

  it("in Anthropic's form", async () => {
    const response = await post(served.app(), "/v1/messages", { messages });
    expect(response.status).toBe(400);
    const { type, error } = await response.json();
    expect([type, error.type, error.message]).toEqual([
      "error",
      "invalid_request_error",
      "max_tokens: expected a number, found undefined.",
    ]);
  });

  it("for Anthropic's clients in its form on every path of theirs", async () => {
    const answer = await get(served.app(), "/v1/models/other", { "anthropic-version": "2023-06-01" });
    expect(await answer.json()).toMatchObject({ type: "error", error: { type: "not_found_error" } });
  });

  it("with a log that tells nothing of what was asked", async () => {
    const lines: string[] = [];
    const app = served.app({ log: (entry) => lines.push(JSON.stringify(entry)) });
    for (const sent of ["my secret prompt", { messages: "my secret" }, { ...body, logit_bias: { secret: "x" } }]) {
      expect((await post(app, "/v1/chat/completions", sent)).status).toBe(400);
    }
    expect(lines).toHaveLength(3);
    expect(lines.join()).not.toContain("secret");
  });

  it("with a hundred thousand wrong values as with one", async () => {
    const messages = [{ role: "user", content: "", tool_calls: Array.from({ length: 200_000 }, () => 0) }];
    expect((await post(served.app(), "/v1/chat/completions", { messages })).status).toBe(400);
  });

  it("of a foreign host, origin, kind, size, key or model", async () => {
    const app = served.app({ apiKey: "secret", mostBodyBytes: 1000, strictModel: true });
    const key = { authorization: "Bearer secret" };
    const status = async (headers: Record<string, string>, sent: unknown = body): Promise<number> =>
      (await post(app, "/v1/chat/completions", sent, { headers })).status;
    expect(await status({})).toBe(401);
    expect(await status({ authorization: "Bearer secre" })).toBe(401);
    expect(await status({ "x-api-key": "secret" })).toBe(200);
    expect(await status({ ...key, origin: "http://elsewhere.example" })).toBe(403);
    expect(await status({ ...key, "content-type": "text/plain" })).toBe(415);
    expect(await status(key, { ...body, padding: "x".repeat(1000) })).toBe(413);
    expect(await status(key, { ...body, model: "gpt-4" })).toBe(404);
    expect(await status(key, { ...body, model: NAME })).toBe(200);
    const open = served.app();
    expect((await post(open, "/v1/chat/completions", body, { headers: { host: "evil.example" } })).status).toBe(421);
    expect((await get(app, "/health")).status).toBe(200);
    const allowed = served.app({ cors: ["http://page.example"] });
    const answered = await get(allowed, "/v1/models", { origin: "http://page.example" });
    expect(answered.headers.get("access-control-allow-origin")).toBe("http://page.example");
  });
});

describe("a system prompt of blocks", () => {
  it("loses the line of accounting that changes with every request, and nothing else", async () => {
    const own = { max_tokens: 2, messages, temperature: 0 };
    const count = async (system: unknown): Promise<number> =>
      (await (await post(served.app(), "/v1/messages/count_tokens", { ...own, system })).json()).input_tokens;
    const plain = await count("Be brief.");
    expect(await count("x-anthropic-billing-header: cch=1;\nBe brief.")).toBe(plain);
    const accounting = { type: "text", text: "x-anthropic-billing-header: cch=2;" };
    expect(await count([accounting, { type: "text", text: "Be brief." }])).toBe(plain);
  });
});

describe("what a client may know", () => {
  it("models, counts, text and figures", async () => {
    const app = served.app();
    expect(await (await get(app, "/v1/models")).json()).toMatchObject({ object: "list", data: [{ id: NAME }] });
    expect((await get(app, `/v1/models/${NAME}`)).status).toBe(200);
    expect((await get(app, "/v1/models/other")).status).toBe(404);
    const anthropic = await get(app, "/v1/models", { "anthropic-version": "2023-06-01" });
    expect(await anthropic.json()).toMatchObject({ data: [{ type: "model", id: NAME }] });
    const { input_tokens } = await (await post(app, "/v1/messages/count_tokens", { messages })).json();
    expect(input_tokens).toBe((await served.model.encodeChat([...messages])).length);
    const { tokens } = await (await post(app, "/tokenize", { content: "Hi there" })).json();
    expect(await (await post(app, "/detokenize", { tokens })).json()).toEqual({ content: "Hi there" });
    const { prompt } = await (await post(app, "/apply-template", { messages })).json();
    expect(prompt).toContain("<|im_start|>user\nHello!<|im_end|>");
    await post(app, "/v1/chat/completions", { ...body, max_tokens: 2 });
    expect(await (await get(app, "/metrics")).text()).toMatch(/^lfm2_generated_tokens_total 2$/m);
    const { paths } = await (await get(app, "/openapi.json")).json();
    expect(
      Object.keys(paths["/v1/chat/completions"].post.requestBody.content["application/json"].schema.properties),
    ).toContain("messages");
    expect(await (await get(app, "/docs")).text()).toContain("/v1/responses");
  });
});
