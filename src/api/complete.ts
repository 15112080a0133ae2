// A text, or ids, that the model continues in text.
import { checkStops, createStopMatcher } from "../chat/stop-strings.ts";
import { answerIds, withStop } from "./answer-ids.ts";
import type { CompleteOptions, Summary } from "./language-model.ts";
import type { ModelParts } from "./model-parts.ts";
import { needText } from "./model-text.ts";

export async function* complete(
  parts: ModelParts,
  prompt: string | readonly number[],
  { stop, responseFormat, ...options }: CompleteOptions,
): AsyncGenerator<string, void> {
  const stops = createStopMatcher(checkStops(stop, responseFormat !== undefined));
  const tokenizer = await needText(parts.text).tokenizer();
  const rules = await parts.rulesFor({ responseFormat }, "none", options.signal);
  const stream = tokenizer.stream({ skipSpecial: true });
  const { signal } = options;
  const ids = typeof prompt === "string" ? await tokenizer.encode(prompt, { addBos: true, signal }) : prompt;
  let summary: Summary | undefined;
  const onFinish = (figures: Summary): void => {
    summary = figures;
  };
  const conditions = { rules, metStop: () => stops.met };
  for await (const id of answerIds(parts, tokenizer, ids, options, conditions, onFinish)) {
    const piece = stops.push(stream.push(id));
    if (piece !== "") yield piece;
  }
  const rest = stops.push(stream.end()) + stops.end();
  if (rest !== "") yield rest;
  if (summary !== undefined) options.onFinish?.(withStop(summary, stops.met));
}
