// A small config of the sparse kind in which every format fits, and files made of it.
import type { QuantizationType } from "../../src/formats/gguf/file-types.ts";
import { synthesize } from "../../src/synth/synthesize.ts";
import { written } from "../quantize/collect.ts";

export const small = {
  model_type: "lfm2_moe",
  vocab_size: 1024,
  hidden_size: 256,
  intermediate_size: 512,
  moe_intermediate_size: 256,
  num_hidden_layers: 5,
  num_dense_layers: 1,
  num_experts: 16,
  num_experts_per_tok: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  layer_types: ["conv", "full_attention", "conv", "full_attention", "conv"],
  max_position_embeddings: 1024,
};

export function smallFile(type: QuantizationType, seed = 1): Promise<Uint8Array<ArrayBuffer>> {
  return written((sink) => synthesize(small, sink, { type, name: "small", seed }));
}
