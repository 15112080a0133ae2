// A folder and perhaps a file name → everything about a model but its weights' bytes.
import type { ByteSource, Folder } from "../sources/source.ts";
import type { Checkpoint, StoredTokenizer } from "./checkpoint.ts";
import { type GgufHeader, isGguf, readGgufHeader } from "./gguf.ts";
import { architectureOfGguf, configOfGguf, generationConfigOfGguf } from "./gguf-config.ts";
import { storedGgufTensors } from "./gguf-names.ts";
import { checkFirst, openSplits } from "./gguf-split.ts";
import { chatTemplateOfGguf, tokenizerOfGguf } from "./gguf-tokenizer.ts";
import { listed } from "./gguf-value.ts";
import { storedHfTensors } from "./hf-names.ts";
import { isObject, type JsonObject, MAX_JSON_BYTES, readBytes, readJson, readText } from "./json.ts";
import { refuse, show } from "./refusal.ts";
import { readShards, readSingle, type Shards } from "./safetensors-shards.ts";

const WEIGHTS = "model.safetensors";
const INDEX = "model.safetensors.index.json";
/** Longer arrays are shown by their length. */
const SHOWN_ITEMS = 64;

/**
 * Opens a GGUF file (the first, where there are several), a safetensors file with `config.json` beside it, or,
 * without a file name, a Hugging Face folder. The caller closes the checkpoint's files.
 *
 * @throws FormatError when the files are damaged or hold no model of the LFM2 family
 * @throws SourceError when bytes cannot be had
 */
export async function openCheckpoint(
  folder: Folder,
  fileName: string | undefined,
  signal?: AbortSignal,
): Promise<Checkpoint> {
  const opened: ByteSource[] = [];
  const warnings: string[] = [];
  try {
    if (fileName === undefined) return await openHfFolder(folder, opened, warnings, signal);
    const file = await folder.open(fileName, signal);
    if (!file) refuse(folder.name, `a file named ${show(fileName)}`, "no such file", "Check the name.");
    opened.push(file);
    if (await isGguf(file, signal)) return await openGguf(folder, fileName, file, opened, warnings, signal);
    if (fileName.endsWith(".safetensors")) {
      const config = await readConfig(folder, signal);
      return await finishHf(folder, opened, config, await readSingle(file, signal), warnings, signal);
    }
    refuse(file.name, "a GGUF or safetensors file", "neither", "Name a model's .gguf or .safetensors file.");
  } catch (error) {
    await Promise.allSettled(opened.map((source) => source.close()));
    throw error;
  }
}

async function openGguf(
  folder: Folder,
  fileName: string,
  file: ByteSource,
  opened: ByteSource[],
  warnings: string[],
  signal?: AbortSignal,
): Promise<Checkpoint> {
  const header = await readGgufHeader(file, signal);
  checkFirst(file, header);
  // Before the tensors, so that a model of another family is refused for what it is.
  architectureOfGguf(file.name, header.metadata);
  const tensors = await openSplits(folder, fileName, file, header, opened, signal);
  const names = tensors.map(({ name }) => name);
  return {
    container: `GGUF v${header.version}${opened.length > 1 ? `, ${opened.length} files` : ""}`,
    files: opened,
    config: configOfGguf(file.name, header.metadata, names, warnings),
    tensors: storedGgufTensors(file.name, tensors),
    tokenizer: tokenizerOfGguf(file.name, header.metadata),
    chatTemplate: chatTemplateOfGguf(file.name, header.metadata),
    generationConfig: generationConfigOfGguf(file.name, header.metadata),
    metadata: shownMetadata(header),
    warnings,
  };
}

function shownMetadata({ metadata }: GgufHeader): Map<string, unknown> {
  const shown = new Map<string, unknown>();
  for (const [key, { value, items }] of metadata) {
    if (typeof value !== "object") shown.set(key, value);
    else shown.set(key, value.length > SHOWN_ITEMS ? `${value.length} × ${items}` : listed(value));
  }
  return shown;
}

async function openHfFolder(
  folder: Folder,
  opened: ByteSource[],
  warnings: string[],
  signal?: AbortSignal,
): Promise<Checkpoint> {
  const config = await readConfig(folder, signal);
  const whole = await folder.open(WEIGHTS, signal);
  if (whole) {
    opened.push(whole);
    return finishHf(folder, opened, config, await readSingle(whole, signal), warnings, signal);
  }
  const index = await folder.open(INDEX, signal, MAX_JSON_BYTES);
  if (!index) refuse(folder.name, `${WEIGHTS} or ${INDEX}`, "neither", "Fetch the model's weights into this folder.");
  const shards = await closing(index, () => readShards(folder, index, opened, signal));
  return finishHf(folder, opened, config, shards, warnings, signal);
}

async function finishHf(
  folder: Folder,
  opened: ByteSource[],
  config: JsonObject,
  shards: Shards,
  warnings: string[],
  signal?: AbortSignal,
): Promise<Checkpoint> {
  const optional = (name: string) => readOptional(folder, name, readJson, signal);
  const tokenizerConfig = await optional("tokenizer_config.json");
  const tokenizer = await readOptional(folder, "tokenizer.json", readBytes, signal);
  const template = await readOptional(folder, "chat_template.jinja", readText, signal);
  const source: StoredTokenizer | undefined = tokenizer && { kind: "json", tokenizer, config: tokenizerConfig ?? {} };
  return {
    container: `safetensors${opened.length > 1 ? `, ${opened.length} shards` : ""}`,
    files: opened,
    config,
    tensors: storedHfTensors(
      opened.map(({ name }) => name),
      shards.tensors,
    ),
    tokenizer: source,
    chatTemplate: template ?? templateIn(tokenizerConfig),
    generationConfig: (await optional("generation_config.json")) ?? {},
    metadata: shards.metadata,
    warnings,
  };
}

async function readConfig(folder: Folder, signal?: AbortSignal): Promise<JsonObject> {
  const config = await readOptional(folder, "config.json", readJson, signal);
  if (!config) {
    refuse(folder.name, "config.json", "no such file", "Name a GGUF file, or a folder with config.json and weights.");
  }
  if (config.model_type !== "lfm2_moe" && config.model_type !== "lfm2") {
    refuse(
      `${folder.name}, config.json`,
      'model_type "lfm2_moe" or "lfm2"',
      show(config.model_type),
      "This project runs the LFM2 family only; open one of its models.",
    );
  }
  return config;
}

/** Older checkpoints keep the template in tokenizer_config.json, some as a list of named ones. */
function templateIn(tokenizerConfig: JsonObject | undefined): string | undefined {
  const template = tokenizerConfig?.chat_template;
  const named: unknown[] = Array.isArray(template) ? template : [];
  const found = named.find((entry) => isObject(entry) && entry.name === "default");
  const text = isObject(found) ? found.template : template;
  return typeof text === "string" ? text : undefined;
}

async function readOptional<T>(
  folder: Folder,
  fileName: string,
  read: (source: ByteSource, signal?: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T | undefined> {
  const source = await folder.open(fileName, signal, MAX_JSON_BYTES);
  return source && closing(source, () => read(source, signal));
}

async function closing<T>(source: ByteSource, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } finally {
    await source.close();
  }
}
