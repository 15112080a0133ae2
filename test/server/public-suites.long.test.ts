// Cases of public suites, each with its origin, against this server:
//
//   Open Responses  openresponses/openresponses, src/lib/compliance-tests.ts (0cb939c)
//   llama.cpp       ggml-org/llama.cpp, tools/server/tests/unit: test_chat_completion.py (0ce0359),
//                   test_compat_anthropic.py (010c16b), test_compat_oai_responses.py (084f0cf), test_security.py (01dca87)
//   vLLM            vllm-project/vllm, tests/entrypoints/anthropic/test_messages.py (20d3f8f)
//
// What comes out otherwise here, docs/server.md names with its reason. Those about tool calls' text are in test/chat.
import { describe, expect, it } from "vitest";
import { anthropicEvent, anthropicMessage, chatAnswer, chatChunk, responseEvent, responseResource } from "./schemas.ts";
import { eventsOf, get, post, servedModel } from "./served.ts";

const served = servedModel();
// biome-ignore lint/suspicious/noExplicitAny: as JSON.parse has it
type Json = any;

async function ask(path: string, body: object): Promise<Json> {
  const response = await post(served.app(), path, body);
  const answer = await response.json();
  expect([response.status, answer.error]).toEqual([200, path === "/v1/responses" ? null : undefined]);
  return answer;
}

async function stream(path: string, body: object): Promise<Json[]> {
  const response = await post(served.app(), path, { ...body, stream: true });
  expect(response.status).toBe(200);
  return eventsOf(await response.text())
    .filter(({ data }) => data !== "[DONE]")
    .map(({ data }) => JSON.parse(data));
}

const user = (content: unknown) => ({ role: "user", content });
const location = { type: "string", description: "The city and state, e.g. San Francisco, CA" };
const parameters = { type: "object", properties: { location }, required: ["location"] };

describe("Open Responses", () => {
  const turn = (role: string, content: string) => ({ type: "message", role, content });
  const weather = {
    input: [turn("user", "What's the weather like in San Francisco?")],
    tools: [
      { type: "function", name: "get_weather", description: "Get the current weather for a location", parameters },
    ],
  };
  const cases: [string, object, string][] = [
    ["basic-response", { input: [turn("user", "Say hello in exactly 3 words.")] }, "message"],
    ["streaming-response", { input: [turn("user", "Count from 1 to 5.")] }, "message"],
    [
      "system-prompt",
      { input: [turn("system", "You are a pirate. Always respond in pirate speak."), turn("user", "Say hello.")] },
      "message",
    ],
    // The suite leaves it to the model whether it calls; a small one is told to.
    ["tool-calling, tool-calling-streaming", { ...weather, tool_choice: "required" }, "function_call"],
    [
      "multi-turn",
      {
        input: [
          turn("user", "My name is Alice."),
          turn("assistant", "Hello Alice! Nice to meet you. How can I help you today?"),
          turn("user", "What is my name?"),
        ],
      },
      "message",
    ],
  ];
  it.each(cases)("%s", async (_, body, type) => {
    const answer = responseResource.parse(await ask("/v1/responses", body));
    expect(answer.status).toBe("completed");
    expect(answer.output.map((item: Json) => item.type)).toContain(type);
    const events = (await stream("/v1/responses", body)).map((event) => responseEvent.parse(event));
    const types = events.map((event) => event.type);
    expect(types.slice(0, 2)).toEqual(["response.created", "response.in_progress"]);
    expect(types.at(-1)).toBe("response.completed");
    if (type !== "function_call") return;
    expect(types).toEqual(
      expect.arrayContaining(["response.function_call_arguments.delta", "response.function_call_arguments.done"]),
    );
    for (const event of ["response.output_item.added", "response.output_item.done"]) {
      expect(events.some((one) => one.type === event && one.item?.type === "function_call")).toBe(true);
    }
  });

  it("image-input is refused by name", async () => {
    const content = [{ type: "input_image", image_url: "data:image/png;base64," }];
    const response = await post(served.app(), "/v1/responses", { input: [{ type: "message", role: "user", content }] });
    expect([response.status, (await response.json()).error.message]).toEqual([
      400,
      "input[0].content[0].type: expected text, found input_image. This model reads text only.",
    ]);
  });
});

describe("llama.cpp, chat completions", () => {
  const path = "/v1/chat/completions";
  const book = [{ role: "system", content: "Book" }, user("What is the best book")];

  it("test_chat_completion, _stream, _with_timings_per_token", async () => {
    const answer = chatAnswer.parse(await ask(path, { max_tokens: 8, messages: book }));
    expect(answer.usage.completion_tokens).toBeLessThanOrEqual(8);
    const parts = [
      { type: "text", text: "What is" },
      { type: "text", text: "the best book" },
    ];
    chatAnswer.parse(await ask(path, { max_tokens: 8, messages: [book[0], user(parts)] }));
    const own = { max_tokens: 8, messages: book, stream_options: { include_usage: true } };
    const chunks = (await stream(path, own)).map((chunk) => chatChunk.parse(chunk));
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
    const [first, ...others] = chunks.flatMap(({ choices }) => choices);
    expect(first.delta.role).toBe("assistant");
    expect(others.every(({ delta }) => !("role" in delta))).toBe(true);
    expect(others.at(-1)).toMatchObject({ delta: {}, finish_reason: expect.stringMatching(/^(stop|length)$/) });
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: expect.any(Number) } });
  });

  it("test_apply_chat_template", async () => {
    const { prompt } = await ask("/apply-template", {
      messages: [{ role: "system", content: "You are a test." }, user("Hi there")],
    });
    expect(prompt).toMatch(/system\nYou are a test\.[\s\S]*user\nHi there[\s\S]*assistant\n$/);
  });

  const formats: [object, number, RegExp | undefined][] = [
    [{ type: "json_object", schema: { const: "42" } }, 16, /^"42"$/],
    [{ type: "json_schema", json_schema: { schema: { const: "foooooo" } } }, 32, /^"foooooo"$/],
    [{ type: "json_object" }, 10, /^\s*\{/],
    [{ type: "sound" }, 1, undefined],
    [{ type: "json_object", schema: 123 }, 1, undefined],
    [{ type: "json_object", schema: { type: 123 } }, 1, undefined],
    [{ type: "json_object", schema: { type: "hiccup" } }, 1, undefined],
  ];
  it.each(formats)("test_completion_with_response_format: %j", async (response_format, max_tokens, content) => {
    const body = { messages: [user("Write an example")], max_tokens, response_format, thinking_budget: 0 };
    if (content === undefined) {
      const response = await post(served.app(), path, body);
      expect([response.status, (await response.json()).error]).toEqual([400, expect.any(Object)]);
    } else expect((await ask(path, body)).choices[0].message.content).toMatch(content);
  });

  it.each([
    [null],
    ["string"],
    [[123]],
    [[{}]],
    [[{ role: 123 }]],
    [[{ role: "system", content: 123 }]],
    [[{ role: "system", content: "test" }, {}]],
  ])("test_invalid_chat_completion_req: %j", async (messages) => {
    const response = await post(served.app(), path, { messages });
    expect([response.status, (await response.json()).error.param]).toEqual([400, expect.stringMatching(/^messages/)]);
  });

  it("test_logprobs, _stream", async () => {
    const own = { messages: book, temperature: 0, max_tokens: 5, logprobs: true, top_logprobs: 10, thinking_budget: 0 };
    const { choices } = await ask(path, own);
    const streamed = (await stream(path, own)).flatMap((chunk) => chunk.choices[0]?.logprobs?.content ?? []);
    for (const content of [choices[0].logprobs.content, streamed]) {
      expect(content.map(({ token }: Json) => token).join("")).toBe(choices[0].message.content);
      for (const { logprob, bytes, top_logprobs } of content) {
        expect(logprob).toBeLessThanOrEqual(0);
        expect([Array.isArray(bytes), top_logprobs.length]).toEqual([true, 10]);
      }
    }
  });

  it("test_logit_bias", async () => {
    const { tokens } = await ask("/tokenize", { content: " the a is book Book The" });
    const logit_bias = Object.fromEntries(tokens.map((id: number) => [id, -100]));
    const { choices } = await ask(path, { messages: book, temperature: 0, max_tokens: 32, logit_bias, logprobs: true });
    const found = await ask("/tokenize", { content: choices[0].message.content });
    expect(found.tokens.filter((id: number) => tokens.includes(id))).toEqual([]);
  });

  it("test_context_size_exceeded, _stream; in OpenAI's words", async () => {
    for (const stream of [false, true]) {
      const messages = Array.from({ length: 400 }, () => book).flat();
      const response = await post(served.app(), path, { messages, stream });
      expect(response.status).toBe(400);
      expect((await response.json()).error).toMatchObject({ code: "context_length_exceeded" });
    }
  });

  it("test_chat_completions_multiple_choices", async () => {
    const { choices } = chatAnswer.parse(await ask(path, { max_tokens: 8, n: 2, messages: book }));
    expect(choices.map(({ index }: Json) => index)).toEqual([0, 1]);
  });
});

describe("llama.cpp and vLLM, Anthropic's messages", () => {
  const path = "/v1/messages";
  const tools = [
    { name: "get_weather", description: "Get the current weather in a location", input_schema: parameters },
  ];
  const use = { type: "tool_use", id: "test123", name: "get_weather", input: { location: "Paris" } };
  const result = { type: "tool_result", tool_use_id: "test123", content: "The weather is sunny, 25°C" };
  const bodies: [string, object][] = [
    ["messages_basic", { messages: [user("Say hello")] }],
    [
      "messages_with_system, vLLM's test_system_message",
      { system: "You are a helpful assistant.", messages: [user("Hello")] },
    ],
    [
      "messages_multipart_content",
      {
        messages: [
          user([
            { type: "text", text: "What is" },
            { type: "text", text: " the answer?" },
          ]),
        ],
      },
    ],
    [
      "messages_conversation",
      { messages: [user("Hello"), { role: "assistant", content: "Hi there!" }, user("How are you?")] },
    ],
    ["tool_use_basic", { tools, messages: [user("What's the weather in Paris?")] }],
    ["tool_result", { messages: [user("What's the weather?"), { role: "assistant", content: [use] }, user([result])] }],
    [
      "tool_result_with_text",
      {
        messages: [
          user("Weather?"),
          { role: "assistant", content: [use] },
          user([{ type: "text", text: "Here:" }, result]),
        ],
      },
    ],
    [
      "tool_result_error",
      {
        messages: [
          user("Get the weather"),
          { role: "assistant", content: [use] },
          user([{ ...result, is_error: true, content: "City not found" }]),
        ],
      },
    ],
    ["stop_sequences", { stop_sequences: ["\n", "END"], messages: [user("Count to 10")] }],
    ["temperature, top_p, top_k", { temperature: 0.5, top_p: 0.9, top_k: 40, messages: [user("Hello")] }],
    ["thinking", { thinking: { type: "enabled", budget_tokens: 50 }, messages: [user("What is 2+2?")] }],
    ["metadata", { metadata: { user_id: "test_user_123" }, messages: [user("Hello")] }],
  ];
  it.each(bodies)("test_anthropic_%s, also streamed", async (_, body) => {
    const own = { model: "test", max_tokens: 200, ...body };
    const message = anthropicMessage.parse(await ask(path, own));
    expect(message.stop_reason === "tool_use").toBe(message.content.some(({ type }: Json) => type === "tool_use"));
    const events = (await stream(path, own)).map((event) => anthropicEvent.parse(event));
    const types = events.map(({ type }) => type);
    expect([types[0], ...types.slice(-2)]).toEqual(["message_start", "message_delta", "message_stop"]);
    expect((events[0] as Json).message.usage.input_tokens).toBeGreaterThan(0);
    const indices = (type: string) => events.filter((event) => event.type === type).map(({ index }: Json) => index);
    expect(indices("content_block_start")).toEqual([...indices("content_block_start").keys()]);
    expect(indices("content_block_stop")).toEqual(indices("content_block_start"));
  });

  it("test_anthropic_count_tokens, _with_system, _no_max_tokens", async () => {
    for (const system of [undefined, "You are a helpful assistant."]) {
      const counted = await ask(`${path}/count_tokens`, { model: "test", system, messages: [user("Hello world")] });
      expect(Object.keys(counted)).toEqual(["input_tokens"]);
      expect(counted.input_tokens).toBeGreaterThan(0);
    }
  });

  it("test_anthropic_missing_messages; empty ones and images are refused, too", async () => {
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "" } };
    for (const messages of [undefined, [], [user([image])]]) {
      const response = await post(served.app(), path, { max_tokens: 50, messages });
      expect([response.status, (await response.json()).type]).toEqual([400, "error"]);
    }
  });
});

describe("llama.cpp, responses and security", () => {
  it.each([
    [{ type: "json_schema", name: "test", schema: { const: "foooooo" } }, /^"foooooo"$/],
    [{ type: "json_object" }, /^\s*\{/],
    [{ type: "text" }, /^/],
    [{ type: "json_schema", name: "test" }, undefined],
  ])("test_responses_with_text_format: %j", async (format, content) => {
    const body = { input: "Write an example", max_output_tokens: 40, text: { format }, reasoning: { effort: "none" } };
    if (content === undefined) {
      expect((await post(served.app(), "/v1/responses", body)).status).toBe(400);
      return;
    }
    const { output } = await ask("/v1/responses", body);
    expect(output.find(({ type }: Json) => type === "message").content[0].text).toMatch(content);
  });

  it("test_incorrect_api_key, test_correct_api_key, _anthropic_header, test_access_public_endpoint", async () => {
    const app = served.app({ apiKey: "sk-this-is-the-secret-key" });
    const status = async (headers: Record<string, string>): Promise<[number, string | undefined]> => {
      const response = await post(app, "/v1/completions", { prompt: "I believe", max_tokens: 1 }, { headers });
      return [response.status, (await response.json()).error?.type];
    };
    expect(await status({})).toEqual([401, "authentication_error"]);
    expect(await status({ authorization: "Bearer invalid-key" })).toEqual([401, "authentication_error"]);
    expect(await status({ authorization: "Bearer sk-this-is-the-secret-key" })).toEqual([200, undefined]);
    expect(await status({ "x-api-key": "sk-this-is-the-secret-key" })).toEqual([200, undefined]);
    expect((await get(app, "/health")).status).toBe(200);
  });
});

describe("what coding agents send", () => {
  // As their requests are described in the issues of servers that they talk to; see docs/server.md.
  it("Claude Code: its accounting line, which changes, costs nothing of what was read before", async () => {
    const claude = (cch: string, turns: readonly object[]) => ({
      model: "claude-sonnet-4-5",
      max_tokens: 32,
      stream: true,
      temperature: 0,
      metadata: { user_id: "user_1_account__session_2" },
      thinking: { type: "adaptive" },
      output_config: { effort: "medium" },
      context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
      system: [
        { type: "text", text: `x-anthropic-billing-header: cc_version=2.1.177.01c; cc_entrypoint=cli; cch=${cch};` },
        { type: "text", text: "You are Claude Code.", cache_control: { type: "ephemeral" } },
        { type: "text", text: "Be brief. ".repeat(40), cache_control: { type: "ephemeral", ttl: "1h" } },
      ],
      tools: [
        {
          name: "Read",
          description: "Reads a file",
          input_schema: { $schema: "x", additionalProperties: false, ...parameters },
        },
        { type: "web_search_20250305", name: "web_search", max_uses: 8 },
      ],
      messages: turns,
    });
    const app = served.app();
    const headers = {
      "anthropic-version": "2023-06-01",
      "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14",
      "x-app": "cli",
      authorization: "Bearer none",
    };
    const turn = async (cch: string, turns: readonly object[]): Promise<Json> => {
      const response = await post(app, "/v1/messages?beta=true", claude(cch, turns), { headers });
      expect(response.status).toBe(200);
      const events = eventsOf(await response.text()).map(({ data }) => anthropicEvent.parse(JSON.parse(data)));
      return events.at(-2);
    };
    const hello = user([{ type: "text", text: "Hello!", cache_control: { type: "ephemeral" } }]);
    const first = await turn("36ee5", [hello]);
    const again = await turn("0aaa9", [hello, { role: "assistant", content: "Hi." }, user("And now?")]);
    const { input_tokens, cache_read_input_tokens } = first.usage;
    // Convolutions are given their states by reading their last positions again.
    expect(again.usage.cache_read_input_tokens).toBeGreaterThan(input_tokens + cache_read_input_tokens - 48);
    const counted = { ...claude("x", [hello]), max_tokens: undefined, stream: undefined };
    expect((await post(app, "/v1/messages/count_tokens?beta=true", counted, { headers })).status).toBe(200);
  });

  it("Codex: tools of kinds that are its service's, items of other services, and its questions at the start", async () => {
    const input = [
      { type: "message", role: "developer", content: [{ type: "input_text", text: "<permissions>" }] },
      { type: "message", role: "user", content: [{ type: "input_text", text: "Hello!" }] },
      { type: "reasoning", summary: [], content: null, encrypted_content: null },
      { type: "function_call", call_id: "c1", name: "shell", arguments: '{"location":"x"}', status: "completed" },
      { type: "function_call_output", call_id: "c1", output: [{ type: "input_text", text: "done" }] },
      { type: "custom_tool_call", call_id: "c2", name: "apply_patch", input: "*** Begin Patch" },
      { type: "custom_tool_call_output", call_id: "c2", output: "Success" },
    ];
    const codex = {
      model: "lfm2",
      instructions: "You are Codex.",
      input,
      tools: [
        { type: "function", name: "shell", description: "Runs a command", strict: false, parameters },
        { type: "custom", name: "apply_patch", format: { type: "grammar", syntax: "lark", definition: "start: x" } },
        { type: "namespace", name: "mcp", tools: [{ type: "function", name: "x" }] },
        { type: "web_search", external_web_access: false },
        { type: "image_generation", output_format: "png" },
      ],
      tool_choice: "auto",
      parallel_tool_calls: true,
      reasoning: { effort: "medium", summary: "auto" },
      store: false,
      include: ["reasoning.encrypted_content"],
      prompt_cache_key: "0199",
      text: { verbosity: "low" },
      max_output_tokens: 24,
    };
    const events = (await stream("/v1/responses", codex)).map((event) => responseEvent.parse(event));
    expect(events.at(-1)?.type).toMatch(/^response\.(completed|incomplete)$/);
    const probe = await ask("/v1/responses", { model: "lfm2", input: [], max_output_tokens: 1 });
    expect(probe.status).toBe("incomplete");
    const models = await (await get(served.app(), "/v1/models?client_version=0.99.0")).json();
    expect(models).toMatchObject({ data: [expect.any(Object)], models: [expect.any(Object)] });
  });
});
