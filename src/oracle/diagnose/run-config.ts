// The config of the model that a run was recorded from: what the recording states, or what its points show.
import { type Config, readConfig } from "../../model/config.ts";
import { ConfigError, type RawConfig } from "../../model/config-keys.ts";
import { placeInLayer } from "../recorded/point-names.ts";
import type { RecordedRun } from "../recorded/recorded-run.ts";

/** Undefined where the recording states none, or none of this family. */
export function statedConfig({ about }: RecordedRun): Config | undefined {
  return about && read(about.config);
}

/** What names and shapes say, and for the rest what every LFM2 has; of attention nothing, for heads do not show. */
export function shownConfig({ points }: RecordedRun): Config | undefined {
  const layerOf = (name: string): number => placeInLayer(name)?.layer ?? -1;
  const cols = (end: RegExp): number | undefined => [...points.values()].find(({ name }) => end.test(name))?.cols;
  const layers = Array.from({ length: 1 + Math.max(-1, ...[...points.keys()].map(layerOf)) }, (_, layer) => layer);
  const has = (layer: number, part: RegExp) =>
    [...points.keys()].some((name) => layerOf(name) === layer && part.test(name));
  const dense = layers.findIndex((layer) => has(layer, /\.gate\./));
  return read({
    ...{ model_type: "lfm2_moe", num_attention_heads: 1, num_key_value_heads: 1, head_dim: 64 },
    hidden_size: cols(/^model\.(embed_tokens|layers\.\d+(\.\w+_norm)?)$/),
    num_hidden_layers: layers.length,
    layer_types: layers.map((layer) => (has(layer, /\.self_attn/) ? "full_attention" : "conv")),
    num_dense_layers: dense < 0 ? layers.length : dense,
    num_experts: cols(/\.gate\.logits$/),
    num_experts_per_tok: cols(/\.gate\.experts$/),
  });
}

function read(raw: RawConfig): Config | undefined {
  try {
    return readConfig(raw);
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}
