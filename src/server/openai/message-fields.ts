// Messages as OpenAI has them become the library's.
import { z } from "zod";
import type { ChatMessage } from "../../index.ts";
import { refused } from "../failure.ts";

const part = z.looseObject({ type: z.string(), text: z.string().optional(), refusal: z.string().optional() });
export const contentField = z.union([z.string(), z.array(part)]).nullish();
export type Content = z.output<typeof contentField>;

export const messageField = z.looseObject({
  role: z.enum(["system", "developer", "user", "assistant", "tool"]),
  content: contentField,
  reasoning_content: z.string().nullish(),
  tool_calls: z.array(z.looseObject({})).nullish(),
});

const TEXT_PARTS = ["text", "input_text", "output_text"];

/** The text of a content. @throws RequestFailure for an image, a sound or a file: these models read text */
export function textOf(content: Content, name: string): string {
  if (content === undefined || content === null) return "";
  if (typeof content === "string") return content;
  const texts = content.map(({ type, text, refusal }, i) => {
    if (TEXT_PARTS.includes(type) && text !== undefined) return text;
    if (type === "refusal") return refusal ?? "";
    throw refused(`${name}[${i}].type`, "text", type, "This model reads text only.");
  });
  return texts.join("");
}

export function messagesOf(messages: readonly z.output<typeof messageField>[]): ChatMessage[] {
  return messages.map(({ role, content, reasoning_content: thought, tool_calls: calls, ...others }, i) => {
    const text = textOf(content, `messages[${i}].content`);
    const isEmpty = (content ?? undefined) === undefined && role === "assistant";
    return {
      ...others,
      role: role === "developer" ? "system" : role,
      ...(isEmpty && (calls?.length ?? 0) > 0 ? {} : { content: text }),
      ...(typeof thought === "string" && { reasoning_content: thought }),
      ...(calls && calls.length > 0 && { tool_calls: calls as unknown as ChatMessage["tool_calls"] }),
    };
  });
}
