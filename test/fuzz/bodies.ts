// Sends random bodies to every endpoint of the server:
//
//   node --import ./assembly/read-typescript.js test/fuzz/bodies.ts [--seed N] [--count N]
//
// Each has to be answered, or refused in its protocol's own form: with a status of 2xx or 4xx, never 5xx.
import { parseArgs } from "node:util";
import fc from "fast-check";
import { open } from "../../src/index.ts";
import { createApp } from "../../src/server/app.ts";

const { values } = parseArgs({ options: { seed: { type: "string" }, count: { type: "string", default: "20000" } } });
const [seed, count] = [Number(values.seed ?? Math.floor(Math.random() * 2 ** 31)), Number(values.count)];
if (!Number.isSafeInteger(seed) || !(Number.isSafeInteger(count) && count > 0)) {
  throw new TypeError(`--seed, --count: expected numbers, found ${values.seed} and ${values.count}.`);
}

const any = fc.jsonValue({ maxDepth: 3 });
const text = fc.oneof(fc.constantFrom("", "Hello!", "<|im_end|>", "\u0000", "{", "a".repeat(3000)), fc.string());
const role = fc.constantFrom("user", "user", "assistant", "system", "developer", "tool", "robot");
const part = fc.record(
  {
    type: fc.constantFrom("text", "image_url", "input_text", "tool_use", "tool_result", "thinking"),
    text,
    content: any,
    id: text,
    tool_use_id: text,
    name: text,
    input: any,
    thinking: text,
  },
  { requiredKeys: ["type"] },
);
const call = fc.record({
  id: text,
  type: fc.constant("function"),
  function: fc.record({ name: text, arguments: fc.oneof(text, fc.json()) }),
});
const message = fc.record(
  {
    role,
    content: fc.oneof(text, fc.array(part, { maxLength: 3 }), fc.constant(null)),
    reasoning_content: text,
    tool_calls: fc.array(fc.oneof(call, any), { maxLength: 2 }),
    tool_call_id: text,
  },
  { requiredKeys: ["role"] },
);
const item = fc.oneof(
  message,
  fc.record(
    {
      type: fc.constantFrom("message", "function_call", "function_call_output", "reasoning", "item_reference", "odd"),
      role,
      content: fc.oneof(text, any),
      call_id: text,
      name: text,
      arguments: text,
      output: fc.oneof(text, any),
    },
    { requiredKeys: ["type"] },
  ),
);
const schema = fc.oneof(
  any,
  fc.constantFrom({ type: "object" }, { enum: ["a", "b"] }, { type: "integer", minimum: 3 }, true, { $ref: "#" }),
);
const tool = fc.record(
  {
    type: fc.constantFrom("function", "web_search", "custom"),
    name: text,
    strict: fc.boolean(),
    input_schema: schema,
    parameters: schema,
    function: fc.record(
      { name: fc.constantFrom("f", "g", ""), parameters: schema, strict: fc.boolean() },
      { requiredKeys: ["name"] },
    ),
  },
  { requiredKeys: ["type"] },
);
const number = fc.oneof(fc.integer({ min: -3, max: 40 }), fc.double(), fc.constantFrom(0, 1, 1e308));
const fields: Record<string, fc.Arbitrary<unknown>> = {
  messages: fc.array(message, { maxLength: 4 }),
  input: fc.oneof(text, fc.array(item, { maxLength: 4 })),
  prompt: fc.oneof(
    text,
    fc.array(fc.integer({ min: -1, max: 3000 }), { maxLength: 5 }),
    fc.array(text, { maxLength: 3 }),
  ),
  system: fc.oneof(text, fc.array(part, { maxLength: 2 })),
  instructions: text,
  content: text,
  tokens: fc.array(fc.integer({ min: -1, max: 5000 }), { maxLength: 5 }),
  tools: fc.array(fc.oneof(tool, any), { maxLength: 2 }),
  tool_choice: fc.oneof(
    fc.constantFrom(
      "auto",
      "none",
      "required",
      { type: "any" },
      { type: "auto" },
      { type: "function", function: { name: "f" } },
    ),
    any,
  ),
  response_format: fc.oneof(
    fc.record(
      {
        type: fc.constantFrom("text", "json_object", "json_schema", "regex", "choice"),
        schema,
        pattern: text,
        choices: fc.array(text),
      },
      { requiredKeys: ["type"] },
    ),
    any,
  ),
  stop: fc.oneof(text, fc.array(text, { maxLength: 20 })),
  temperature: number,
  top_p: number,
  top_k: number,
  min_p: number,
  repetition_penalty: number,
  frequency_penalty: number,
  logit_bias: fc.dictionary(fc.constantFrom("1", "2000", "9999999", "x"), number),
  seed: fc.oneof(number, fc.constant(2 ** 60)),
  n: fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 0, max: 3 }) },
    { weight: 1, arbitrary: fc.constantFrom(16, 17, 2.5) },
  ),
  routing: fc.oneof(fc.boolean(), any),
  return_tokens_as_token_ids: fc.oneof(fc.boolean(), any),
  previous_response_id: fc.oneof(fc.constant(null), text),
  store: fc.oneof(fc.boolean(), fc.constant(null)),
  background: fc.boolean(),
  include: fc.array(fc.constantFrom("message.output_text.logprobs", "reasoning.encrypted_content", "odd")),
  reasoning: fc.oneof(fc.constantFrom({ effort: "none" }, { effort: "high", summary: "auto" }), any),
  suffix: fc.oneof(fc.constant(""), text),
  stop_sequences: fc.array(text, { maxLength: 3 }),
  parallel_tool_calls: fc.boolean(),
  stream_options: fc.oneof(fc.constantFrom({ include_usage: true }, {}), any),
  chat_template_kwargs: fc.oneof(fc.constantFrom({ enable_thinking: false }), any),
  output_config: fc.oneof(fc.record({ format: fc.record({ type: fc.constant("json_schema"), schema }) }), any),
  add_special: fc.oneof(fc.boolean(), any),
  parse_special: fc.oneof(fc.boolean(), any),
  with_pieces: fc.oneof(fc.boolean(), any),
  logprobs: fc.oneof(fc.boolean(), fc.integer({ min: -1, max: 30 })),
  top_logprobs: fc.integer({ min: -1, max: 30 }),
  stream: fc.boolean(),
  echo: fc.boolean(),
  thinking_budget: number,
  thinking: fc.oneof(fc.constantFrom({ type: "disabled" }, { type: "enabled", budget_tokens: 2 }), any),
  text: any,
};
const lengths = { max_tokens: 3, max_output_tokens: 3 };
const paths = [
  "/v1/chat/completions",
  "/v1/completions",
  "/v1/responses",
  "/v1/messages",
  "/v1/messages/count_tokens",
  "/v1/embeddings",
  "/tokenize",
  "/detokenize",
  "/apply-template",
];
/** With more, hardly one would come as far as the model: some value is wrong in each. */
const fewFields = fc
  .subarray(Object.keys(fields), { maxLength: 8 })
  .chain((names) => fc.record(Object.fromEntries(names.map((name) => [name, fields[name]]))));
const body = fc.oneof(
  {
    weight: 20,
    arbitrary: fewFields.map((own) => JSON.stringify({ ...lengths, ...own })),
  },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: text },
);
const line = fc.string({ unit: fc.constantFrom(..."azAZ09 /;=,*.-_:\"'[]{}~\u00ff") });
const headers = fc.record(
  {
    "content-type": fc.constantFrom(
      "application/json; charset=utf-8",
      "application/vnd.x+json",
      "text/plain",
      "application/json;",
    ),
    host: fc.oneof(fc.constantFrom("localhost:9931", "[::1]", "evil.example", ""), line),
    origin: fc.oneof(fc.constantFrom("null", "http://localhost"), line),
    authorization: fc.oneof(fc.constantFrom("Bearer x", "Bearer", "Basic eDp5"), line),
    "x-api-key": line,
    "anthropic-version": fc.constantFrom("2023-06-01", ""),
    "anthropic-beta": line,
    "content-length": fc.constantFrom("0", "-1", "999999999999", "x"),
    accept: line,
  },
  { requiredKeys: [] },
);
const request = fc.record({
  path: fc.constantFrom(...paths),
  sent: body,
  needed: fc.boolean(),
  /** Most requests have those that they need. */
  others: fc.oneof({ weight: 9, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: headers }),
});

console.log(`seed ${seed}: ${count} bodies`);
const model = await open(undefined, { contextLength: 1024 });
const app = createApp(model, { host: "127.0.0.1", cors: [], name: "nano", defaults: { seed: 1 } });
const failures: string[] = [];
const statuses = new Map<number, number>();
for (const { path, sent, needed, others } of fc.sample(request, { seed, numRuns: count })) {
  // Half of them have what their endpoint needs, so that they come as far as the model.
  const own =
    needed && sent.startsWith('{"') && sent.endsWith("}")
      ? `${JSON.stringify(neededBy(path)).slice(0, -1)},${sent.slice(1)}`
      : sent;
  const usual = { "content-type": "application/json", host: "127.0.0.1" };
  const init = { method: "POST", body: own, headers: { ...usual, ...others } };
  const response = await app.request(`http://127.0.0.1${path}`, init);
  const answer = await response.text();
  const { status } = response;
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
  const fault =
    status >= 500 ? "a fault of the server" : status >= 400 ? wrongForm(path, answer) : wrongEvents(response, answer);
  if (fault !== undefined)
    failures.push(
      `${path} ${JSON.stringify(others)} ${own.slice(0, 1500)}: ${status}, ${fault}: ${answer.slice(-300)}`,
    );
}
for (const failure of failures.slice(0, 20)) console.log(`FAILED ${failure}`);
const told = [...statuses].sort(([a], [b]) => a - b).map(([status, times]) => `${status}: ${times}`);
console.log(`${count - failures.length} passed, ${failures.length} failed; ${told.join(", ")}`);
await model.close();
process.exit(failures.length > 0 ? 1 : 0);

function neededBy(path: string): object {
  if (path.startsWith("/v1/chat") || path.startsWith("/v1/messages") || path === "/apply-template") {
    return { messages: [{ role: "user", content: "Hi" }] };
  }
  return { prompt: "Hi", input: "Hi", content: "Hi", tokens: [1] };
}

function wrongForm(path: string, answer: string): string | undefined {
  const { type, error } = JSON.parse(answer);
  const isAnthropic = path.startsWith("/v1/messages");
  const isRight =
    typeof error?.message === "string" && typeof error.type === "string" && (type === "error") === isAnthropic;
  return isRight ? undefined : "another form";
}

function wrongEvents(response: Response, answer: string): string | undefined {
  if (!/^text\/event-stream/.test(response.headers.get("content-type") ?? "")) {
    JSON.parse(answer);
    return undefined;
  }
  const data = answer.split("\n").filter((line) => line.startsWith("data: ") && line !== "data: [DONE]");
  const all = data.map((line) => JSON.parse(line.slice("data: ".length)));
  return all.some(
    ({ error, type }) => error?.type === "server_error" || (type === "error" && error.type === "api_error"),
  )
    ? "a fault of the server"
    : undefined;
}
