// Messages to the text the model was trained on: the checkpoint's own Jinja template, or plain ChatML without one.
import { compileJinja, TemplateRaised } from "../jinja/jinja.ts";
import { concatenate, Text } from "../jinja/text.ts";
import { JinjaError } from "../jinja/tokens.ts";
import { List, type Value } from "../jinja/values.ts";
import type { Span } from "../tokenizer/tokenizer.ts";
import { ChatError, type ChatMessage, checkMessages, checkTools } from "./messages.ts";
import { contentText, messageValue, templateValue } from "./provenance.ts";

export interface RenderOptions {
  /** Descriptions of functions the model may call, as JSON objects. */
  readonly tools?: readonly unknown[] | undefined;
  /** End with the beginning of the assistant's turn. */
  readonly addGenerationPrompt: boolean;
  /** The text of BOS, which templates write themselves: encode their result without adding it again. */
  readonly bosToken: string;
  /** The text of EOS, for templates that write it. */
  readonly eosToken?: string | undefined;
  /** What `strftime_now` tells, in local time; templates that list tools may print the date. Default: the clock. */
  readonly now?: Date | undefined;
  /** Any other variable of the template: `keep_past_thinking`, `preserve_thinking`. */
  readonly [variable: string]: unknown;
}

export interface RenderedChat {
  /** What Python's jinja2 gives for the same conversation. */
  readonly text: string;
  /**
   * Where control strings may count as tokens: all of the text but what a user, a tool or a call's arguments put there
   * (provenance.ts). For the tokenizer's `parseSpecial`.
   */
  readonly trusted: readonly Span[];
}

export interface ChatTemplate {
  /** The template's text; undefined for the ChatML that stands in for a missing one. */
  readonly source: string | undefined;
  /** @throws ChatError naming the message at fault, or what the template said through raise_exception */
  render(messages: readonly ChatMessage[], options: RenderOptions): RenderedChat;
}

type Variables = Map<string, Value>;

/**
 * A chat template, with the whitespace rules (trim_blocks, lstrip_blocks) and functions that Hugging Face gives it.
 *
 * @param source  Jinja; undefined when the checkpoint has none: then BOS and, for every message,
 *                `<|im_start|>role\ncontent<|im_end|>\n`, which is what all LFM2 templates share, without tools
 * @throws ChatError naming the line, when the template is not Jinja
 * @source transformers 5.18.0, utils/chat_template_utils.py, _compile_jinja_template
 */
export function createTemplate(source: string | undefined): ChatTemplate {
  const run = source === undefined ? undefined : compile(source);
  return {
    source,
    render(messages, { tools, addGenerationPrompt, bosToken, eosToken, now = new Date(), ...others }) {
      checkMessages(messages);
      if (tools !== undefined) checkTools(tools);
      const values = messages.map(messageValue);
      const variables: Variables = new Map([
        ...Object.entries(others).map(([name, value]) => [name, templateValue(value, true)] as const),
        ["tools", tools === undefined ? null : templateValue(tools, false)],
        ["documents", null],
        ["add_generation_prompt", addGenerationPrompt],
        ["bos_token", new Text(bosToken)],
        ...(eosToken === undefined ? [] : [["eos_token", new Text(eosToken)] as const]),
      ]);
      const render = (count: number): Text => {
        if (run !== undefined) return run([...variables, ["messages", new List(values.slice(0, count))]], now);
        return renderChatMl(messages.slice(0, count), tools !== undefined, addGenerationPrompt, bosToken);
      };
      try {
        const { value, untrusted } = render(messages.length);
        return { text: value, trusted: between(untrusted, value.length) };
      } catch (error) {
        const found = (error as Error).message;
        const culprit = firstCount(messages.length, (count) => failsWith(() => render(count), found));
        const line =
          error instanceof JinjaError && !(error.cause instanceof TemplateRaised) ? `, line ${error.line}` : "";
        const place = culprit === 0 ? "" : ` at messages[${culprit - 1}] (${messages[culprit - 1].role})`;
        throw new ChatError(`Chat template${line}${place}: ${found}.`, { cause: error });
      }
    },
  };
}

/** What lies between the stretches, from 0 to `length`. */
function between(stretches: readonly number[], length: number): Span[] {
  const edges = [0, ...stretches, length];
  const spans: Span[] = [];
  for (let i = 0; i < edges.length; i += 2) {
    if (edges[i] < edges[i + 1]) spans.push([edges[i], edges[i + 1]]);
  }
  return spans;
}

function renderChatMl(
  messages: readonly ChatMessage[],
  hasTools: boolean,
  addGenerationPrompt: boolean,
  bosToken: string,
): Text {
  if (hasTools) throw new Error("expected no tools, as this checkpoint has no template that could list them");
  const turns = messages.flatMap((message) => {
    if (message.tool_calls) {
      throw new Error("expected no tool_calls, as this checkpoint has no template that could write them");
    }
    return [new Text(`<|im_start|>${message.role}\n`), contentText(message), new Text("<|im_end|>\n")];
  });
  const end = addGenerationPrompt ? "<|im_start|>assistant\n" : "";
  return concatenate([new Text(bosToken), ...turns, new Text(end)]);
}

function compile(source: string): ReturnType<typeof compileJinja> {
  try {
    return compileJinja(source);
  } catch (error) {
    if (!(error instanceof JinjaError)) throw error;
    throw new ChatError(`Chat template, line ${error.line}: ${error.message}.`, { cause: error });
  }
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
