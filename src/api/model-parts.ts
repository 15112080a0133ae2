// What the calls of an opened model share: its two threads, its settings, and what its files recommend.
import type { Settings } from "../load/settings.ts";
import type { Config } from "../model/config.ts";
import type { RecommendedSampling } from "../sampling/defaults.ts";
import type { ModelText } from "../text/text.ts";
import type { ModelWorker } from "../worker/client.ts";
import type { RulesFor } from "./output-rules.ts";

export interface ModelParts {
  readonly worker: ModelWorker;
  /** Undefined where the files have no tokenizer. */
  readonly text: ModelText | undefined;
  readonly config: Config;
  readonly settings: Settings;
  readonly recommended: RecommendedSampling;
  /** eos_token_id of the files, for models without a tokenizer. */
  readonly statedEosIds: readonly number[];
  readonly rulesFor: RulesFor;
}

/** Without what is undefined, which would take the place of a default. */
export function defined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}
