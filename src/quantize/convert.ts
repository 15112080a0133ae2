// A checkpoint of any kind → the files of a Hugging Face folder: weights in BF16 or F32, config, tokenizer, template.
import type { Checkpoint } from "../formats/checkpoint.ts";
import { bytesOfSafeEntry } from "../formats/hf/safetensors.ts";
import { type HfFormat, hfTensors, indexOf, shardsOf, writeShard } from "../formats/hf/tensors.ts";
import { tokenizerConfigOf, tokenizerJsonOf } from "../formats/hf/tokenizer.ts";
import { bytesOfTensor, type Sink } from "../formats/streamed-tensor.ts";
import { readTokenizer } from "../formats/tokenizer-source.ts";
import { type Config, readConfig } from "../model/config.ts";
import { ropeParametersOf } from "../model/rope.ts";
import { findParameters } from "../parameters/find-parameters.ts";
import { settleHead } from "../parameters/tied-head.ts";
import { checkPreTokenizer } from "../tokenizer/from-gguf.ts";

/** The size of a file, as Hugging Face's own tools cut it. */
const SHARD_BYTES = 4_000_000_000;

export interface ConvertOptions {
  readonly format: HfFormat;
  readonly shardBytes?: number;
  readonly signal?: AbortSignal;
  /** Bytes of weights read so far. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface Converted {
  readonly fileNames: readonly string[];
  readonly weightBytes: number;
  /** Warnings beside the checkpoint's own. */
  readonly warnings: readonly string[];
}

/** Makes a file of that name from what `write` hands to the sink. */
export type WriteFile = (fileName: string, write: (sink: Sink) => Promise<void>) => Promise<void>;

/**
 * Weights are decoded to float32 and stored in `format`: F32 keeps them exactly, BF16 rounds them. Weights come last.
 *
 * @throws FormatError when a tensor is missing; ConfigError; SourceError; what `writeFile` throws; the signal's reason
 */
export async function convertToHf(
  opened: Checkpoint,
  writeFile: WriteFile,
  { format, shardBytes = SHARD_BYTES, signal, onProgress }: ConvertOptions,
): Promise<Converted> {
  const settled = await settleHead(opened, "whole", signal);
  const checkpoint = { ...opened, ...settled };
  const config = readConfig(checkpoint.config, checkpoint.keyNames);
  const { parameters, warnings } = findParameters(config, checkpoint.tensors);
  const stored = parameters.map(({ tensor }) => tensor);
  const total = stored.reduce((sum, tensor) => sum + bytesOfTensor(tensor), 0);
  let done = 0;
  const onBytes = (bytes: number): void => {
    done += bytes;
    onProgress?.(done, total);
  };
  const tensors = hfTensors(checkpoint, stored, format, onBytes, signal);
  const shards = shardsOf(tensors, shardBytes);

  const texts = textFiles(checkpoint, config, format);
  if (shards.length > 1) texts.set("model.safetensors.index.json", json(indexOf(shards)));
  for (const [fileName, text] of texts) {
    await writeFile(fileName, (sink) => sink(new TextEncoder().encode(text)));
  }
  for (const shard of shards) await writeFile(shard.fileName, (sink) => writeShard(sink, shard, signal));
  await Promise.all(checkpoint.files.map((file) => file.verify(signal)));
  return {
    fileNames: [...texts.keys(), ...shards.map(({ fileName }) => fileName)],
    weightBytes: tensors.reduce((sum, tensor) => sum + bytesOfSafeEntry(tensor), 0),
    warnings: [...settled.warnings, ...warnings],
  };
}

function textFiles(checkpoint: Checkpoint, config: Config, format: HfFormat): Map<string, string> {
  const { tokenizer, chatTemplate, namedTemplates } = checkpoint;
  const files = new Map([["config.json", json(configJsonOf(checkpoint.config, config, format))]]);
  files.set("generation_config.json", json(generationConfigOf(checkpoint)));
  if (tokenizer !== undefined) {
    const source = readTokenizer(tokenizer);
    const isJson = source.kind === "json";
    if (!isJson) checkPreTokenizer(source.pre);
    files.set("tokenizer.json", json(isJson ? source.tokenizer : tokenizerJsonOf(source)));
    const tokenizerConfig = isJson ? source.config : tokenizerConfigOf(source, config.maxPositionEmbeddings);
    files.set("tokenizer_config.json", json({ ...tokenizerConfig, ...templateList(chatTemplate, namedTemplates) }));
  }
  if (chatTemplate !== undefined && namedTemplates === undefined) files.set("chat_template.jinja", chatTemplate);
  return files;
}

/** Several templates, by name: a file with one would replace them all. */
function templateList(byDefault: string | undefined, named: ReadonlyMap<string, string> | undefined): object {
  if (named === undefined) return {};
  const all = [...(byDefault === undefined ? [] : [["default", byDefault]]), ...named];
  return { chat_template: all.map(([name, template]) => ({ name, template })) };
}

function configJsonOf(raw: Checkpoint["config"], config: Config, format: HfFormat): object {
  const { torch_dtype: _, rope_scaling: __, ...rest } = raw; // dtype's old name, and that of scaled rope_parameters
  const rope = ropeParametersOf(config);
  return {
    architectures: [config.modelType === "lfm2_moe" ? "Lfm2MoeForCausalLM" : "Lfm2ForCausalLM"],
    ...rest,
    // transformers 5 reads these; version 4 looks for the other two, where it would silently do without the scaling.
    rope_parameters: rope,
    ...(config.ropeScaling === null ? {} : { rope_theta: config.ropeTheta, rope_scaling: rope }),
    dtype: format === "BF16" ? "bfloat16" : "float32",
  };
}

function generationConfigOf({ config, generationConfig, tokenizer }: Checkpoint): object {
  const ids = Object.fromEntries(
    ["bos_token_id", "eos_token_id", "pad_token_id"].flatMap((key) => (key in config ? [[key, config[key]]] : [])),
  );
  // A folder's own files state them, and stay.
  const endIds = tokenizer?.kind === "gguf" ? (tokenizer.endIds ?? []) : [];
  const eosIds = [...new Set([config.eos_token_id ?? [], endIds].flat())];
  if (endIds.length > 0) ids.eos_token_id = eosIds.length === 1 ? eosIds[0] : eosIds;
  const { temperature } = generationConfig;
  // transformers ignores a temperature, and all that goes with it, unless do_sample is set.
  const sample = typeof temperature === "number" ? { do_sample: temperature > 0 } : {};
  return { ...ids, ...sample, ...generationConfig };
}

/** Keys whose values are floats in Python, which distinguishes 1 from 1.0 and does not take an int for a float everywhere. */
const FLOATS =
  /"(rope_theta|factor|attention_factor|beta_fast|beta_slow|norm_eps|routed_scaling_factor|block_ffn_dim_multiplier|temperature|top_p|min_p|repetition_penalty)": (-?\d+)(?=,?\n)/g;

function json(value: object): string {
  return `${JSON.stringify(value, null, 2).replace(FLOATS, '"$1": $2.0')}\n`;
}
