// Tools that the server runs itself, for requests that bring none.
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { ServedTools } from "../../src/server/answer.ts";
import { eventsOf, post, servedModel } from "./served.ts";

const served = servedModel();
const messages = [{ role: "user", content: "What's the weather in Paris?" }];
const parameters = {
  type: "object",
  properties: { city: { type: "string" }, unit: { type: "string", enum: ["celsius", "fahrenheit"] } },
  required: ["city"],
};
const tools = [
  { name: "get_weather", description: "Get the current weather of a city", parameters },
  {
    name: "set_timer",
    description: "Start a timer",
    parameters: { type: "object", properties: { minutes: { type: "integer" } }, required: ["minutes"] },
  },
];
const SAYS = '{"city": "Paris", "temperature": 11, "condition": "clear"}';

function running(result: (signal: AbortSignal) => Promise<string>): {
  readonly tools: ServedTools;
  readonly names: string[];
} {
  const names: string[] = [];
  return {
    names,
    tools: {
      tools,
      resultsFor: (interruptible) =>
        async function* (calls) {
          for (const call of calls) {
            names.push(call.function.name);
            yield await interruptible(result);
          }
        },
    },
  };
}

describe("tools of the server", () => {
  it("are run, and the answer is the one after their results", async () => {
    const own = running(async () => SAYS);
    const app = served.app({ tools: own.tools });
    const body = { messages, temperature: 0, routing: true };
    const { choices, usage } = await (await post(app, "/v1/chat/completions", body)).json();
    expect(own.names).toEqual(["get_weather"]);
    expect(choices[0]).toMatchObject({ message: { content: "It is 11°C and clear in Paris." }, finish_reason: "stop" });
    // Of the last answer, whose prompt has the call and its result.
    expect(choices[0].routing.prompt_tokens).toBeGreaterThan(usage.prompt_tokens);
    const events = eventsOf(await (await post(app, "/v1/chat/completions", { ...body, stream: true })).text());
    expect(events.some(({ data }) => data.includes("tool_calls"))).toBe(false);
    const counted = await (await post(app, "/v1/messages/count_tokens", { messages })).json();
    expect(counted.input_tokens).toBe(usage.prompt_tokens);
  });

  it("end with the client that leaves", async () => {
    let ended: unknown;
    const own = running(async (signal) => {
      await sleep(60_000, undefined, { signal }).catch(() => {});
      ended = signal.reason;
      signal.throwIfAborted();
      return "";
    });
    const client = new AbortController();
    const app = served.app({ tools: own.tools });
    const asked = post(app, "/v1/chat/completions", { messages, temperature: 0 }, { signal: client.signal });
    while (own.names.length === 0) await sleep(5);
    client.abort();
    expect((await asked).status).toBe(499);
    expect(String(ended)).toContain("The client has left.");
  });
});
