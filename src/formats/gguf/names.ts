// GGUF's tensor names ↔ Hugging Face's. The only place that knows both.
import type { StoredTensor } from "../checkpoint.ts";
import { likelyName } from "../hf/spellings.ts";
import { createLeftovers } from "../other-tensors.ts";
import { refuse, within } from "../refusal.ts";
import { isIntegerType, refuseType } from "./gguf.ts";
import type { GgufFileTensor } from "./split.ts";

const modelNames: Readonly<Record<string, string>> = {
  "token_embd.weight": "model.embed_tokens.weight",
  // llama.cpp's converter writes the first, Ollama's the second. It follows the last layer either way.
  "token_embd_norm.weight": "model.embedding_norm.weight",
  "output_norm.weight": "model.embedding_norm.weight",
  "output.weight": "lm_head.weight",
};

/** What follows `blk.N.` → what follows `model.layers.N.`. */
const layerNames: Readonly<Record<string, string>> = {
  "attn_norm.weight": "operator_norm.weight",
  "ffn_norm.weight": "ffn_norm.weight",
  "attn_q.weight": "self_attn.q_proj.weight",
  "attn_k.weight": "self_attn.k_proj.weight",
  "attn_v.weight": "self_attn.v_proj.weight",
  "attn_output.weight": "self_attn.out_proj.weight",
  "attn_q_norm.weight": "self_attn.q_layernorm.weight",
  "attn_k_norm.weight": "self_attn.k_layernorm.weight",
  "shortconv.conv.weight": "conv.conv.weight",
  "shortconv.in_proj.weight": "conv.in_proj.weight",
  "shortconv.out_proj.weight": "conv.out_proj.weight",
  "ffn_gate.weight": "feed_forward.w1.weight",
  "ffn_up.weight": "feed_forward.w3.weight",
  "ffn_down.weight": "feed_forward.w2.weight",
  "ffn_gate_inp.weight": "feed_forward.gate.weight",
  "exp_probs_b.bias": "feed_forward.expert_bias",
  "ffn_gate_exps.weight": "feed_forward.experts.w1",
  "ffn_up_exps.weight": "feed_forward.experts.w3",
  "ffn_down_exps.weight": "feed_forward.experts.w2",
};

/** The Hugging Face name, or undefined for a tensor no LFM2 model has. */
export function nameOfGgufTensor(name: string): string | undefined {
  const [, layer, rest] = /^blk\.(0|[1-9]\d{0,4})\.(.+)$/.exec(name) ?? [];
  if (layer === undefined) return Object.hasOwn(modelNames, name) ? modelNames[name] : undefined;
  return Object.hasOwn(layerNames, rest) ? `model.layers.${layer}.${layerNames[rest]}` : undefined;
}

const reversed = (names: Readonly<Record<string, string>>) =>
  // The first of two names is the one to write.
  new Map(
    Object.entries(names)
      .reverse()
      .map(([gguf, hf]) => [hf, gguf]),
  );
const modelNamesBack = reversed(modelNames);
const layerNamesBack = reversed(layerNames);

/** The name that llama.cpp's converter writes, or undefined for a tensor no LFM2 model has. */
export function ggufNameOf(hfName: string): string | undefined {
  const [, layer, rest] = /^model\.layers\.(0|[1-9]\d{0,4})\.(.+)$/.exec(hfName) ?? [];
  if (layer === undefined) return modelNamesBack.get(hfName);
  const name = layerNamesBack.get(rest);
  return name && `blk.${layer}.${name}`;
}

export interface GgufTensors {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Both names of the last norm, where a file has both: they may stand only for the same bytes. */
  readonly twins: readonly [StoredTensor, StoredTensor] | undefined;
  readonly warnings: readonly string[];
}

/**
 * GGUF stacks experts and squeezes convolution taps itself, so every tensor is one part.
 * @throws FormatError for a tensor that no LFM2 model has
 */
export function storedGgufTensors(file: string, tensors: readonly GgufFileTensor[]): GgufTensors {
  const stored = new Map<string, StoredTensor>();
  const leftovers = createLeftovers();
  let twins: GgufTensors["twins"];
  for (const { name, shape, format, file: index, offset, bytes } of tensors) {
    const hfName = nameOfGgufTensor(name);
    if (!hfName) {
      const numbers = shape.reduce((product, axis) => product * axis, 1);
      leftovers.add({ file, name, numbers, integers: isIntegerType(format) }, likelyName(name, isGgufName));
      continue;
    }
    if (isIntegerType(format)) refuseType(within(file, name), format);
    const tensor = { name: hfName, nameInFile: name, format, shape, parts: [{ file: index, offset, bytes }] };
    const before = stored.get(hfName);
    if (before === undefined) stored.set(hfName, tensor);
    else if (before.nameInFile !== name) twins = [before, tensor];
    else refuse(within(file, name), `one tensor for ${hfName}`, "two", "Take another copy of the model.");
  }
  return { tensors: stored, warnings: leftovers.warnings(), twins };
}

function isGgufName(name: string): boolean {
  return nameOfGgufTensor(name) !== undefined;
}
