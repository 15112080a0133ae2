// POST /v1/responses. Nothing is stored: a client sends the whole conversation, as Codex and the Agents SDK do.
// @source platform.openai.com/docs/api-reference/responses; openresponses.org
import { z } from "zod";
import type { ChatMessage, ToolCallDelta } from "../../index.ts";
import { type Ask, answer, type Figures, type Served, type ServedRequest } from "../answer.ts";
import { refused } from "../failure.ts";
import type { ServerEvent } from "../http/event-stream.ts";
import { contentField, textOf } from "./message-fields.ts";
import { samplingFields, samplingOf, stated } from "./sampling-fields.ts";
import { type FunctionTool, formatField, formatOf, toolChoiceField, toolOptions } from "./tools.ts";
import { logprobsOf } from "./usage.ts";

const inputItem = z.looseObject({
  type: z.string().nullish(),
  role: z.enum(["system", "developer", "user", "assistant"]).optional(),
  content: contentField,
  call_id: z.string().optional(),
  name: z.string().optional(),
  arguments: z.string().optional(),
  output: contentField,
});
type InputItem = z.output<typeof inputItem>;

export const responseRequest = z.looseObject({
  model: z.string().nullish(),
  input: z.union([z.string(), z.array(inputItem)]).nullish(),
  instructions: z.string().nullish(),
  ...samplingFields,
  max_output_tokens: z.number().nullish(),
  stream: z.boolean().nullish(),
  store: z.boolean().nullish(),
  previous_response_id: z.string().nullish(),
  background: z.boolean().nullish(),
  tools: z
    .array(z.looseObject({ type: z.string(), name: z.string().optional(), strict: z.boolean().nullish() }))
    .nullish(),
  tool_choice: toolChoiceField,
  parallel_tool_calls: z.boolean().nullish(),
  reasoning: z.looseObject({ effort: z.string().nullish() }).nullish(),
  text: z.looseObject({ format: formatField }).nullish(),
  include: z.array(z.string()).nullish(),
  top_logprobs: z.int().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
});
export type ResponseRequest = z.output<typeof responseRequest>;

function checkStored({ previous_response_id: previous, store, background }: ResponseRequest): void {
  const remedy = "Send the whole conversation as input.";
  if (typeof previous === "string")
    throw refused("previous_response_id", "none, as nothing is stored", previous, remedy);
  if (store === true) throw refused("store", "false, as nothing is stored", "true", "Leave it out.");
  if (background === true) throw refused("background", "false", "true", "Answers are given to whoever waits for them.");
}

/** What an assistant thinks, says and calls stands in items of their own; a template wants one message. */
function messagesOf({ instructions, input }: ResponseRequest): ChatMessage[] {
  const messages: ChatMessage[] = [];
  if (typeof instructions === "string") messages.push({ role: "system", content: instructions });
  let own: { content: string; reasoning_content?: string; tool_calls?: ToolCallDelta[] } | undefined;
  const items: readonly InputItem[] =
    typeof input === "string" ? [{ role: "user", content: input, output: undefined }] : (input ?? []);
  const flush = (): void => {
    if (own !== undefined) messages.push({ role: "assistant", ...own });
    own = undefined;
  };
  for (const [i, item] of items.entries()) {
    const { type = item.role === undefined ? undefined : "message", role } = item;
    const at = `input[${i}]`;
    if (type === "message" && role === "assistant") {
      own = { ...own, content: (own?.content ?? "") + textOf(item.content, `${at}.content`) };
    } else if (type === "message" && role !== undefined) {
      flush();
      const text = textOf(item.content, `${at}.content`);
      messages.push({ role: role === "developer" ? "system" : role, content: text });
    } else if (type === "reasoning") {
      if ((own?.tool_calls?.length ?? 0) > 0) flush();
      const thought = Array.isArray(item.content) ? item.content.map(({ text = "" }) => text).join("") : "";
      if (thought !== "") own = { content: "", ...own, reasoning_content: (own?.reasoning_content ?? "") + thought };
    } else if (type === "function_call") {
      const { call_id: id, name, arguments: json } = item;
      if (id === undefined || name === undefined || json === undefined) {
        throw refused(at, "call_id, name and arguments", "a call without one of them");
      }
      own = { content: "", ...own };
      const calls = own.tool_calls ?? [];
      own.tool_calls = [...calls, { index: calls.length, id, type: "function", function: { name, arguments: json } }];
    } else if (type === "function_call_output") {
      flush();
      messages.push({ role: "tool", tool_call_id: item.call_id, content: textOf(item.output, `${at}.output`) });
    } else if (type === "item_reference") {
      throw refused(
        `${at}.type`,
        "an item itself, as nothing is stored",
        type,
        "Send the whole conversation as input.",
      );
    }
    // Items of services that a client has used elsewhere say nothing to this model.
  }
  flush();
  // Codex asks with an empty input to see whether somebody answers.
  if (messages.every(({ role }) => role === "system")) messages.push({ role: "user", content: "" });
  return messages;
}

function askOf(body: ResponseRequest): Ask {
  checkStored(body);
  const tools = (body.tools ?? []).flatMap(({ type, strict, ...described }): FunctionTool[] => {
    const { name } = described;
    return type === "function" && name !== undefined ? [{ type, function: { ...described, name, strict } }] : [];
  });
  const wantsLogprobs = body.include?.includes("message.output_text.logprobs") === true;
  return {
    messages: messagesOf(body),
    oneCall: body.parallel_tool_calls === false,
    options: {
      ...samplingOf(body),
      ...toolOptions(tools, body.tool_choice),
      ...stated({
        maxTokens: body.max_output_tokens,
        responseFormat: formatOf(body.text?.format),
        thinkingBudget: body.reasoning?.effort === "none" ? 0 : undefined,
        topLogprobs: wantsLogprobs ? (body.top_logprobs ?? 0) : undefined,
      }),
    },
  };
}

interface OpenItem {
  readonly kind: "reasoning" | "message";
  readonly item: Record<string, unknown> & { readonly id: string };
  text: string;
  logprobs: object[];
}

/** The events of an answer; the last one holds the whole response. */
export async function* streamResponse(
  served: ServedRequest,
  body: ResponseRequest,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent & { readonly response?: object }, void> {
  let sequence = 0;
  const event = (type: string, fields: object): ServerEvent => ({
    event: type,
    data: JSON.stringify({ type, sequence_number: sequence++, ...fields }),
  });
  const ask = askOf(body);
  const output: object[] = [];
  const head = headOf(served, body, id);
  const running = { ...head, status: "in_progress", output: [] };
  let open: OpenItem | undefined;
  const place = (item: OpenItem): object => ({ item_id: item.item.id, output_index: output.length, content_index: 0 });

  function* begin(kind: OpenItem["kind"]): Generator<ServerEvent, OpenItem> {
    const prefix = kind === "message" ? "msg" : "rs";
    const own = { id: `${prefix}_${id.slice(5)}_${output.length}`, status: "in_progress" };
    const item =
      kind === "message"
        ? { ...own, type: "message", role: "assistant", content: [] }
        : { ...own, type: "reasoning", summary: [], content: [] };
    const begun: OpenItem = { kind, item, text: "", logprobs: [] };
    yield event("response.output_item.added", { output_index: output.length, item });
    yield event("response.content_part.added", { ...place(begun), part: partOf(begun) });
    return begun;
  }
  function* end(): Generator<ServerEvent, void> {
    if (open === undefined) return;
    const ended = open;
    const part = partOf(ended);
    const { text } = ended;
    const more = ended.kind === "message" ? { text, logprobs: ended.logprobs } : { text };
    yield event(`response.${wordOf(ended)}.done`, { ...place(ended), ...more });
    yield event("response.content_part.done", { ...place(ended), part });
    const item = { ...ended.item, status: "completed", content: [part] };
    yield event("response.output_item.done", { output_index: output.length, item });
    output.push(item);
    open = undefined;
  }

  const pieces = answer(served, ask, signal);
  // What is wrong with the request shows before anything is sent.
  let next = await pieces.next();
  yield event("response.created", { response: running });
  yield event("response.in_progress", { response: running });
  for (; !next.done; next = await pieces.next()) {
    const { delta, tokens } = next.value;
    for (const call of delta.tool_calls ?? []) {
      yield* end();
      const { name, arguments: json } = call.function;
      const item = { id: `fc_${id.slice(5)}_${output.length}`, type: "function_call", call_id: call.id, name };
      const at = { item_id: item.id, output_index: output.length };
      const added = { ...item, arguments: "", status: "in_progress" };
      yield event("response.output_item.added", { output_index: output.length, item: added });
      yield event("response.function_call_arguments.delta", { ...at, delta: json });
      yield event("response.function_call_arguments.done", { ...at, name, arguments: json });
      const whole = { ...item, arguments: json, status: "completed" };
      yield event("response.output_item.done", { output_index: output.length, item: whole });
      output.push(whole);
    }
    const text = delta.content ?? delta.reasoning_content;
    if (text === undefined) continue;
    const kind = delta.content === undefined ? "reasoning" : "message";
    if (open !== undefined && open.kind !== kind) yield* end();
    open ??= yield* begin(kind);
    const logprobs = ask.options.topLogprobs === undefined ? [] : (logprobsOf(tokens) as { content: object[] }).content;
    open.text += text;
    open.logprobs.push(...logprobs);
    const more = kind === "message" ? { delta: text, logprobs } : { delta: text };
    yield event(`response.${wordOf(open)}.delta`, { ...place(open), ...more });
  }
  // An answer has a message, even if it says nothing.
  if (output.length === 0 && open === undefined) open = yield* begin("message");
  yield* end();
  const figures = next.value;
  const isCut = figures.finishReason === "length";
  const response = {
    ...head,
    status: isCut ? "incomplete" : "completed",
    incomplete_details: isCut ? { reason: "max_output_tokens" } : null,
    completed_at: isCut ? null : Math.floor(Date.now() / 1000),
    output,
    usage: usageOf(figures),
  };
  yield { ...event(isCut ? "response.incomplete" : "response.completed", { response }), response };
}

export async function completeResponse(
  served: ServedRequest,
  body: ResponseRequest,
  id: string,
  signal: AbortSignal,
): Promise<object> {
  let whole: object | undefined;
  for await (const { response } of streamResponse(served, body, id, signal)) whole = response;
  return whole as object;
}

const wordOf = ({ kind }: OpenItem): string => (kind === "message" ? "output_text" : "reasoning_text");

function partOf({ kind, text, logprobs }: OpenItem): object {
  return kind === "message"
    ? { type: "output_text", text, annotations: [], logprobs }
    : { type: "reasoning_text", text };
}

function headOf(served: Served, body: ResponseRequest, id: string): object {
  const { defaults, model } = served;
  const sampling = { ...model.recommended.sampling, ...defaults };
  return {
    id,
    object: "response",
    created_at: Math.floor(Date.now() / 1000),
    completed_at: null,
    model: served.name,
    background: false,
    error: null,
    incomplete_details: null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    max_tool_calls: null,
    metadata: body.metadata ?? {},
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: null,
    prompt_cache_key: null,
    safety_identifier: null,
    reasoning: { effort: body.reasoning?.effort ?? null, summary: null },
    service_tier: "default",
    store: false,
    temperature: body.temperature ?? sampling.temperature ?? 1,
    top_p: body.top_p ?? sampling.topP ?? 1,
    presence_penalty: body.presence_penalty ?? 0,
    frequency_penalty: body.frequency_penalty ?? 0,
    top_logprobs: body.top_logprobs ?? 0,
    text: { ...body.text, format: body.text?.format ?? { type: "text" } },
    tool_choice: body.tool_choice ?? "auto",
    tools: (body.tools ?? [])
      .filter(({ type }) => type === "function")
      .map((tool) => ({ parameters: null, strict: false, ...tool })),
    truncation: "disabled",
    usage: null,
    user: null,
  };
}

function usageOf({ promptTokens, cachedTokens, newTokens, reasoningTokens }: Figures): object {
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: cachedTokens, cache_write_tokens: 0 },
    output_tokens: newTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: promptTokens + newTokens,
  };
}
