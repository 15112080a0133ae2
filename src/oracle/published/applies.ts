// Which published entries are about a checkpoint: by its name, by a hash that tells its name, or by its tokenizer.
import type { PublishedEntry } from "./entry.ts";

/** What a checkpoint says of itself before its weights are read. */
export interface CheckpointFacts {
  /** Whatever it is called: by its files, its folder, its metadata, or a hash. */
  readonly names: readonly string[];
  /** Block format of most of its weights. */
  readonly format: string;
  readonly vocabSize: number;
}

const QUANTIZED = /[-_. ](?:qad[-_. ])?(?:i?q\d\w*|mxfp4|b?f16|f32)$/i;

/** "LiquidAI/LFM2-8B-A1B-GGUF", "LFM2-8B-A1B-Q4_K_M.gguf" and "LFM2 8B A1B" are the same. */
export function nameOfModel(name: string): string {
  let short = (
    name
      .replace(/[/\\]+$/, "")
      .split(/[/\\]/)
      .at(-1) as string
  ).replace(/\.(gguf|safetensors)$/i, "");
  short = short.replace(/-\d{5}-of-\d{5}$/, "");
  for (let before = ""; before !== short; ) {
    before = short;
    short = short.replace(/[-_ ]gguf$/i, "").replace(QUANTIZED, "");
  }
  return short.toLowerCase().replaceAll(/[-_ ]+/g, "-");
}

/** Why an entry is about a checkpoint; undefined where it is not. */
export function applies(entry: PublishedEntry, facts: CheckpointFacts): "name" | "vocabulary" | undefined {
  if (entry.vocabSize !== undefined && entry.vocabSize !== facts.vocabSize) return undefined;
  if (entry.formats !== undefined && !entry.formats.includes(facts.format)) return undefined;
  const names = facts.names.map(nameOfModel);
  if (entry.models.some((model) => names.includes(nameOfModel(model)))) return "name";
  return entry.vocabSize === undefined ? undefined : "vocabulary";
}
