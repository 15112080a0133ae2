// Messages as Anthropic has them become the library's: what tools gave back stands in a user's turn there.
import { z } from "zod";
import type { ChatMessage } from "../../index.ts";
import { refused } from "../failure.ts";

const block = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  thinking: z.string().optional(),
  id: z.string().optional(),
  name: z.string().optional(),
  input: z.record(z.string(), z.unknown()).optional(),
  tool_use_id: z.string().optional(),
  content: z.unknown().optional(),
  is_error: z.boolean().nullish(),
});
export const blocksField = z.union([z.string(), z.array(block)]);
type Blocks = z.output<typeof blocksField>;
type Block = z.output<typeof block>;

export const turnField = z.looseObject({ role: z.enum(["user", "assistant", "system"]), content: blocksField });

/** Claude Code begins its system prompt with a line of its own accounting, which is another one in every request. */
const ACCOUNTING = /^x-anthropic-billing-header:.*(?:\n+|$)/i;

const listOf = (blocks: Blocks): readonly Block[] =>
  typeof blocks === "string" ? [{ type: "text", text: blocks }] : blocks;

export function systemOf(system: Blocks | null | undefined): ChatMessage[] {
  const texts = listOf(system ?? [])
    .map((one, i) => textOf(one, `system[${i}]`).replace(ACCOUNTING, ""))
    .filter((text) => text !== "");
  return texts.length === 0 ? [] : [{ role: "system", content: texts.join("\n\n") }];
}

function textOf({ type, text }: Block, at: string): string {
  if (type === "text" && text !== undefined) return text;
  throw refused(`${at}.type`, "text", type, "This model reads text only.");
}

export function turnsOf(turns: readonly z.output<typeof turnField>[]): ChatMessage[] {
  return turns.flatMap(({ role, content }, i): ChatMessage[] => {
    const blocks = listOf(content);
    const at = `messages[${i}].content`;
    if (role === "assistant") return [assistantOf(blocks, at)];
    if (role === "system") return [{ role, content: blocks.map((one, k) => textOf(one, `${at}[${k}]`)).join("\n\n") }];
    const results = blocks.flatMap((one, k): ChatMessage[] => {
      if (one.type !== "tool_result") return [];
      return [{ role: "tool", tool_call_id: one.tool_use_id, content: resultOf(one, `${at}[${k}]`) }];
    });
    const texts = blocks.flatMap((one, k) => (one.type === "tool_result" ? [] : [textOf(one, `${at}[${k}]`)]));
    return texts.length === 0 ? results : [...results, { role: "user", content: texts.join("\n\n") }];
  });
}

function resultOf({ content, is_error: isError }: Block, at: string): string {
  const read = blocksField.optional().safeParse(content ?? undefined);
  if (!read.success) throw refused(`${at}.content`, "a text or blocks", "something else");
  const text = listOf(read.data ?? "")
    .map((one, i) => textOf(one, `${at}.content[${i}]`))
    .join("\n\n");
  return isError === true ? `error: ${text}` : text;
}

function assistantOf(blocks: readonly Block[], at: string): ChatMessage {
  let content = "";
  let thought = "";
  const calls: object[] = [];
  for (const [k, one] of blocks.entries()) {
    if (one.type === "text") content += one.text ?? "";
    else if (one.type === "thinking") thought += one.thinking ?? "";
    else if (one.type === "tool_use") {
      const { id, name, input = {} } = one;
      if (name === undefined) throw refused(`${at}[${k}].name`, "the name of a tool", "none");
      calls.push({ id, type: "function", function: { name, arguments: input } });
    } else if (one.type !== "redacted_thinking")
      throw refused(`${at}[${k}].type`, "text, thinking or tool_use", one.type);
  }
  return {
    role: "assistant",
    content,
    ...(thought !== "" && { reasoning_content: thought }),
    ...(calls.length > 0 && { tool_calls: calls as unknown as ChatMessage["tool_calls"] }),
  };
}
