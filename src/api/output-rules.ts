// What an answer is held to: compiled in the text thread, obeyed in the model's, which needs the vocabulary for it.
import { plainJson } from "../chat/exact-json.ts";
import type { ConstraintRules, Thought } from "../constrain/constraint.ts";
import type { ModelText } from "../text/text.ts";
import type { ModelWorker } from "../worker/client.ts";
import type { ChatOptions } from "./language-model.ts";
import { needText } from "./model-text.ts";

/**
 * @returns undefined when nothing is asked of the answer's form
 * @throws ConstraintError for what output cannot be held to
 */
export type RulesFor = (
  asked: Pick<ChatOptions, "responseFormat" | "tools" | "toolChoice">,
  thoughtFirst: Thought["first"],
  signal: AbortSignal | undefined,
) => Promise<ConstraintRules | undefined>;

export function createRulesFor(worker: ModelWorker, text: ModelText | undefined, vocabSize: number): RulesFor {
  let vocabularySent = false;

  async function sendVocabulary({ vocabulary }: ModelText): Promise<void> {
    if (vocabularySent) return;
    const bytes = await vocabulary(vocabSize);
    vocabularySent = true;
    // Not waited for: requests are answered in their order, and the next one can be given up by itself.
    worker.request({ kind: "vocabulary", vocabulary: bytes }).catch(() => {
      vocabularySent = false;
    });
  }

  return async ({ responseFormat, tools, toolChoice }, thoughtFirst, signal) => {
    if (responseFormat === undefined && toolChoice === undefined) return undefined;
    const modelText = needText(text);
    const { idOf } = await modelText.tokenizer();
    const [open, close] = [idOf("<think>"), idOf("</think>")];
    const [start, end] = [idOf("<|tool_call_start|>"), idOf("<|tool_call_end|>")];
    const callMarkers = start === undefined || end === undefined ? undefined : { start, end };
    const thought = open === undefined || close === undefined ? undefined : { open, close, first: thoughtFirst };
    const request = { responseFormat, tools: tools?.map(plainJson), toolChoice, callMarkers, thought };
    const rules = await modelText.compile(request, signal);
    await sendVocabulary(modelText);
    return rules;
  };
}
