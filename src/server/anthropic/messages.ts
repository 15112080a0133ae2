// POST /v1/messages and /v1/messages/count_tokens.
// @source docs.anthropic.com/en/api/messages, messages-streaming, messages-count-tokens
import { z } from "zod";
import type { ChatOptions } from "../../index.ts";
import { type Ask, answer, type Figures, type Served, type ServedRequest } from "../answer.ts";
import { refused } from "../failure.ts";
import type { ServerEvent } from "../http/event-stream.ts";
import { stated } from "../openai/sampling-fields.ts";
import { type FunctionTool, toolOptions } from "../openai/tools.ts";
import { blocksField, systemOf, turnField, turnsOf } from "./message-blocks.ts";

const promptFields = {
  model: z.string().nullish(),
  messages: z.array(turnField).min(1),
  system: blocksField.nullish(),
  tools: z
    .array(
      z.looseObject({
        type: z.string().nullish(),
        name: z.string(),
        description: z.string().nullish(),
        input_schema: z.record(z.string(), z.unknown()).optional(),
        strict: z.boolean().nullish(),
      }),
    )
    .nullish(),
  tool_choice: z
    .looseObject({
      type: z.enum(["auto", "any", "tool", "none"]),
      name: z.string().optional(),
      disable_parallel_tool_use: z.boolean().nullish(),
    })
    .nullish(),
  thinking: z.looseObject({ type: z.string(), budget_tokens: z.int().optional() }).nullish(),
};

export const countRequest = z.looseObject(promptFields);

export const messageRequest = z.looseObject({
  ...promptFields,
  max_tokens: z.number(),
  stream: z.boolean().nullish(),
  stop_sequences: z.array(z.string()).nullish(),
  temperature: z.number().nullish(),
  top_p: z.number().nullish(),
  top_k: z.number().nullish(),
  output_config: z
    .looseObject({ format: z.looseObject({ type: z.string(), schema: z.unknown() }).nullish() })
    .nullish(),
});
export type MessageRequest = z.output<typeof messageRequest>;
type Prompt = z.output<typeof countRequest>;

/** A server's own tools have no schema, and are left out. */
function toolsOf({ tools, tool_choice: choice }: Prompt): Pick<ChatOptions, "tools" | "toolChoice"> {
  const own = (tools ?? []).flatMap(({ name, description, input_schema: parameters, strict }): FunctionTool[] => {
    const described = { name, ...(description && { description }), parameters, strict };
    return parameters === undefined ? [] : [{ type: "function", function: described }];
  });
  if (choice?.type === "tool" && choice.name === undefined) throw refused("tool_choice.name", "a tool's", "none");
  const stated = { auto: "auto", any: "required", none: "none", tool: { type: "tool", name: choice?.name } } as const;
  return toolOptions(own, choice ? stated[choice.type] : undefined);
}

function askOf(body: MessageRequest): Ask {
  const { thinking, output_config: config } = body;
  const format = config?.format;
  const isThoughtless = thinking?.type === "disabled";
  return {
    messages: [...systemOf(body.system), ...turnsOf(body.messages)],
    oneCall: body.tool_choice?.disable_parallel_tool_use === true,
    options: {
      ...toolsOf(body),
      ...stated({
        maxTokens: body.max_tokens,
        stop: body.stop_sequences,
        temperature: body.temperature,
        topP: body.top_p,
        topK: body.top_k,
        thinkingBudget: isThoughtless ? 0 : thinking?.budget_tokens,
        responseFormat: format?.type === "json_schema" ? { type: "json_schema", schema: format.schema } : undefined,
      }),
    },
  };
}

export async function countTokens(
  { model, tools: own }: Served,
  body: Prompt,
  signal: AbortSignal,
): Promise<{ readonly input_tokens: number }> {
  const { tools = own?.tools } = toolsOf(body);
  const messages = [...systemOf(body.system), ...turnsOf(body.messages)];
  return { input_tokens: (await model.encodeChat(messages, { tools, signal })).length };
}

interface AnswerBlock {
  readonly type: "thinking" | "text" | "tool_use";
  readonly [field: string]: unknown;
}

function stopReason({ finishReason, stopped }: Figures): string {
  if (stopped !== undefined) return "stop_sequence";
  return { stop: "end_turn", length: "max_tokens", tool_calls: "tool_use" }[finishReason];
}

/** What Anthropic's types declare, and nothing here has. */
const NOTHING = { container: null, diagnostics: null, stop_details: null };
const NO_SERVICE = { cache_creation: null, inference_geo: null, service_tier: null, speed: null };

/** Tokens that were read again, and those that were held from the request before, count apart. */
function usageOf({ promptTokens, cachedTokens, newTokens, reasoningTokens }: Figures): object {
  return {
    output_tokens_details: { thinking_tokens: reasoningTokens },
    server_tool_use: null,
    input_tokens: promptTokens - cachedTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cachedTokens,
    output_tokens: newTokens,
  };
}

/** The events of an answer; the last one holds the whole message. */
export async function* streamMessage(
  served: ServedRequest,
  body: MessageRequest,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent & { readonly message?: object }, void> {
  const event = (type: string, fields: object): ServerEvent => ({
    event: type,
    data: JSON.stringify({ type, ...fields }),
  });
  const content: AnswerBlock[] = [];
  let open: AnswerBlock | undefined;
  let text = "";
  const index = (): number => content.length;
  function* end(): Generator<ServerEvent, void> {
    if (open === undefined) return;
    if (open.type === "thinking") {
      yield event("content_block_delta", { index: index(), delta: { type: "signature_delta", signature: "" } });
    }
    yield event("content_block_stop", { index: index() });
    content.push({ ...open, [open.type]: text });
    open = undefined;
    text = "";
  }
  const head = { id, type: "message", role: "assistant", model: served.name, ...NOTHING };
  const ask = askOf(body);
  const pieces = answer(served, ask, signal);
  // What is wrong with the request shows before anything is sent.
  let next = await pieces.next();
  // What was held of it, the end tells.
  const { input_tokens } = await countTokens(served, body, signal);
  const nothing = { output_tokens_details: null, server_tool_use: null };
  const asked = {
    ...NO_SERVICE,
    ...nothing,
    input_tokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: 0,
  };
  const started = { ...head, content: [], stop_reason: null, stop_sequence: null, usage: asked };
  yield event("message_start", { message: started });
  yield event("ping", {});
  for (; !next.done; next = await pieces.next()) {
    const { delta } = next.value;
    for (const call of delta.tool_calls ?? []) {
      yield* end();
      const { name, arguments: json } = call.function;
      const block = { type: "tool_use", id: call.id, name, caller: { type: "direct" } } as const;
      yield event("content_block_start", { index: index(), content_block: { ...block, input: {} } });
      const input = { type: "input_json_delta", partial_json: json };
      yield event("content_block_delta", { index: index(), delta: input });
      yield event("content_block_stop", { index: index() });
      content.push({ ...block, input: JSON.parse(json) });
    }
    const piece = delta.content ?? delta.reasoning_content;
    if (piece === undefined) continue;
    const type = delta.content === undefined ? "thinking" : "text";
    if (open !== undefined && open.type !== type) yield* end();
    if (open === undefined) {
      open = type === "text" ? { type, text: "", citations: null } : { type, thinking: "", signature: "" };
      yield event("content_block_start", { index: index(), content_block: open });
    }
    text += piece;
    yield event("content_block_delta", { index: index(), delta: { type: `${type}_delta`, [type]: piece } });
  }
  yield* end();
  const figures = next.value;
  const usage = usageOf(figures);
  const ended = { stop_reason: stopReason(figures), stop_sequence: figures.stopped ?? null };
  const { container, stop_details } = NOTHING;
  yield event("message_delta", { delta: { ...ended, container, stop_details }, usage });
  yield { ...event("message_stop", {}), message: { ...head, content, ...ended, usage: { ...NO_SERVICE, ...usage } } };
}

export async function completeMessage(
  served: ServedRequest,
  body: MessageRequest,
  id: string,
  signal: AbortSignal,
): Promise<object> {
  let whole: object | undefined;
  for await (const { message } of streamMessage(served, body, id, signal)) whole = message;
  return whole as object;
}
