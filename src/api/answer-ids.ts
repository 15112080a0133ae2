// The ids of an answer in text: sampled as the model's makers recommend, without those that only end it.
import type { ModelTokenizer } from "../text/text.ts";
import { generate, type TextConditions } from "./generate.ts";
import type { GenerateOptions, Summary } from "./language-model.ts";
import { defined, type ModelParts } from "./model-parts.ts";

/** @param onFinish  replaces the caller's own `onFinish`, which is called only after all text has been yielded */
export async function* answerIds(
  parts: ModelParts,
  { eosIds }: ModelTokenizer,
  ids: readonly number[],
  stated: GenerateOptions,
  conditions: TextConditions,
  onFinish: (summary: Summary) => void,
): AsyncGenerator<number, void> {
  const { sampling, maxNewTokens } = parts.recommended;
  const options = { maxTokens: maxNewTokens, ...sampling, ...defined(stated), onFinish };
  const { stopIds = eosIds } = options;
  for await (const id of generate(parts, ids, options, conditions)) {
    if (!stopIds.includes(id)) yield id;
  }
}

/** A stop string may also be met in what comes out at the very end, such as the remains of a tool call. */
export function withStop(summary: Summary, met: string | undefined): Summary {
  return met === undefined ? summary : { ...summary, finishReason: "stop", stopped: met };
}
