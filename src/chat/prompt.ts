// A conversation as the text that a model reads: its template, with the tokens of its tokenizer.
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { ChatMessage } from "./messages.ts";
import type { ChatTemplate, RenderedChat, RenderOptions } from "./template.ts";

export interface PromptOptions {
  /** Descriptions of functions the model may call, as JSON objects. */
  readonly tools?: RenderOptions["tools"];
  /** The date that a template may print; now, unless told. */
  readonly now?: Date | undefined;
  /** End with the beginning of the assistant's turn (default true). */
  readonly addGenerationPrompt?: boolean;
}

/** @throws ChatError naming the message at fault */
export function renderPrompt(
  template: ChatTemplate,
  { textOf, bosId, eosIds }: Tokenizer,
  messages: readonly ChatMessage[],
  { tools, now, addGenerationPrompt = true }: PromptOptions = {},
): RenderedChat {
  const [bosToken, eosToken] = [bosId, eosIds[0]].map((id) => (id === undefined ? "" : textOf(id)));
  return template.render(messages, { tools, now, addGenerationPrompt, bosToken, eosToken });
}
