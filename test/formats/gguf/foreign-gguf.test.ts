// Whole GGUF files that hold no model of the LFM2 family, or not the way llama.cpp's converter writes it.
import { describe } from "vitest";
import { integers, scalar, strings } from "../../../src/formats/gguf/write.ts";
import { openCheckpoint } from "../../../src/formats/open-checkpoint.ts";
import { type BrokenFile, changed, itRefuses, withKeys, withTensor } from "../broken-files.ts";
import { folderOf } from "../tiny-model.ts";

const CONVERTED = "Take a copy that llama.cpp converted.";
const NOT_LFM2 = "No LFM2 model is like this; take another copy.";
const FAMILY = "This project runs the LFM2 family only; open one of its models.";

const broken: readonly BrokenFile[] = [
  [
    "an architecture of another family",
    changed({ "general.architecture": scalar("str", "llama") }),
    `m.gguf: expected architecture lfm2moe or lfm2, found "llama". ${FAMILY}`,
  ],
  [
    "no architecture",
    changed({ "general.architecture": undefined }),
    `m.gguf: expected architecture lfm2moe or lfm2, found none stated. ${FAMILY}`,
  ],
  [
    "an architecture named like a property of objects",
    changed({ "general.architecture": scalar("str", "constructor") }),
    `m.gguf: expected architecture lfm2moe or lfm2, found "constructor". ${FAMILY}`,
  ],
  [
    "an architecture that is a number",
    changed({ "general.architecture": scalar("u32", 1) }),
    `m.gguf: expected architecture lfm2moe or lfm2, found 1. ${FAMILY}`,
  ],
  [
    "a missing key",
    changed({ "lfm2moe.block_count": undefined }),
    `m.gguf, lfm2moe.block_count: expected a number, found no such key. ${CONVERTED}`,
  ],
  [
    "a key of another type",
    changed({ "lfm2moe.block_count": scalar("str", "2") }),
    `m.gguf, lfm2moe.block_count: expected a number, found "2". ${CONVERTED}`,
  ],
  [
    "too few layer types",
    changed({ "lfm2moe.attention.head_count_kv": integers([1]) }),
    `m.gguf, lfm2moe.attention.head_count_kv: expected 2 items, each 0 or the same number, found [1]. ${CONVERTED}`,
  ],
  [
    "layers of different KV heads",
    changed({ "lfm2moe.attention.head_count_kv": integers([1, 2]) }),
    `m.gguf, lfm2moe.attention.head_count_kv: expected 2 items, each 0 or the same number, found [1, 2]. ${CONVERTED}`,
  ],
  [
    "one number of KV heads for all layers",
    changed({ "lfm2moe.attention.head_count_kv": scalar("u32", 1) }),
    `m.gguf, lfm2moe.attention.head_count_kv: expected an array, found 1. ${CONVERTED}`,
  ],
  [
    "KV heads that are texts",
    changed({ "lfm2moe.attention.head_count_kv": strings(["0", "1"]) }),
    `m.gguf, lfm2moe.attention.head_count_kv: expected an array of numbers, found ["0", "1"]. ${CONVERTED}`,
  ],
  [
    "KV heads beyond 2^53",
    changed({ "lfm2moe.attention.head_count_kv": { type: "arr", items: "u64", value: [0, 2n ** 60n] } }),
    `m.gguf, lfm2moe.attention.head_count_kv: expected an array of numbers, found [0, 1152921504606846976]. ${CONVERTED}`,
  ],
  [
    "attention to a sliding window",
    withKeys({ "lfm2moe.attention.sliding_window": scalar("u32", 32) }),
    `m.gguf, lfm2moe.attention.sliding_window: expected none below 64, found 32. ${NOT_LFM2}`,
  ],
  [
    "softmax routing",
    changed({ "lfm2moe.expert_gating_func": scalar("u32", 1) }),
    `m.gguf, lfm2moe.expert_gating_func: expected 2 (sigmoid), found 1 (softmax). ${NOT_LFM2}`,
  ],
  [
    "another head size for keys than for values",
    withKeys({ "lfm2moe.attention.value_length": scalar("u32", 8) }),
    `m.gguf, lfm2moe.attention.value_length: expected the head size, 16, found 8. ${NOT_LFM2}`,
  ],
  [
    "rotation of a part of the head",
    withKeys({ "lfm2moe.rope.dimension_count": scalar("u32", 8) }),
    `m.gguf, lfm2moe.rope.dimension_count: expected the head size, 16, found 8. ${NOT_LFM2}`,
  ],
  [
    "scaled rotation of another model's kind",
    withKeys({ "lfm2moe.rope.scaling.type": scalar("str", "longrope") }),
    `m.gguf, lfm2moe.rope.scaling.type: expected "none", "linear" or "yarn", found "longrope". ${NOT_LFM2}`,
  ],
  [
    "YaRN mixed in by half",
    withKeys({
      "lfm2moe.rope.scaling.type": scalar("str", "yarn"),
      "lfm2moe.rope.scaling.yarn_ext_factor": scalar("f32", 0.5),
    }),
    `m.gguf, lfm2moe.rope.scaling.yarn_ext_factor: expected 1, as in transformers, found 0.5. ${NOT_LFM2}`,
  ],
  [
    "longer rotated vectors without YaRN",
    withKeys({ "lfm2moe.rope.scaling.attn_factor": scalar("f32", 1.5) }),
    `m.gguf, lfm2moe.rope.scaling.attn_factor: expected 1 without YaRN, found 1.5. ${NOT_LFM2}`,
  ],
  [
    "another kind of tokenizer",
    changed({ "tokenizer.ggml.model": scalar("str", "llama") }),
    'm.gguf, tokenizer.ggml.model: expected "gpt2", byte-level BPE, found "llama". No LFM2 model has another kind.',
  ],
  [
    "token types that are too few",
    changed({ "tokenizer.ggml.token_type": integers([1]) }),
    `m.gguf, tokenizer.ggml.token_type: expected 4 items, as many as tokens, found [1]. ${CONVERTED}`,
  ],
  [
    "tokens that are numbers",
    changed({ "tokenizer.ggml.tokens": integers([1]) }),
    `m.gguf, tokenizer.ggml.tokens: expected an array of texts, found [1]. ${CONVERTED}`,
  ],
  [
    "a chat template that is a number",
    withKeys({ "tokenizer.chat_template": scalar("u32", 1) }),
    `m.gguf, tokenizer.chat_template: expected text, found 1. ${CONVERTED}`,
  ],
  [
    "a tensor of another family",
    withTensor("blk.0.ffn_up.weight", { name: "blk.0.attn_q.bias" }),
    "m.gguf, blk.0.attn_q.bias: expected a tensor of the LFM2 family, found a bias. LFM2 has none but the routers'; open a model that its makers' code can load.",
  ],
  [
    "a layer number with a leading zero",
    withTensor("blk.0.ffn_up.weight", { name: "blk.00.ffn_up.weight" }),
    "m.gguf, blk.00.ffn_up.weight: expected a tensor of the LFM2 family, found a name that no such tensor has. Open a model of the LFM2 family.",
  ],
  [
    "two final norms",
    withTensor("blk.0.attn_norm.weight", { name: "output_norm.weight" }),
    "m.gguf, output_norm.weight: expected the bytes of token_embd_norm.weight, found others. Take another copy of the model.",
  ],
];

describe("a GGUF file of another kind is refused", () => {
  itRefuses(broken, (file) => openCheckpoint(folderOf({ "m.gguf": file }), "m.gguf"));
});
