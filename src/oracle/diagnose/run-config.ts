// The config of the model that a run was recorded from: what the recording states, or what its points show.
import { type Config, readConfig } from "../../model/config.ts";
import { ConfigError, type RawConfig } from "../../model/config-keys.ts";
import { placeInLayer } from "../recorded/point-names.ts";
import type { RecordedRun } from "../recorded/recorded-run.ts";

/** Undefined where the recording states none, or none of this family. */
export function statedConfig({ about }: RecordedRun): Config | undefined {
  return about && read(about.config);
}

/** What names and shapes say, and for the rest what every LFM2 has. */
export function shownConfig({ points }: RecordedRun): Config | undefined {
  const places = [...points.keys()].flatMap((name) => placeInLayer(name) ?? []);
  const layers = 1 + Math.max(-1, ...places.map(({ layer }) => layer));
  const has = (layer: number, part: string): boolean =>
    places.some((p) => p.layer === layer && p.part.startsWith(part));
  const cols = (end: RegExp): number | undefined => [...points.values()].find(({ name }) => end.test(name))?.cols;
  const indices = Array.from({ length: layers }, (_, layer) => layer);
  const hidden = cols(/^model\.(embed_tokens|layers\.\d+(\.\w+_norm)?)$/);
  const heads = (width = 0): number => Math.max(1, width / 64);
  const dense = indices.findIndex((layer) => has(layer, "feed_forward.gate"));
  return read({
    model_type: "lfm2_moe",
    hidden_size: hidden,
    num_hidden_layers: layers,
    layer_types: indices.map((layer) => (has(layer, "self_attn") ? "full_attention" : "conv")),
    num_dense_layers: dense < 0 ? layers : dense,
    num_attention_heads: heads(hidden),
    num_key_value_heads: heads(cols(/\.k_proj$/) ?? hidden),
    head_dim: 64,
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
