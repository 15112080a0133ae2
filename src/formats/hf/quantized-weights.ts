// Hugging Face folders whose weights are quantized, each by its method's name: this project reads float weights there.
import { isObject, type JsonObject } from "../json.ts";
import { refuse, show, within } from "../refusal.ts";
import type { ShardTensor } from "./safetensors-shards.ts";

/** What `quant_method` says → what people call it. Source: transformers quantizers/auto.py. */
export const quantizationMethods: Readonly<Record<string, string>> = {
  awq: "AWQ",
  gptq: "GPTQ",
  bitsandbytes: "bitsandbytes",
  bitsandbytes_4bit: "bitsandbytes, 4 bits",
  bitsandbytes_8bit: "bitsandbytes, 8 bits",
  fp8: "FP8",
  fbgemm_fp8: "FP8 (fbgemm)",
  mxfp4: "MXFP4",
  mxfp8: "MXFP8",
  nvfp4: "NVFP4",
  hqq: "HQQ",
  "compressed-tensors": "compressed-tensors",
  torchao: "torchao",
  "auto-round": "AutoRound",
  quanto: "Quanto",
  quark: "Quark",
  aqlm: "AQLM",
  vptq: "VPTQ",
  spqr: "SpQR",
  eetq: "EETQ",
  higgs: "HIGGS",
  bitnet: "BitNet",
};

/** Tensors that only a method's own writer leaves behind, the most telling first. */
const traces: readonly (readonly [RegExp, string])[] = [
  [/\.weight\.(?:absmax|quant_map|nested_absmax|nested_quant_map|quant_state\..+)$|\.SCB$/, "bitsandbytes"],
  [/\.g_idx$/, "GPTQ"],
  [/\.qweight$/, "AWQ or GPTQ"],
  [/\.weight_scale_inv$/, "FP8"],
  [/\.weight_(?:packed|shape|global_scale|zero_point)$/, "compressed-tensors"],
  [/\.(?:weight|input|output|k|v)_scale$/, "FP8 or compressed-tensors"],
  [/\.W_q$/, "HQQ"],
  [/\.weight\._(?:data|scale|shift)$/, "Quanto"],
  [/\.codebooks$/, "AQLM"],
  [/_proj_(?:blocks|scales)$/, "MXFP4"],
  [/\.scales$/, "MLX"],
];

const REMEDY =
  "Take the same model unquantized and let --quantize shrink it while it loads, or take it as a GGUF file.";

/** @throws FormatError when config.json says that the weights are quantized */
export function refuseQuantizedConfig(subject: string, config: JsonObject): void {
  for (const key of ["quantization_config", "compression_config", "quantization"]) {
    const value = config[key];
    if (value !== undefined && value !== null) {
      refuse(`${subject}, ${key}`, "float weights", `${methodOf(key, value)} weights`, REMEDY);
    }
  }
}

function methodOf(key: string, value: unknown): string {
  if (!isObject(value)) return show(value);
  const { quant_method: method } = value;
  if (typeof method === "string")
    return Object.hasOwn(quantizationMethods, method) ? quantizationMethods[method] : show(method);
  if (value.load_in_4bit === true || value.load_in_8bit === true) return quantizationMethods.bitsandbytes;
  if (key === "compression_config") return quantizationMethods["compressed-tensors"];
  return "bits" in value && "group_size" in value ? "MLX" : show(value);
}

/** @throws FormatError when a tensor is one that only quantized weights come with */
export function refuseQuantizedTensors(files: readonly string[], tensors: Iterable<ShardTensor>): void {
  const all = [...tensors];
  for (const [name, method] of traces) {
    const found = all.find((tensor) => name.test(tensor.name));
    if (found) refuse(within(files[found.file], found.name), "float weights", `${method} weights`, REMEDY);
  }
}
