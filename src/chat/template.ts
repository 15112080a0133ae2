// Messages to the text the model was trained on: the checkpoint's own Jinja template, or plain ChatML without one.

import { TemplateBudgetError } from "./jinja/budget.ts";
import { explained } from "./jinja/errors.ts";
import { compileJinja, type JinjaTemplate, TemplateRaised } from "./jinja/jinja.ts";
import { lineOfError } from "./jinja/lines.ts";
import { ChatError, type ChatMessage, checkMessages, checkTools, forTemplate } from "./messages.ts";

export interface RenderOptions {
  /** Descriptions of functions the model may call, as JSON objects. */
  readonly tools?: readonly unknown[] | undefined;
  /** End with the beginning of the assistant's turn. */
  readonly addGenerationPrompt: boolean;
  /** The text of BOS, which templates write themselves: encode their result without adding it again. */
  readonly bosToken: string;
  /** The text of EOS, for templates that write it. */
  readonly eosToken?: string | undefined;
  /** The time that `strftime_now` formats, in local time; templates that list tools may print the date. Default: now. */
  readonly now?: Date | undefined;
  /** Any other variable of the template: `keep_past_thinking`, `preserve_thinking`. */
  readonly [variable: string]: unknown;
}

export interface ChatTemplate {
  /** The template's text; undefined for the ChatML that stands in for a missing one. */
  readonly source: string | undefined;
  /** @throws ChatError naming the message at fault, or what the template said through raise_exception */
  render(messages: readonly ChatMessage[], options: RenderOptions): string;
}

/**
 * A chat template, with the whitespace rules (trim_blocks, lstrip_blocks) and functions that Hugging Face gives it.
 *
 * @param source  Jinja; undefined when the checkpoint has none: then BOS and, for every message,
 *                `<|im_start|>role\ncontent<|im_end|>\n`, which is what all LFM2 templates share, without tools
 * @throws ChatError naming the line, when the template is not Jinja
 * @source transformers 5.18.0, utils/chat_template_utils.py, _compile_jinja_template
 */
export function createTemplate(source: string | undefined): ChatTemplate {
  const run = source === undefined ? renderChatMl : compile(source);
  return {
    source,
    render(messages, { tools, addGenerationPrompt, bosToken, eosToken, now = new Date(), ...variables }) {
      const turns = forTemplate(checkMessages(messages), { writesCalls: source?.includes("tool_calls") ?? true });
      if (tools !== undefined) checkTools(tools);
      const render = (count: number): string => {
        return run(
          {
            ...variables,
            messages: turns.slice(0, count),
            tools: tools ?? null,
            documents: null,
            add_generation_prompt: addGenerationPrompt,
            bos_token: bosToken,
            eos_token: eosToken,
          },
          now,
        );
      };
      try {
        return render(messages.length);
      } catch (error) {
        const { message } = error as Error;
        const found = error instanceof TemplateRaised ? message : explained(error);
        // Where it was all messages together that were too much, none of them is at fault.
        const culprit =
          error instanceof TemplateBudgetError
            ? 0
            : firstCount(messages.length, (count) => failsWith(() => render(count), message));
        const subject =
          culprit === 0 ? "Chat template" : `Chat template at messages[${culprit - 1}] (${messages[culprit - 1].role})`;
        const sentence = `${subject}: ${found}.`;
        throw new ChatError({ subject, expected: "a conversation that it takes", found, sentence }, { cause: error });
      }
    },
  };
}

const renderChatMl: JinjaTemplate = ({ messages, tools, bos_token, add_generation_prompt }) => {
  if (tools !== null) throw new Error("expected no tools, as this checkpoint has no template that could list them");
  const turns = (messages as readonly ChatMessage[]).map(({ role, content, tool_calls }) => {
    if (tool_calls) throw new Error("expected no tool_calls, as this checkpoint has no template that could write them");
    const text = typeof content === "string" ? content : (content ?? []).map((part) => part.text ?? "").join("");
    return `<|im_start|>${role}\n${text}<|im_end|>\n`;
  });
  return `${bos_token}${turns.join("")}${add_generation_prompt ? "<|im_start|>assistant\n" : ""}`;
};

/** The library tries each character of white space as the beginning of a tag, up to the end of the piece. */
const MAX_SPACE_STEPS = 2 ** 26;

function checkSpaces(source: string): void {
  let left = MAX_SPACE_STEPS;
  for (const { 0: spaces, index } of source.matchAll(/\s+/g)) {
    left -= spaces.length ** 2;
    if (left >= 0) continue;
    const line = source.slice(0, index).split("\n").length;
    throw new ChatError({
      subject: `Chat template, line ${line}`,
      expected: `a piece of white space of ${Math.sqrt(MAX_SPACE_STEPS)} characters at most, or several shorter ones`,
      found: "more",
    });
  }
}

function compile(source: string): JinjaTemplate {
  checkSpaces(source);
  try {
    return compileJinja(source);
  } catch (error) {
    const open = error instanceof TypeError ? openBlock(source) : undefined;
    if (open !== undefined) {
      const { line, tag } = open;
      throw new ChatError({
        subject: `Chat template, line ${line}`,
        expected: `{% end${tag} %} for this {% ${tag} %}`,
        found: "none",
      });
    }
    const line = lineOfError(source, error);
    const found = source.split("\n")[line - 1].trim().slice(0, MAX_SHOWN);
    const reason = error instanceof TypeError ? "expected more, found the end of the template" : explained(error);
    throw new ChatError(
      { subject: `Chat template, line ${line}`, expected: "Jinja", found: `${JSON.stringify(found)} (${reason})` },
      {
        cause: error,
      },
    );
  }
}

/** Characters of a line that a message shows. */
const MAX_SHOWN = 200;

/** The library's parser runs off the end when a block is not closed, so that is looked for here. */
function openBlock(source: string): { line: number; tag: string } | undefined {
  const open: { index: number; tag: string }[] = [];
  const blanked = source.replace(/\{#[\s\S]*?#\}/g, (comment) => comment.replace(/[^\n]/g, " "));
  for (const { 1: end, 2: tag, 3: rest, index } of blanked.matchAll(
    /\{%[-+]?\s*(end)?(if|for|macro|call|filter|set|generation)\b((?:"[^"]*"|'[^']*'|[^"'])*?)%\}/g,
  )) {
    if (end !== undefined) open.pop();
    else if (tag !== "set" || !rest.includes("=")) open.push({ index, tag });
  }
  const last = open.at(-1);
  return last && { line: blanked.slice(0, last.index).split("\n").length, tag: last.tag };
}

/** The count in [0, length] from which `fails` begins to hold, by halving; it holds at `length`. */
function firstCount(length: number, fails: (count: number) => boolean): number {
  if (fails(0)) return 0;
  let [good, bad] = [0, length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (fails(middle)) bad = middle;
    else good = middle;
  }
  return bad;
}

function failsWith(run: () => unknown, message: string): boolean {
  try {
    run();
    return false;
  } catch (error) {
    return (error as Error).message === message;
  }
}
