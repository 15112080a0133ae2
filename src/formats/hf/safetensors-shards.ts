// A safetensors model in several files, listed by `model.safetensors.index.json`.
import type { ByteSource, Folder } from "../../sources/source.ts";
import { isObject, jsonLimits, readJson } from "../json.ts";
import { DAMAGED, refuse, show, within } from "../refusal.ts";
import { readSafetensors, type SafeTensor } from "./safetensors.ts";

/** A shard has some gigabytes; the largest published models have a few hundred. */
const MAX_SHARDS = 10_000;

export interface ShardTensor extends SafeTensor {
  readonly name: string;
  /** Which of the files. */
  readonly file: number;
}

export interface Shards {
  readonly tensors: readonly ShardTensor[];
  readonly metadata: ReadonlyMap<string, string>;
  /** The files that hold them, by their names in the folder. */
  readonly fileNames: readonly string[];
}

/** One file that holds all tensors. @throws FormatError */
export async function readSingle(fileName: string, source: ByteSource, signal?: AbortSignal): Promise<Shards> {
  const { tensors, metadata } = await readSafetensors(source, signal);
  return {
    tensors: [...tensors].map(([name, tensor]) => ({ ...tensor, name, file: 0 })),
    metadata,
    fileNames: [fileName],
  };
}

/**
 * The files an index names, in its order.
 *
 * @param listing  the file of each tensor, by the index
 * @param opened  receives every file opened here, so that the caller can close them
 * @throws FormatError when a file is missing, or holds other tensors than the index says
 */
export async function readShards(
  folder: Folder,
  indexName: string,
  listing: ReadonlyMap<string, string>,
  opened: ByteSource[],
  signal?: AbortSignal,
): Promise<Shards> {
  const fileOf = new Map(listing);
  const fileNames = [...new Set(fileOf.values())];
  const tensors: ShardTensor[] = [];
  const metadata = new Map<string, string>();
  for (const [file, fileName] of fileNames.entries()) {
    const source = await folder.open(fileName, signal);
    if (!source)
      refuse(folder.name, `${show(fileName)}, which ${indexName} names`, "no such file", "Fetch all of the files.");
    opened.push(source);
    const shard = await readSafetensors(source, signal);
    for (const [name, tensor] of shard.tensors) {
      const listed = fileOf.get(name);
      if (listed !== fileName)
        refuse(within(source.name, name), `it in ${listed ? show(listed) : "no file"}`, "it here", MIXED);
      fileOf.delete(name);
      tensors.push({ ...tensor, name, file });
    }
    for (const [key, value] of shard.metadata) metadata.set(key, value);
  }
  for (const [name, fileName] of fileOf)
    refuse(within(indexName, name), `it in ${show(fileName)}`, "it nowhere", MIXED);
  return { tensors, metadata, fileNames };
}

const MIXED = "Index and files belong to different models; fetch all of them again.";

/** The file of each tensor. @throws FormatError */
export async function readIndex(index: ByteSource, signal?: AbortSignal): Promise<Map<string, string>> {
  const { weight_map: weightMap } = await readJson(index, jsonLimits.settings, signal);
  if (!isObject(weightMap)) refuse(`${index.name}, weight_map`, "an object of file names", show(weightMap), DAMAGED);
  const fileOf = new Map<string, string>();
  for (const [name, fileName] of Object.entries(weightMap)) {
    if (typeof fileName !== "string" || !/^[^/\\\0]+\.safetensors$/.test(fileName)) {
      const expected = "the name of a .safetensors file in the same folder";
      refuse(within(index.name, name), expected, show(fileName), "Take another copy of the model.");
    }
    fileOf.set(name, fileName);
  }
  const shards = new Set(fileOf.values()).size;
  if (shards > MAX_SHARDS) refuse(index.name, `at most ${MAX_SHARDS} files`, `${shards}`, DAMAGED);
  return fileOf;
}
