// A folder and perhaps a file name → everything about a model but its weights' bytes.
import type { ByteSource, Folder } from "../sources/source.ts";
import { readHfTemplates, templatesOfGguf } from "./chat-templates.ts";
import { type Checkpoint, type StoredTensor, type StoredTokenizer, spellingOf } from "./checkpoint.ts";
import { folderWarnings, refuseAdapter } from "./folder-files.ts";
import { architectureOfGguf, checkGgufKeys, configOfGguf, generationConfigOfGguf } from "./gguf/config.ts";
import { type GgufHeader, isGguf, readGgufHeader } from "./gguf/gguf.ts";
import { refuseOtherKinds } from "./gguf/kinds.ts";
import { storedGgufTensors } from "./gguf/names.ts";
import { checkFirst, openSplits } from "./gguf/split.ts";
import { tokenizerOfGguf } from "./gguf/tokenizer.ts";
import { listed } from "./gguf/value.ts";
import { checkedConfig, checkedGenerationConfig } from "./hf/config.ts";
import { storedHfTensors } from "./hf/names.ts";
import { refuseQuantizedConfig, refuseQuantizedTensors } from "./hf/quantized-weights.ts";
import type { Shards } from "./hf/safetensors-shards.ts";
import { readTokenizerConfig } from "./hf/tokenizer-config.ts";
import { tokenizerConfigWarnings } from "./hf/tokenizer-config-keys.ts";
import { openWeightFile, openWeightFiles } from "./hf/weight-files.ts";
import { type JsonObject, jsonLimits, readBytes } from "./json.ts";
import { readOptional, readSettings } from "./optional-file.ts";
import { refuse, show, within } from "./refusal.ts";

const TOKENIZER_BYTES = jsonLimits.tokenizer.bytes;
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
    if (/\.safetensors$/i.test(fileName)) {
      const config = await readConfig(folder, warnings, signal);
      const shards = await openWeightFile(fileName, file, signal);
      return await finishHf(folder, opened, config, shards, warnings, signal);
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
  refuseOtherKinds(file.name, header.metadata);
  checkFirst(file, header);
  // Before the tensors, so that a model of another family is refused for what it is.
  architectureOfGguf(file.name, header.metadata);
  const found = await openSplits(folder, fileName, file, header, opened, warnings, signal);
  const shown = shownMetadata(header);
  checkGgufKeys(file.name, shown, warnings);
  const { config, keyNames } = configOfGguf(file.name, header.metadata, found, warnings);
  const { tensors, twins, warnings: leftOut } = storedGgufTensors(file.name, found);
  if (twins !== undefined) await checkTwins(opened, twins, signal);
  warnings.push(...leftOut);
  return {
    container: `GGUF v${header.version}${opened.length > 1 ? `, ${opened.length} files` : ""}`,
    files: opened,
    config,
    keyNames,
    tensors,
    tokenizer: tokenizerOfGguf(file.name, header.metadata),
    ...templatesOfGguf(file.name, header.metadata),
    generationConfig: generationConfigOfGguf(file.name, header.metadata),
    metadata: shown,
    warnings,
  };
}

/** Ollama's converter writes one name of the last norm, llama.cpp's the other; a file with both may mean one norm. */
async function checkTwins(
  files: readonly ByteSource[],
  [a, b]: readonly [StoredTensor, StoredTensor],
  signal?: AbortSignal,
): Promise<void> {
  const [one, two] = await Promise.all(
    [a, b].map(({ parts: [{ file, offset, bytes }] }) => files[file].read(offset, bytes, signal)),
  );
  if (a.format === b.format && one.length === two.length && one.every((byte, i) => byte === two[i])) return;
  refuse(
    within(files[0].name, spellingOf(b)),
    `the bytes of ${spellingOf(a)}`,
    "others",
    "Take another copy of the model.",
  );
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
  const config = await readConfig(folder, warnings, signal);
  return finishHf(folder, opened, config, await openWeightFiles(folder, opened, signal), warnings, signal);
}

async function finishHf(
  folder: Folder,
  opened: ByteSource[],
  config: JsonObject,
  shards: Shards,
  warnings: string[],
  signal?: AbortSignal,
): Promise<Checkpoint> {
  const tokenizerConfig = await readTokenizerConfig(folder, signal);
  const tokenizer = await readOptional(folder, "tokenizer.json", TOKENIZER_BYTES, readBytes, signal);
  const templates = await readHfTemplates(folder, tokenizerConfig, signal);
  const fileNames = opened.map(({ name }) => name);
  refuseQuantizedTensors(fileNames, shards.tensors);
  const { tensors, warnings: leftOut } = storedHfTensors(fileNames, shards.tensors);
  warnings.push(...leftOut, ...(await folderWarnings(folder, shards.fileNames, signal)));
  warnings.push(...tokenizerConfigWarnings(tokenizerConfig ?? {}, `${folder.name}, tokenizer_config.json`));
  const generationConfig = checkedGenerationConfig(
    (await readSettings(folder, "generation_config.json", signal)) ?? {},
    `${folder.name}, generation_config.json`,
    warnings,
  );
  warnings.push(...(folder.warnings?.() ?? []));
  const endIds = [config.eos_token_id, generationConfig.eos_token_id].flat().filter(isId);
  const source: StoredTokenizer | undefined = tokenizer && {
    kind: "json",
    tokenizer,
    config: tokenizerConfig ?? {},
    endIds,
  };
  return {
    container: `safetensors${opened.length > 1 ? `, ${opened.length} shards` : ""}`,
    files: opened,
    config,
    keyNames: {},
    tensors,
    tokenizer: source,
    ...templates,
    generationConfig,
    metadata: shards.metadata,
    warnings,
  };
}

async function readConfig(folder: Folder, warnings: string[], signal?: AbortSignal): Promise<JsonObject> {
  const config = await readSettings(folder, "config.json", signal);
  if (!config) {
    await refuseAdapter(folder, signal);
    refuse(folder.name, "config.json", "no such file", "Name a GGUF file, or a folder with config.json and weights.");
  }
  refuseQuantizedConfig(`${folder.name}, config.json`, config);
  return checkedConfig(config, `${folder.name}, config.json`, warnings);
}

const isId = (id: unknown): id is number => Number.isInteger(id) && (id as number) >= 0;
