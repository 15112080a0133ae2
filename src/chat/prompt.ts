// A conversation as the text that a model reads: its template, with the tokens of its tokenizer.
import type { Detokenizer } from "../tokenizer/detokenizer.ts";
import { cutAtMark, markFinalMessage } from "./final-message.ts";
import { ChatError, type ChatMessage, checkMessages } from "./messages.ts";
import { type TracedText, traceText } from "./provenance.ts";
import type { ChatTemplate, RenderOptions } from "./template.ts";

export interface PromptOptions {
  /** Descriptions of functions the model may call, as JSON objects. */
  readonly tools?: RenderOptions["tools"];
  /** The date that a template may print; today by default. */
  readonly now?: Date | undefined;
  /** End with the beginning of the assistant's turn (default true, unless a message is continued). */
  readonly addGenerationPrompt?: boolean;
  /** End within the last message, an assistant's, so that the model goes on with it (default false). */
  readonly continueFinalMessage?: boolean;
  /** Whose control strings count: those that neither users nor tools wrote (default), or all. */
  readonly parseSpecial?: "trusted" | "all";
}

/** @throws ChatError naming the message at fault, or when the template hides where a control string came from */
export function renderPrompt(
  template: ChatTemplate,
  { textOf, bosId, eosIds, wholeTokens }: Detokenizer,
  messages: readonly ChatMessage[],
  options: PromptOptions = {},
): TracedText {
  const { tools, now = new Date(), continueFinalMessage = false, parseSpecial = "trusted" } = options;
  const { addGenerationPrompt = !continueFinalMessage } = options;
  if (continueFinalMessage && addGenerationPrompt) {
    throw new ChatError({
      subject: "continueFinalMessage",
      expected: "no addGenerationPrompt beside it",
      found: "both",
      remedy: "The prompt ends in one of two ways.",
    });
  }

  const [bosToken, eosToken] = [bosId, eosIds[0]].map((id) => (id === undefined ? "" : textOf(id)));
  const controlStrings = parseSpecial === "all" ? [] : wholeTokens;
  const render = (messages: readonly ChatMessage[], tools: PromptOptions["tools"]): string =>
    template.render(messages, { tools, now, addGenerationPrompt, bosToken, eosToken });
  if (continueFinalMessage) checkMessages(messages);
  return traceText(
    (chat) => {
      if (!continueFinalMessage) return render(chat.messages, chat.tools);
      return cutAtMark(render(markFinalMessage(chat.messages), chat.tools), chat.messages);
    },
    { messages, tools },
    controlStrings,
    template.source ?? "",
  );
}
