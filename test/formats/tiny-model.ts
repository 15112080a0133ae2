// The smallest whole model: one convolution layer with a dense feed-forward, one attention layer with two experts.
import { blockFormats, encodeBlocks } from "../../src/blocks/formats.ts";
import type { GgufValue } from "../../src/formats/gguf/value.ts";
import { integers, scalar, strings } from "../../src/formats/gguf/write.ts";
import { type Dtype, type TensorToWrite, writeSafetensors } from "../../src/formats/hf/safetensors.ts";
import { blobFolder } from "../../src/sources/blob.ts";
import type { Folder } from "../../src/sources/source.ts";
import { type WrittenTensor, writeGguf } from "./gguf/gguf-writer.ts";

const HIDDEN = 32;

/** Hugging Face name → GGUF name, row-major GGUF shape, format. */
const layout: readonly [string, string, number[], "F32" | "Q8_0"][] = [
  ["model.embed_tokens.weight", "token_embd.weight", [4, HIDDEN], "Q8_0"],
  ["model.embedding_norm.weight", "token_embd_norm.weight", [HIDDEN], "F32"],
  ["model.layers.0.operator_norm.weight", "blk.0.attn_norm.weight", [HIDDEN], "F32"],
  ["model.layers.0.ffn_norm.weight", "blk.0.ffn_norm.weight", [HIDDEN], "F32"],
  ["model.layers.0.conv.conv.weight", "blk.0.shortconv.conv.weight", [HIDDEN, 3], "F32"],
  ["model.layers.0.conv.in_proj.weight", "blk.0.shortconv.in_proj.weight", [3 * HIDDEN, HIDDEN], "Q8_0"],
  ["model.layers.0.conv.out_proj.weight", "blk.0.shortconv.out_proj.weight", [HIDDEN, HIDDEN], "Q8_0"],
  ["model.layers.0.feed_forward.w1.weight", "blk.0.ffn_gate.weight", [64, HIDDEN], "Q8_0"],
  ["model.layers.0.feed_forward.w3.weight", "blk.0.ffn_up.weight", [64, HIDDEN], "Q8_0"],
  ["model.layers.0.feed_forward.w2.weight", "blk.0.ffn_down.weight", [HIDDEN, 64], "Q8_0"],
  ["model.layers.1.operator_norm.weight", "blk.1.attn_norm.weight", [HIDDEN], "F32"],
  ["model.layers.1.ffn_norm.weight", "blk.1.ffn_norm.weight", [HIDDEN], "F32"],
  ["model.layers.1.self_attn.q_proj.weight", "blk.1.attn_q.weight", [HIDDEN, HIDDEN], "Q8_0"],
  ["model.layers.1.self_attn.k_proj.weight", "blk.1.attn_k.weight", [16, HIDDEN], "Q8_0"],
  ["model.layers.1.self_attn.v_proj.weight", "blk.1.attn_v.weight", [16, HIDDEN], "Q8_0"],
  ["model.layers.1.self_attn.out_proj.weight", "blk.1.attn_output.weight", [HIDDEN, HIDDEN], "Q8_0"],
  ["model.layers.1.self_attn.q_layernorm.weight", "blk.1.attn_q_norm.weight", [16], "F32"],
  ["model.layers.1.self_attn.k_layernorm.weight", "blk.1.attn_k_norm.weight", [16], "F32"],
  ["model.layers.1.feed_forward.gate.weight", "blk.1.ffn_gate_inp.weight", [2, HIDDEN], "F32"],
  ["model.layers.1.feed_forward.expert_bias", "blk.1.exp_probs_b.bias", [2], "F32"],
  ["model.layers.1.feed_forward.experts.w1", "blk.1.ffn_gate_exps.weight", [2, 32, HIDDEN], "Q8_0"],
  ["model.layers.1.feed_forward.experts.w3", "blk.1.ffn_up_exps.weight", [2, 32, HIDDEN], "Q8_0"],
  ["model.layers.1.feed_forward.experts.w2", "blk.1.ffn_down_exps.weight", [2, HIDDEN, 32], "Q8_0"],
];

/** The names and shapes the graph asks for. */
export const tinyShapes = new Map(layout.map(([name, , shape]) => [name, shape]));

function count(shape: readonly number[]): number {
  return shape.reduce((product, axis) => product * axis, 1);
}

/** Numbers that differ from tensor to tensor and from place to place. */
function weightsOf(index: number, shape: readonly number[]): Float32Array {
  return Float32Array.from({ length: count(shape) }, (_, i) => (((i + 1) * (index + 3)) % 17) / 16 - 0.5);
}

export function tinyMetadata(): Map<string, GgufValue> {
  return new Map([
    ["general.architecture", scalar("str", "lfm2moe")],
    ["lfm2moe.block_count", scalar("u32", 2)],
    ["lfm2moe.context_length", scalar("u32", 64)],
    ["lfm2moe.embedding_length", scalar("u32", HIDDEN)],
    ["lfm2moe.feed_forward_length", scalar("u32", 64)],
    ["lfm2moe.attention.head_count", scalar("u32", 2)],
    ["lfm2moe.attention.head_count_kv", integers([0, 1])],
    ["lfm2moe.rope.freq_base", scalar("f32", 1e6)],
    ["lfm2moe.attention.layer_norm_rms_epsilon", scalar("f32", 1e-5)],
    ["lfm2moe.vocab_size", scalar("u32", 4)],
    ["lfm2moe.shortconv.l_cache", scalar("u32", 3)],
    ["lfm2moe.expert_count", scalar("u32", 2)],
    ["lfm2moe.expert_used_count", scalar("u32", 1)],
    ["lfm2moe.expert_feed_forward_length", scalar("u32", 32)],
    ["lfm2moe.leading_dense_block_count", scalar("u32", 1)],
    ["lfm2moe.expert_gating_func", scalar("u32", 2)],
    ["tokenizer.ggml.model", scalar("str", "gpt2")],
    ["tokenizer.ggml.pre", scalar("str", "lfm2")],
    ["tokenizer.ggml.tokens", strings(["<|pad|>", "<|im_end|>", "a", "Ġb"])],
    ["tokenizer.ggml.token_type", integers([3, 3, 1, 1])],
    ["tokenizer.ggml.merges", strings(["Ġ b"])],
    ["tokenizer.ggml.eos_token_id", scalar("u32", 1)],
  ]);
}

export function tinyTensors(): WrittenTensor[] {
  return layout.map(([, name, shape, format], index) => {
    const { ggmlType } = blockFormats[format];
    return { name, shape, ggmlType, data: encodeBlocks(blockFormats[format], weightsOf(index, shape)) };
  });
}

export function tinyGguf(): Uint8Array<ArrayBuffer> {
  return writeGguf(tinyMetadata(), tinyTensors());
}

export const tinyConfig: Readonly<Record<string, unknown>> = { model_type: "lfm2_moe", hidden_size: HIDDEN };

function floats(dtype: Dtype, shape: number[], weights: Float32Array): TensorToWrite {
  const data = dtype === "BF16" ? encodeBlocks(blockFormats.BF16, weights) : weights;
  return { dtype, shape, data };
}

/** As published checkpoints have it: one matrix to an expert, taps with PyTorch's extra axis. */
export function tinyHfTensors(): Map<string, TensorToWrite> {
  const tensors = new Map<string, TensorToWrite>();
  layout.forEach(([name, , shape], index) => {
    const weights = weightsOf(index, shape);
    const dtype = name.endsWith("expert_bias") ? "F32" : "BF16";
    if (name.endsWith("conv.conv.weight")) tensors.set(name, floats(dtype, [shape[0], 1, shape[1]], weights));
    else if (shape.length < 3) tensors.set(name, floats(dtype, shape, weights));
    else {
      const [experts, rows, cols] = shape;
      for (let e = 0; e < experts; e++) {
        const matrix = weights.slice(e * rows * cols, (e + 1) * rows * cols);
        const at = name.lastIndexOf(".");
        tensors.set(`${name.slice(0, at)}.${e}${name.slice(at)}.weight`, floats(dtype, [rows, cols], matrix));
      }
    }
  });
  return tensors;
}

/** A folder in memory. */
export function folderOf(files: Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>): Folder {
  return blobFolder(
    "model",
    Object.entries(files).map(([name, content]) => ({ name, blob: new Blob([content]) })),
  );
}

/** A Hugging Face folder in memory. */
export function hfFolder(
  tensors: ReadonlyMap<string, TensorToWrite> = tinyHfTensors(),
  files: Readonly<Record<string, string>> = {},
): Folder {
  return folderOf({
    "config.json": JSON.stringify(tinyConfig),
    "model.safetensors": writeSafetensors(tensors),
    ...files,
  });
}
