// Small models with seeded random weights, of any shape, so that what was built on one is tested on another.
import type { Checkpoint } from "../../src/formats/checkpoint.ts";
import { type TensorToWrite, writeSafetensors } from "../../src/formats/hf/safetensors.ts";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import { readConfig } from "../../src/model/config.ts";
import { createWeights } from "../../src/model/weights.ts";
import type { Weight } from "../../src/ops/ops.ts";
import { blobFolder } from "../../src/sources/blob.ts";
import { seeded } from "../ops/harness.ts";

export type RawConfig = Readonly<Record<string, unknown>>;

/** The one that the signatures were written on. */
export const shapeX: RawConfig = {
  model_type: "lfm2_moe",
  vocab_size: 120,
  hidden_size: 64,
  intermediate_size: 96,
  moe_intermediate_size: 32,
  num_hidden_layers: 4,
  num_dense_layers: 1,
  layer_types: ["conv", "full_attention", "conv", "full_attention"],
  num_attention_heads: 4,
  num_key_value_heads: 2,
  num_experts: 8,
  num_experts_per_tok: 2,
  bos_token_id: 1,
  max_position_embeddings: 512,
};

/** The one that they are tested on: other widths, three queries to a KV head, YaRN, a factor on the weights. */
export const shapeY: RawConfig = {
  ...shapeX,
  vocab_size: 150,
  hidden_size: 96,
  intermediate_size: 128,
  moe_intermediate_size: 48,
  num_hidden_layers: 5,
  layer_types: ["conv", "conv", "full_attention", "conv", "full_attention"],
  num_attention_heads: 6,
  num_key_value_heads: 2,
  num_experts: 6,
  num_experts_per_tok: 3,
  conv_L_cache: 4,
  rope_parameters: { rope_type: "yarn", rope_theta: 5e6, factor: 4, original_max_position_embeddings: 128 },
  routed_scaling_factor: 1.5,
  norm_eps: 1e-5,
};

/** Uniform numbers of a size that keeps activations ordinary; gains around 1, biases that matter. */
export async function randomModel(config: RawConfig, seed: number): Promise<Checkpoint> {
  const random = seeded(seed);
  const centred = (): number => 2 * random() - 1;
  const tensors = new Map<string, TensorToWrite>();
  createWeights(readConfig(config), ({ path, rows, cols, experts }): Weight => {
    const isNorm = /norm$/.test(path);
    const size = isNorm ? 0.35 : path.endsWith("conv.conv") ? 0.9 : path.endsWith("bias") ? 0.5 : 2 / Math.sqrt(cols);
    const numbers = (): Float32Array =>
      Float32Array.from({ length: rows * cols }, () => (isNorm ? 1 : 0) + size * centred());
    const shape = rows === 1 ? [cols] : [rows, cols];
    for (let e = 0; e < experts; e++) {
      const name = experts === 1 ? path : path.replace("experts", `experts.${e}`);
      const stored = path.endsWith("expert_bias") ? name : `${name}.weight`;
      tensors.set(stored, { dtype: "F32", shape, data: numbers() });
    }
    return { path, rows, cols, experts };
  });
  const json = new Blob([JSON.stringify(config)]);
  const weights = new Blob([writeSafetensors(tensors) as Uint8Array<ArrayBuffer>]);
  const files = [
    { name: "config.json", blob: json },
    { name: "model.safetensors", blob: weights },
  ];
  return openCheckpoint(blobFolder("random model", files), undefined);
}

export function randomIds(vocab: number, count: number, seed: number): Int32Array {
  const random = seeded(seed);
  return Int32Array.from({ length: count }, () => 2 + Math.floor(random() * (vocab - 2)));
}
