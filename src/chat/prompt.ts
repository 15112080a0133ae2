// A conversation as the text that a model reads: its template, with the tokens of its tokenizer.
import type { Detokenizer } from "../tokenizer/detokenizer.ts";
import type { ChatMessage } from "./messages.ts";
import { type TracedText, traceText } from "./provenance.ts";
import type { ChatTemplate, RenderOptions } from "./template.ts";

export interface PromptOptions {
  /** Descriptions of functions the model may call, as JSON objects. */
  readonly tools?: RenderOptions["tools"];
  /** The date that a template may print; now, unless told. */
  readonly now?: Date | undefined;
  /** End with the beginning of the assistant's turn (default true). */
  readonly addGenerationPrompt?: boolean;
  /** What is trusted: what neither users nor tools wrote (default), or all of the text. */
  readonly parseSpecial?: "trusted" | "all";
}

/** @throws ChatError naming the message at fault, or when the template hides where a control string came from */
export function renderPrompt(
  template: ChatTemplate,
  { textOf, bosId, eosIds, wholeTokens }: Detokenizer,
  messages: readonly ChatMessage[],
  { tools, now = new Date(), addGenerationPrompt = true, parseSpecial = "trusted" }: PromptOptions = {},
): TracedText {
  const [bosToken, eosToken] = [bosId, eosIds[0]].map((id) => (id === undefined ? "" : textOf(id)));
  const controlStrings = parseSpecial === "all" ? [] : wholeTokens;
  return traceText(
    (chat) => template.render(chat.messages, { tools: chat.tools, now, addGenerationPrompt, bosToken, eosToken }),
    { messages, tools },
    controlStrings,
    template.source ?? "",
  );
}
