// What a model does with text, as promises: its tokenizer, its prompts, and what its output is held to.
import { toCloneable } from "../chat/cloneable.ts";
import { ChatError, type ChatMessage, checkSize } from "../chat/messages.ts";
import type { PromptOptions } from "../chat/prompt.ts";
import type { TracedText } from "../chat/provenance.ts";
import type { ConstraintRequest } from "../constrain/compile.ts";
import type { ConstraintRules } from "../constrain/constraint.ts";
import { ConstraintError } from "../constrain/error.ts";
import { asJson } from "../constrain/schema/schema.ts";
import { createDetokenizer, type Detokenizer } from "../tokenizer/detokenizer.ts";
import type { PackedBytes } from "../tokenizer/packed-bytes.ts";
import { TokenizerError } from "../tokenizer/source.ts";
import type { EncodeOptions } from "../tokenizer/tokenizer.ts";
import type { TextFiles, TextPort } from "./protocol.ts";
import { connectText } from "./thread.ts";

/** A model's tokenizer: ids to text here and at once, text to ids in the text thread. */
export interface ModelTokenizer extends Detokenizer {
  /**
   * The ids of a text.
   * @throws TokenizerError when it takes unreasonably long; the signal's reason
   */
  encode(text: string, options?: EncodeOptions & { readonly signal?: AbortSignal | undefined }): Promise<number[]>;
}

export interface ModelText {
  /** @throws TokenizerError, FormatError: the files' tokenizer is damaged */
  tokenizer(): Promise<ModelTokenizer>;
  /** @throws ChatError as renderPrompt does, and when the template takes unreasonably long */
  render(messages: readonly ChatMessage[], options: PromptOptions, signal?: AbortSignal): Promise<TracedText>;
  /** @throws ConstraintError */
  compile(request: ConstraintRequest, signal?: AbortSignal): Promise<ConstraintRules>;
  /** The bytes of `size` tokens, one for each row of the embedding. */
  vocabulary(size: number): Promise<PackedBytes>;
  close(): Promise<void>;
}

const SECOND = 1000;
// Rendering takes some 10 µs for a thousand characters, encoding 1 ms: 25 times that.
const RENDER_MS_PER_CHARACTER = 0.000_25;
const ENCODE_MS_PER_CHARACTER = 0.025;

export function createText(start: () => TextPort, files: TextFiles): ModelText {
  const thread = connectText(start, files);
  let opened: Promise<ModelTokenizer> | undefined;

  const encode: ModelTokenizer["encode"] = async (text, { signal, ...options } = {}) => {
    const refuse = (found: string) =>
      new TokenizerError({ subject: "text", expected: `ids for ${text.length} characters`, found });
    const bound = { ms: SECOND + ENCODE_MS_PER_CHARACTER * text.length, refuse };
    return Array.from(await thread.request({ kind: "encode", text, options }, bound, signal));
  };
  const open = async (): Promise<ModelTokenizer> => ({ ...createDetokenizer(await thread.opened()), encode });

  return {
    async tokenizer() {
      opened ??= open().catch((error) => {
        opened = undefined;
        throw error;
      });
      return opened;
    },
    async render(messages, { tools, ...options }, signal) {
      const size = checkSize(messages, "messages") + (tools === undefined ? 0 : checkSize(tools, "tools"));
      const refuse = (found: string) =>
        new ChatError({
          subject: "Chat template",
          expected: "a prompt",
          found,
          remedy: "Open a model with a simpler template.",
        });
      const request = {
        kind: "render",
        messages: toCloneable(messages),
        options: { ...options, tools: toCloneable(tools) },
      } as const;
      return thread.request(request, { ms: SECOND + RENDER_MS_PER_CHARACTER * size, refuse }, signal);
    },
    async compile(request, signal) {
      const refuse = (found: string) =>
        new ConstraintError({
          subject: "responseFormat and tools",
          expected: "rules for the output",
          found,
          remedy: "Simplify them.",
        });
      return thread.request({ kind: "compile", request: plain(request) }, { ms: 2 * SECOND, refuse }, signal);
    },
    vocabulary: (size) =>
      thread.request(
        { kind: "vocabulary", size },
        {
          ms: 10 * SECOND,
          refuse: (found) => new TokenizerError({ subject: "Vocabulary", expected: `${size} tokens`, found }),
        },
      ),
    close: thread.close,
  };
}

/** A request as JSON has it: schemas may be objects with methods. */
function plain({ responseFormat, tools, ...rest }: ConstraintRequest): ConstraintRequest {
  return {
    ...rest,
    responseFormat:
      responseFormat?.type === "json_schema"
        ? { type: responseFormat.type, schema: asJson(responseFormat.schema, "schema") }
        : responseFormat,
    tools: Array.isArray(tools)
      ? tools.map((tool, i) => (typeof tool === "string" ? tool : asJson(tool, `tools[${i}]`)))
      : tools,
  };
}
