// Opens the model that the options name, with progress on standard error.
import { type LanguageModel, open } from "../../index.ts";
import { Lfm2Error, partsOf } from "../../lfm2-error.ts";
import type { ModelTokenizer } from "../../text/text.ts";
import { type ModelFlags, statedModelOptions } from "../options/model-options.ts";
import { aboutFlags } from "../options/option-values.ts";
import { nameOf } from "../reports/model-facts.ts";
import { createFetchProgress } from "../terminal/fetch-progress.ts";
import { note } from "../terminal/terminal.ts";
import { sayWarnings } from "./open-files.ts";

export interface OpenedModel {
  readonly model: LanguageModel;
  readonly name: string;
  readonly loadMs: number;
}

/** @throws what `open` throws; UsageError when an option does not fit the model */
export async function openModel(flags: ModelFlags, signal: AbortSignal): Promise<OpenedModel> {
  const begin = performance.now();
  if (flags.model === undefined) sayEmbedded();
  const progress = createFetchProgress();
  progress.show("Loading");
  try {
    const model = await open(flags.model, {
      ...statedModelOptions(flags),
      tokenizerPre: flags.tokenizerPre,
      stallTimeoutMs: flags.stallTimeout,
      offline: flags.offline,
      cache: flags.cache,
      signal,
      onProgress: progress.onProgress,
    });
    progress.clear();
    sayWarnings(model.warnings);
    const name = nameOf(model.checkpoint.metadata, flags.model ?? "embedded model");
    return { model, name, loadMs: performance.now() - begin };
  } catch (error) {
    throw aboutFlags(error);
  } finally {
    progress.clear();
  }
}

/** @throws Lfm2Error saying why this model cannot be talked to: it has no tokenizer, or a damaged one */
export async function tokenizerOf({ model, name }: OpenedModel): Promise<ModelTokenizer> {
  try {
    return await model.tokenizer();
  } catch (error) {
    if (!(error instanceof Lfm2Error)) throw error;
    const { subject, remedy } = error;
    const without = "lfm2 logits --ids works without one.";
    const parts =
      subject === "text"
        ? { subject: name, remedy: without }
        : { subject: `${name}: ${subject}`, remedy: remedy === "" ? without : `${remedy} ${without}` };
    throw new Lfm2Error({ ...partsOf(error), ...parts }, { cause: error });
  }
}

export function sayEmbedded(): void {
  note("No -m given: using the embedded model, lfm2-nano.");
}
