// Which block format each tensor of a model gets: llama.cpp's rules for these mixes, without an importance matrix.
//
//   vectors, convolution taps, router   F32
//   the matrix that makes the logits    Q6_K, or Q8_0 in the Q8_0 mix: an error here meets every token
//   every other matrix                  the mix's own format
//   _M mixes                            Q6_K for v_proj and w2 of the first and last eighth of the layers and of every
//                                       third between; v_proj counts attention layers only
//
// Where rows do not fill a format's blocks: Q4_K → Q5_0, Q5_K → Q5_1, Q6_K → Q8_0, and whatever is left → F16.
//
// Source: llama.cpp src/llama-quant.cpp, llama_tensor_get_type. Its rule for exactly 8 experts (Mixtral) is left out.

import { blockFormats, type FormatName } from "../blocks/formats.ts";
import type { StoredTensor } from "../formats/checkpoint.ts";
import type { QuantizationType } from "../formats/gguf/file-types.ts";

type Tensor = Pick<StoredTensor, "name" | "shape">;

const baseFormats: Readonly<Record<QuantizationType, FormatName>> = {
  Q4_0: "Q4_0",
  Q8_0: "Q8_0",
  Q4_K_M: "Q4_K",
  Q5_K_M: "Q5_K",
  Q6_K: "Q6_K",
  F16: "F16",
  BF16: "BF16",
  F32: "F32",
};

const EMBEDDING = "model.embed_tokens.weight";
const HEAD = "lm_head.weight";
const PROJECTION = /^model\.layers\.(\d+)\.(?:(self_attn\.v_proj\.weight)|feed_forward\.(?:w2\.weight|experts\.w2))$/;
const KEPT = /\.conv\.conv\.weight$|\.feed_forward\.gate\.weight$/;

/** The format of every tensor of one model in the mix `type`, by Hugging Face name. */
export function mixOf(type: QuantizationType, tensors: Iterable<Tensor>): ReadonlyMap<string, FormatName> {
  const all = [...tensors];
  const layers = layersOf(all, /^model\.layers\.(\d+)\./);
  const attentionLayers = layersOf(all, /^model\.layers\.(\d+)\.self_attn\.v_proj\./);
  const head = all.some(({ name }) => name === HEAD) ? HEAD : EMBEDDING;
  const base = baseFormats[type];
  const isFloat = blockFormats[base].blockLength === 1;

  const wanted = ({ name }: Tensor): FormatName => {
    if (isFloat) return base;
    if (name === head) return base === "Q8_0" ? base : "Q6_K";
    const [, layer, attention] = PROJECTION.exec(name) ?? [];
    if (layer === undefined || !type.endsWith("_M")) return base;
    const counted = attention === undefined ? layers : attentionLayers;
    return isBumped(counted.indexOf(Number(layer)), counted.length) ? "Q6_K" : base;
  };
  return new Map(all.map((tensor) => [tensor.name, isKept(tensor) ? "F32" : fitting(wanted(tensor), tensor)]));
}

/** Vectors and taps are few; a rounding in the router would choose other experts. */
function isKept({ name, shape }: Tensor): boolean {
  return shape.length < 2 || KEPT.test(name);
}

function isBumped(index: number, count: number): boolean {
  const eighth = Math.floor(count / 8);
  return index < eighth || index >= Math.floor((7 * count) / 8) || (index - eighth) % 3 === 2;
}

const fallbacks: Partial<Record<FormatName, FormatName>> = { Q4_K: "Q5_0", Q5_K: "Q5_1", Q6_K: "Q8_0" };

function fitting(format: FormatName, { shape }: Tensor): FormatName {
  const cols = shape[shape.length - 1];
  if (cols % blockFormats[format].blockLength === 0) return format;
  const fallback = fallbacks[format];
  return fallback && cols % blockFormats[fallback].blockLength === 0 ? fallback : "F16";
}

function layersOf(tensors: readonly Tensor[], pattern: RegExp): number[] {
  const numbers = tensors.flatMap(({ name }) => pattern.exec(name)?.[1] ?? []);
  return [...new Set(numbers)].map(Number).sort((a, b) => a - b);
}
