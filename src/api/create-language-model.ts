// An opened model: each call checks its arguments, then runs.
import type { Checkpoint } from "../formats/checkpoint.ts";
import { recommendedSampling } from "../sampling/defaults.ts";
import type { ModelText } from "../text/text.ts";
import type { ModelWorker } from "../worker/client.ts";
import type { Results } from "../worker/protocol.ts";
import { checkIdList, checkPrompt, createCallChecks } from "./call-options.ts";
import { chat, encodeChat } from "./chat.ts";
import { complete } from "./complete.ts";
import { generate } from "./generate.ts";
import type { LanguageModel } from "./language-model.ts";
import type { ModelParts } from "./model-parts.ts";
import { needText } from "./model-text.ts";
import { createRulesFor } from "./output-rules.ts";
import { headOf, logitsOf, traceOf } from "./run-ids.ts";

/** @param text  undefined where the files have no tokenizer */
export function createLanguageModel(
  worker: ModelWorker,
  text: ModelText | undefined,
  checkpoint: Checkpoint,
  { config, settings, bytes, warnings }: Results["load"],
): LanguageModel {
  const name = checkpoint.metadata.get("general.name");
  const recommended = recommendedSampling({
    generationConfig: checkpoint.generationConfig,
    vocabSize: config.vocabSize,
    bosId: statedIds(checkpoint, "bos_token_id")[0],
    name: typeof name === "string" ? name : undefined,
  });
  const parts: ModelParts = {
    worker,
    text,
    config,
    settings,
    recommended,
    statedEosIds: statedIds(checkpoint, "eos_token_id"),
    rulesFor: createRulesFor(worker, text, config.vocabSize),
  };
  const check = createCallChecks(config.vocabSize);
  return {
    config,
    checkpoint,
    warnings: [...checkpoint.warnings, ...warnings],
    settings,
    memoryBytes: bytes,
    recommended,
    tokenizer: async () => needText(text).tokenizer(),
    async encodeChat(messages, options) {
      check("encodeChat", options);
      return encodeChat(parts, messages, options);
    },
    async *chat(messages, options = {}) {
      check("chat", options);
      yield* chat(parts, messages, options);
    },
    async *complete(prompt, options = {}) {
      checkPrompt(prompt);
      check("complete", options);
      yield* complete(parts, prompt, options);
    },
    async *generate(ids, options) {
      checkIdList(ids);
      check("generate", options);
      yield* generate(parts, ids, options);
    },
    async logits(ids, options = {}) {
      checkIdList(ids);
      check("logits", options);
      return logitsOf(parts, ids, options);
    },
    async *trace(ids, options = {}) {
      checkIdList(ids);
      check("trace", options);
      yield* traceOf(parts, ids, options);
    },
    async head(hidden, options = {}) {
      check("head", options);
      return headOf(parts, hidden, options);
    },
    activity: () => worker.activity(),
    async close() {
      await Promise.all([worker.close(), text?.close()]);
    },
  };
}

/** The ids of a key such as eos_token_id, as the files state them: one number or a list. */
function statedIds({ generationConfig, config }: Checkpoint, key: string): number[] {
  const stated = generationConfig[key] ?? config[key];
  return (Array.isArray(stated) ? stated : [stated]).filter((id) => Number.isInteger(id));
}
