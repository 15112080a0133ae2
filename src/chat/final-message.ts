// Prompts that end inside the last message, so that the model goes on with it.
//
// A template writes something after each message. So the message is rendered with a mark at its end, and the prompt
// ends where the mark is.

import { PYTHON_SPACE, strip } from "./jinja/python-strip.ts";
import { ChatError, type ChatMessage } from "./messages.ts";

/** The space shows whether the template strips what it writes. */
const MARK = "CONTINUE_FINAL_MESSAGE_TAG ";

/**
 * The messages, with a mark at the end of the last one's content.
 *
 * @throws ChatError when the last message is not an assistant's, or has no text
 * @source transformers 5.18.0, utils/chat_template_utils.py, render_jinja_template
 */
export function markFinalMessage(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const { content, final, subject } = finalText(messages);
  if (typeof content === "string") return [...messages.slice(0, -1), { ...final, content: content + MARK }];
  const at = content.findLastIndex(({ text }) => typeof text === "string");
  if (at < 0) {
    throw new ChatError({ subject: `${subject}.content`, expected: "text to continue", found: "parts without any" });
  }
  const marked = content.with(at, { ...content[at], text: content[at].text + MARK });
  return [...messages.slice(0, -1), { ...final, content: marked }];
}

/**
 * The prompt up to the mark; without the white space before it, where the template strips it.
 *
 * @throws ChatError when the template does not write the message as it is
 */
export function cutAtMark(rendered: string, messages: readonly ChatMessage[]): string {
  const { content, subject } = finalText(messages);
  const text =
    typeof content === "string" ? content : (content.findLast((part) => part.text !== undefined)?.text ?? "");
  const mark = MARK.trim();
  const at = rendered.lastIndexOf(mark);
  if (at < 0 || !rendered.includes(strip(text))) {
    throw new ChatError({
      subject,
      expected: "a chat template that writes the message to continue",
      found: "one that changes it or leaves it out",
    });
  }
  const prompt = rendered.slice(0, at);
  return rendered.startsWith(MARK, at) ? prompt : strip(prompt, PYTHON_SPACE, { left: false });
}

function finalText(messages: readonly ChatMessage[]) {
  const final = messages.at(-1);
  const subject = `messages[${messages.length - 1}]`;
  if (final?.role !== "assistant") {
    throw new ChatError({
      subject,
      expected: "an assistant's turn to continue",
      found: `one of ${final?.role ?? "nobody"}`,
    });
  }
  const { content } = final;
  if (content === undefined || content === null) {
    throw new ChatError({ subject: `${subject}.content`, expected: "text to continue", found: "none" });
  }
  return { final, content, subject };
}
