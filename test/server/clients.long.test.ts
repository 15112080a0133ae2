// Official clients, unchanged, against a server on a port.

import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import Anthropic from "@anthropic-ai/sdk";
import { HumanMessage } from "@langchain/core/messages";
import { tool as langchainTool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import { generateObject, generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Listening, listen } from "../../src/server/node-listen.ts";
import { NAME, servedModel } from "./served.ts";

const served = servedModel();
let listening: Listening | undefined;
let url = "";
beforeAll(async () => {
  listening = await listen(served.app({ apiKey: "key" }), "127.0.0.1", 0);
  url = listening.url;
});
afterAll(() => listening?.close(0));

const messages = [{ role: "user" as const, content: "Hello!" }];
const parameters = {
  type: "object" as const,
  properties: { city: { type: "string", enum: ["Paris", "Rome"] } },
  required: ["city"],
  additionalProperties: false,
};

async function greeting(): Promise<string> {
  let text = "";
  for await (const { content = "" } of served.model.chat(messages, { temperature: 0 })) text += content;
  return text;
}

describe("openai", () => {
  const client = (): OpenAI => new OpenAI({ baseURL: `${url}/v1`, apiKey: "key", maxRetries: 0 });

  it("streams", async () => {
    const stream = await client().chat.completions.create({
      model: "any",
      messages,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let total = 0;
    for await (const { choices, usage } of stream) {
      text += choices[0]?.delta.content ?? "";
      total = usage?.total_tokens ?? total;
    }
    expect(text).toBe(await greeting());
    expect(total).toBeGreaterThan(0);
  });

  it("runs tools over several turns", async () => {
    let asked: unknown;
    const runner = client().chat.completions.runTools(
      {
        model: "any",
        messages: [{ role: "user", content: "What is the weather in Paris?" }],
        temperature: 0,
        seed: 1,
        tool_choice: "required",
        tools: [
          {
            type: "function",
            function: {
              name: "weather",
              description: "The weather of a city",
              parameters,
              parse: JSON.parse,
              function(args: object) {
                asked = args;
                return "sunny";
              },
            },
          },
        ],
      },
      { maxChatCompletions: 2 },
    );
    await runner.done().catch(() => {});
    expect(asked).toMatchObject({ city: expect.stringMatching(/^(?:Paris|Rome)$/) });
    expect(runner.messages.map(({ role }) => role).slice(0, 4)).toEqual(["user", "assistant", "tool", "assistant"]);
  });

  it("holds answers to a schema", async () => {
    const { choices } = await client().chat.completions.create({
      model: "any",
      messages,
      response_format: { type: "json_schema", json_schema: { name: "city", strict: true, schema: parameters } },
    });
    expect(["Paris", "Rome"]).toContain(JSON.parse(choices[0].message.content ?? "").city);
  });

  it("knows errors by their kinds", async () => {
    const { chat, models } = client();
    await expect(chat.completions.create({ model: "any", messages, temperature: -1 })).rejects.toThrow(
      OpenAI.BadRequestError,
    );
    await expect(models.retrieve("other")).rejects.toThrow(OpenAI.NotFoundError);
    const stranger = new OpenAI({ baseURL: `${url}/v1`, apiKey: "wrong", maxRetries: 0 });
    await expect(stranger.models.list()).rejects.toThrow(OpenAI.AuthenticationError);
    expect((await models.list()).data.map(({ id }) => id)).toEqual([NAME]);
  });

  it("aborts, and the next request is answered at once", async () => {
    const stream = await client().chat.completions.create({
      model: "any",
      messages: [{ role: "user", content: "Write a long story." }],
      temperature: 1,
      max_tokens: 4000,
      logit_bias: Object.fromEntries([...(await eosIds())].map((id) => [String(id), -100])),
      stream: true,
    });
    for await (const _ of stream) break;
    stream.controller.abort();
    const begin = performance.now();
    const answer = await client().chat.completions.create({ model: "any", messages, temperature: 0, max_tokens: 1 });
    expect(answer.usage?.completion_tokens).toBe(1);
    // All 4,000 tokens would take half a minute.
    expect(performance.now() - begin).toBeLessThan(10_000);
  });

  it("gets responses, streamed and whole, with tools", async () => {
    const { responses } = client();
    const whole = await responses.create({ model: "any", input: "Hello!", temperature: 0 });
    expect(whole.output_text).toBe(await greeting());
    const stream = responses.stream({ model: "any", input: "Hello!", temperature: 0 });
    expect((await stream.finalResponse()).output_text).toBe(whole.output_text);
    const called = await responses.create({
      model: "any",
      input: "Hello!",
      tools: [{ type: "function", name: "weather", parameters, strict: true }],
      tool_choice: "required",
    });
    expect(called.output.at(-1)).toMatchObject({ type: "function_call", name: "weather" });
  });
});

async function eosIds(): Promise<readonly number[]> {
  return (await served.model.tokenizer()).eosIds;
}

describe("@anthropic-ai/sdk", () => {
  const client = (): Anthropic => new Anthropic({ baseURL: url, apiKey: "key", maxRetries: 0 });

  it("streams a message", async () => {
    const stream = client().messages.stream({ model: "any", max_tokens: 100, temperature: 0, messages });
    let text = "";
    stream.on("text", (piece) => {
      text += piece;
    });
    const { content, stop_reason, usage } = await stream.finalMessage();
    expect(text).toBe(await greeting());
    expect(content.map(({ type }) => type)).toEqual(["thinking", "text"]);
    expect([stop_reason, usage.output_tokens > 0]).toEqual(["end_turn", true]);
  });

  it("uses tools over several turns", async () => {
    const tools = [{ name: "weather", description: "The weather of a city", input_schema: parameters }];
    const { content } = await client().messages.create({
      model: "any",
      max_tokens: 100,
      messages,
      tools,
      tool_choice: { type: "any" },
    });
    const use = content.find(({ type }) => type === "tool_use") as Anthropic.ToolUseBlock;
    expect(use).toMatchObject({ name: "weather", input: { city: expect.any(String) } });
    const result = { type: "tool_result" as const, tool_use_id: use.id, content: "sunny" };
    const next = await client().messages.create({
      model: "any",
      max_tokens: 100,
      tools,
      messages: [...messages, { role: "assistant", content }, { role: "user", content: [result] }],
    });
    expect(next.type).toBe("message");
  });

  it("counts tokens, and knows errors by their kinds", async () => {
    const { input_tokens } = await client().messages.countTokens({ model: "any", messages });
    expect(input_tokens).toBe((await served.model.encodeChat(messages)).length);
    await expect(client().messages.create({ model: "any", max_tokens: 0, messages })).rejects.toThrow(
      Anthropic.BadRequestError,
    );
  });
});

describe("ai", () => {
  const openai = () => createOpenAICompatible({ name: "lfm2", baseURL: `${url}/v1`, apiKey: "key" })("any");
  const anthropic = () => createAnthropic({ baseURL: `${url}/v1`, apiKey: "key" })("any");

  it("streams through both of its providers", async () => {
    for (const model of [openai(), anthropic()]) {
      const { textStream } = streamText({ model, messages, temperature: 0, maxRetries: 0 });
      let text = "";
      for await (const piece of textStream) text += piece;
      expect(text).toBe(await greeting());
    }
  });

  it("calls tools in steps", async () => {
    let asked: unknown;
    const weather = tool({
      description: "The weather of a city",
      inputSchema: jsonSchema<{ city: string }>(parameters),
      execute: async (input) => {
        asked = input;
        return "sunny";
      },
    });
    for (const model of [openai(), anthropic()]) {
      asked = undefined;
      await generateText({
        model,
        prompt: "What is the weather in Paris?",
        tools: { weather },
        toolChoice: "required",
        stopWhen: stepCountIs(1),
        maxRetries: 0,
      });
      expect(asked).toMatchObject({ city: expect.any(String) });
    }
  });

  it("makes objects", async () => {
    const model = createOpenAICompatible({
      name: "lfm2",
      baseURL: `${url}/v1`,
      apiKey: "key",
      supportsStructuredOutputs: true,
    })("any");
    const { object } = await generateObject({ model, prompt: "A city", schema: jsonSchema(parameters), maxRetries: 0 });
    expect(object).toMatchObject({ city: expect.any(String) });
  });
});

describe("@langchain/openai", () => {
  const chat = (): ChatOpenAI =>
    new ChatOpenAI({
      model: "any",
      apiKey: "key",
      temperature: 0,
      maxRetries: 0,
      configuration: { baseURL: `${url}/v1` },
    });

  it("streams", async () => {
    let text = "";
    for await (const { content } of await chat().stream([new HumanMessage("Hello!")])) text += content;
    expect(text).toBe(await greeting());
  });

  it("binds tools, and reads the calls", async () => {
    const weather = langchainTool(async () => "sunny", {
      name: "weather",
      description: "The weather of a city",
      schema: parameters,
    });
    const bound = chat().bindTools([weather], { tool_choice: "required" });
    const { tool_calls } = await bound.invoke("What is the weather in Paris?");
    expect(tool_calls?.[0]).toMatchObject({ name: "weather", args: { city: expect.any(String) } });
  });
});
