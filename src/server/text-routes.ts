// POST /tokenize, /detokenize and /apply-template, as llama.cpp's server has them.
import { z } from "zod";
import type { Served } from "./answer.ts";
import { messageField, messagesOf } from "./openai/message-fields.ts";
import { type FunctionTool, toolField, toolOptions } from "./openai/tools.ts";

export const tokenizeRequest = z.looseObject({
  content: z.string(),
  add_special: z.boolean().nullish(),
  parse_special: z.boolean().nullish(),
  with_pieces: z.boolean().nullish(),
});

export async function tokenize(
  { model }: Served,
  body: z.output<typeof tokenizeRequest>,
  signal: AbortSignal,
): Promise<object> {
  const tokenizer = await model.tokenizer();
  const options = { addBos: body.add_special === true, parseSpecial: body.parse_special !== false, signal };
  const ids = await tokenizer.encode(body.content, options);
  return { tokens: body.with_pieces === true ? ids.map((id) => ({ id, piece: tokenizer.textOf(id) })) : ids };
}

export const detokenizeRequest = z.looseObject({ tokens: z.array(z.int().min(0)) });

export async function detokenize({ model }: Served, { tokens }: z.output<typeof detokenizeRequest>): Promise<object> {
  return { content: (await model.tokenizer()).decode(tokens) };
}

export const templateRequest = z.looseObject({
  messages: z.array(messageField).min(1),
  tools: z.array(toolField).nullish(),
});

export async function applyTemplate(
  { model }: Served,
  { messages, tools }: z.output<typeof templateRequest>,
  signal: AbortSignal,
): Promise<object> {
  const functions = (tools ?? []).filter((tool): tool is FunctionTool & typeof tool => tool.function !== undefined);
  const own = toolOptions(functions, undefined);
  const ids = await model.encodeChat(messagesOf(messages), { tools: own.tools, signal });
  return { prompt: (await model.tokenizer()).decode(ids), tokens: ids };
}
