// The text thread: builds the tokenizer, renders the template, encodes, and compiles what output is held to. It has no
// weights, so that it can be ended and started again at any time.

import { fromCloneable } from "../chat/cloneable.ts";
import { renderPrompt } from "../chat/prompt.ts";
import { type ChatTemplate, createTemplate } from "../chat/template.ts";
import { chooseTemplate, type Templates } from "../chat/template-choice.ts";
import { collectVocabulary } from "../constrain/vocabulary.ts";
import { readTokenizer } from "../formats/tokenizer-source.ts";
import { plainError } from "../lfm2-error.ts";
import { createTokenizer, type Tokenizer } from "../tokenizer/tokenizer.ts";
import type { Port } from "../worker/protocol.ts";
import type { TextAnswer, TextRequest, TextResults } from "./protocol.ts";

type Answer = { readonly result: TextResults[TextRequest["kind"]]; readonly transfer?: ArrayBuffer[] };

export function serveText(port: Port<TextRequest, TextAnswer>): void {
  let tokenizer: Tokenizer | undefined;
  let templates: Templates = { chatTemplate: undefined };
  const compiled = new Map<string | undefined, ChatTemplate>();

  port.onMessage(async (request) => {
    try {
      const { result, transfer } = await answer(request);
      port.post({ result }, transfer);
    } catch (error) {
      port.post({ error: plainError(error) });
    }
  });

  async function answer(request: TextRequest): Promise<Answer> {
    if (request.kind === "open") {
      tokenizer = createTokenizer(readTokenizer(request.files.tokenizer), request.files.embeddingRows);
      templates = request.files;
      const { tokens } = tokenizer;
      return { result: tokens };
    }
    if (request.kind === "compile") {
      // Loaded when it is first needed.
      const { compileConstraint } = await import("../constrain/compile.ts");
      return { result: compileConstraint(request.request) };
    }
    if (tokenizer === undefined) throw new TypeError("the text thread has to be opened before it is used");
    if (request.kind === "encode") {
      const result = Uint32Array.from(tokenizer.encode(request.text, request.options));
      return { result, transfer: [result.buffer] };
    }
    if (request.kind === "vocabulary") {
      const { bytes, offsets } = collectVocabulary(request.size, tokenizer.bytesOf);
      return { result: { bytes, offsets }, transfer: [bytes.buffer as ArrayBuffer, offsets.buffer as ArrayBuffer] };
    }
    const { messages, tools, ...options } = fromCloneable({ messages: request.messages, ...request.options });
    const source = chooseTemplate(templates, tools !== undefined);
    const template = compiled.get(source) ?? createTemplate(source);
    compiled.set(source, template);
    return { result: renderPrompt(template, tokenizer, messages, { tools, ...options }) };
  }
}
