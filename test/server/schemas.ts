// What answers and events have to have, written by hand from the public schemas: required fields and their kinds.
//
//   openai/openai-openapi: CreateChatCompletionResponse, CreateChatCompletionStreamResponse
//   openresponses/openresponses, schema/components/schemas: ResponseResource and the streaming events
//   docs.anthropic.com: messages, messages-streaming
import { z } from "zod";

const count = z.int().min(0);
const nullable = <Type extends z.ZodType>(type: Type) => type.nullable();

const usage = z.object({ prompt_tokens: count, completion_tokens: count, total_tokens: count });
const logprob = z.object({
  token: z.string(),
  logprob: z.number(),
  bytes: nullable(z.array(z.int())),
  top_logprobs: z.array(z.object({ token: z.string(), logprob: z.number(), bytes: nullable(z.array(z.int())) })),
});
const logprobs = nullable(z.object({ content: nullable(z.array(logprob)), refusal: z.null() }));
const call = z.object({
  id: z.string(),
  type: z.literal("function"),
  function: z.object({ name: z.string(), arguments: z.string() }),
});
const reason = z.enum(["stop", "length", "tool_calls"]);

export const chatAnswer = z.object({
  id: z.string().startsWith("chatcmpl-"),
  object: z.literal("chat.completion"),
  created: z.int(),
  model: z.string(),
  choices: z
    .array(
      z.object({
        index: z.int(),
        message: z.object({
          role: z.literal("assistant"),
          content: nullable(z.string()),
          refusal: z.null(),
          tool_calls: z.array(call).optional(),
        }),
        logprobs,
        finish_reason: reason,
      }),
    )
    .min(1),
  usage,
});

export const chatChunk = z.object({
  id: z.string(),
  object: z.literal("chat.completion.chunk"),
  created: z.int(),
  model: z.string(),
  choices: z.array(
    z.object({
      index: z.int(),
      delta: z.looseObject({
        role: z.literal("assistant").optional(),
        content: nullable(z.string()).optional(),
        tool_calls: z.array(call.extend({ index: z.int() })).optional(),
      }),
      logprobs,
      finish_reason: nullable(reason),
    }),
  ),
  usage: nullable(usage).optional(),
});

const outputText = z.object({
  type: z.literal("output_text"),
  text: z.string(),
  annotations: z.array(z.unknown()),
  logprobs: z.array(logprob),
});
const reasoningText = z.object({ type: z.literal("reasoning_text"), text: z.string() });
const status = z.enum(["in_progress", "completed", "incomplete"]);
const outputItem = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("message"),
    id: z.string().startsWith("msg_"),
    status,
    role: z.literal("assistant"),
    content: z.array(outputText),
  }),
  z.object({
    type: z.literal("reasoning"),
    id: z.string(),
    summary: z.array(z.unknown()),
    content: z.array(reasoningText),
  }),
  z.object({
    type: z.literal("function_call"),
    id: z.string(),
    call_id: z.string(),
    name: z.string(),
    arguments: z.string(),
    status,
  }),
]);

export const responseResource = z.object({
  id: z.string().startsWith("resp_"),
  object: z.literal("response"),
  created_at: z.int(),
  completed_at: nullable(z.int()),
  status: z.string(),
  incomplete_details: nullable(z.object({ reason: z.string() })),
  model: z.string(),
  previous_response_id: z.null(),
  instructions: nullable(z.string()),
  output: z.array(outputItem),
  error: z.null(),
  tools: z.array(z.looseObject({ type: z.literal("function"), name: z.string() })),
  tool_choice: z.union([z.enum(["none", "auto", "required"]), z.looseObject({ type: z.string() })]),
  truncation: z.enum(["auto", "disabled"]),
  parallel_tool_calls: z.boolean(),
  text: z.looseObject({ format: z.looseObject({ type: z.string() }) }),
  top_p: z.number(),
  presence_penalty: z.number(),
  frequency_penalty: z.number(),
  top_logprobs: z.int(),
  temperature: z.number(),
  reasoning: nullable(z.object({ effort: nullable(z.string()), summary: nullable(z.string()) })),
  user: nullable(z.string()),
  usage: nullable(
    z.object({
      input_tokens: count,
      input_tokens_details: z.object({ cached_tokens: count }),
      output_tokens: count,
      output_tokens_details: z.object({ reasoning_tokens: count }),
      total_tokens: count,
    }),
  ),
  max_output_tokens: nullable(z.int()),
  max_tool_calls: nullable(z.int()),
  store: z.boolean(),
  background: z.boolean(),
  service_tier: z.string(),
  metadata: z.record(z.string(), z.string()),
  safety_identifier: nullable(z.string()),
  prompt_cache_key: nullable(z.string()),
});

const place = { sequence_number: count, output_index: count };
const inItem = { ...place, item_id: z.string() };
const inPart = { ...inItem, content_index: count };
const part = z.discriminatedUnion("type", [outputText, reasoningText]);
const event = <Type extends string, Fields extends z.ZodRawShape>(type: Type, fields: Fields) =>
  z.object({ type: z.literal(type), item: outputItem.optional(), ...fields });
const whole = { sequence_number: count, response: responseResource };

export const responseEvent = z.discriminatedUnion("type", [
  event("response.created", whole),
  event("response.in_progress", whole),
  event("response.completed", whole),
  event("response.incomplete", whole),
  event("response.output_item.added", { ...place, item: outputItem }),
  event("response.output_item.done", { ...place, item: outputItem }),
  event("response.content_part.added", { ...inPart, part }),
  event("response.content_part.done", { ...inPart, part }),
  event("response.output_text.delta", { ...inPart, delta: z.string(), logprobs: z.array(logprob) }),
  event("response.output_text.done", { ...inPart, text: z.string(), logprobs: z.array(logprob) }),
  event("response.reasoning_text.delta", { ...inPart, delta: z.string() }),
  event("response.reasoning_text.done", { ...inPart, text: z.string() }),
  event("response.function_call_arguments.delta", { ...inItem, delta: z.string() }),
  event("response.function_call_arguments.done", { ...inItem, name: z.string(), arguments: z.string() }),
]);

const anthropicUsage = z.object({
  input_tokens: count,
  cache_creation_input_tokens: count,
  cache_read_input_tokens: count,
  output_tokens: count,
});
const block = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({ type: z.literal("thinking"), thinking: z.string(), signature: z.string() }),
  z.object({
    type: z.literal("tool_use"),
    id: z.string(),
    name: z.string(),
    input: z.record(z.string(), z.unknown()),
  }),
]);
const stopReason = z.enum(["end_turn", "max_tokens", "stop_sequence", "tool_use"]);

export const anthropicMessage = z.strictObject({
  id: z.string().startsWith("msg_"),
  type: z.literal("message"),
  role: z.literal("assistant"),
  model: z.string(),
  content: z.array(block),
  stop_reason: nullable(stopReason),
  stop_sequence: nullable(z.string()),
  usage: anthropicUsage,
});

const anthropic = <Type extends string, Fields extends z.ZodRawShape>(type: Type, fields: Fields) =>
  z.strictObject({
    type: z.literal(type),
    index: z.undefined().optional(),
    message: z.undefined().optional(),
    ...fields,
  });

export const anthropicEvent = z.discriminatedUnion("type", [
  anthropic("message_start", { message: anthropicMessage }),
  anthropic("ping", {}),
  anthropic("content_block_start", { index: count, content_block: block }),
  anthropic("content_block_delta", {
    index: count,
    delta: z.discriminatedUnion("type", [
      z.strictObject({ type: z.literal("text_delta"), text: z.string() }),
      z.strictObject({ type: z.literal("thinking_delta"), thinking: z.string() }),
      z.strictObject({ type: z.literal("signature_delta"), signature: z.string() }),
      z.strictObject({ type: z.literal("input_json_delta"), partial_json: z.string() }),
    ]),
  }),
  anthropic("content_block_stop", { index: count }),
  anthropic("message_delta", {
    delta: z.strictObject({ stop_reason: stopReason, stop_sequence: nullable(z.string()) }),
    usage: anthropicUsage,
  }),
  anthropic("message_stop", {}),
]);
