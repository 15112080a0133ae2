// What else is in a model's folder: a warning names the files that might matter; all others have no effect.
import type { Folder } from "../sources/source.ts";
import { SourceError } from "../sources/source-error.ts";
import { readSettings } from "./optional-file.ts";
import { MERGE_ADAPTER } from "./other-tensors.ts";
import { refuse, show } from "./refusal.ts";

export interface FolderFile {
  readonly name: RegExp;
  /** Such names, as shown to people. */
  readonly like: string;
  /** Names to ask for where a folder cannot be listed. */
  readonly asked: readonly string[];
  readonly what: string;
}

/** Where files can only be fetched whole, a larger one is not fetched just to learn that it is there. */
const MAX_ASKED_BYTES = 1 << 20;
const ADAPTER_CONFIG = "adapter_config.json";

/** Everything else, such as vocab.json, README.md or optimizer.pt, changes nothing about the model. */
export const folderFiles: readonly FolderFile[] = [
  {
    name: /^adapter_(?:config\.json|model(?:-\d+-of-\d+)?\.(?:safetensors|bin))$/,
    like: "adapter_config.json, adapter_model.safetensors",
    asked: [ADAPTER_CONFIG, "adapter_model.safetensors"],
    what: "a LoRA adapter, which is not applied",
  },
  {
    name: /^(?:pytorch_model.*\.bin|consolidated.*\.(?:safetensors|pth)|tf_model\.h5|flax_model.*\.msgpack)$/,
    like: "pytorch_model.bin, consolidated.safetensors, tf_model.h5",
    asked: ["pytorch_model.bin", "consolidated.safetensors"],
    what: "another set of weights, which is not read",
  },
  {
    name: /\.(?:safetensors|gguf)$/i,
    like: "other .safetensors and .gguf files",
    asked: [],
    what: "another file of weights, which is not read",
  },
];

/**
 * A warning for each kind of file that might matter.
 * @param used  names of the files that were read
 */
export async function folderWarnings(folder: Folder, used: readonly string[], signal?: AbortSignal): Promise<string[]> {
  const names = (await namesIn(folder, signal)).filter((name) => !used.includes(name));
  return folderFiles.flatMap(({ what }, i) => {
    const own = names.filter((name) => folderFiles.findIndex((kind) => kind.name.test(name)) === i);
    return own.length === 0 ? [] : [`${own.slice(0, 5).join(", ")}${own.length > 5 ? ", …" : ""}: ${what}.`];
  });
}

/** Weights in other formats than this project reads. */
export async function otherWeights(folder: Folder, signal?: AbortSignal): Promise<string[]> {
  return (await namesIn(folder, signal)).filter((name) => folderFiles.slice(1).some((kind) => kind.name.test(name)));
}

async function namesIn(folder: Folder, signal?: AbortSignal): Promise<readonly string[]> {
  if (folder.list) return [...(await folder.list())].sort();
  const asked = folderFiles.flatMap((kind) => kind.asked);
  const found = await Promise.all(asked.map((name) => exists(folder, name, signal)));
  return asked.filter((_, i) => found[i]);
}

/** A server may refuse what it does not have; the model's own files have been read by then. */
async function exists(folder: Folder, name: string, signal?: AbortSignal): Promise<boolean> {
  try {
    const source = await folder.open(name, signal, MAX_ASKED_BYTES);
    await source?.close();
    return source !== undefined;
  } catch (error) {
    if (error instanceof SourceError) return false;
    throw error;
  }
}

/** @throws FormatError when the folder is what PEFT writes: an adapter without the model it belongs to */
export async function refuseAdapter(folder: Folder, signal?: AbortSignal): Promise<void> {
  const config = await readSettings(folder, ADAPTER_CONFIG, signal);
  if (!config) return;
  const base = config.base_model_name_or_path;
  const of = typeof base === "string" && base !== "" ? ` of ${show(base)}` : "";
  refuse(folder.name, "a model", `a LoRA adapter${of}`, MERGE_ADAPTER);
}
