// Which files of a Hugging Face folder hold its weights: one, or those that an index names, never both.
import type { ByteSource, Folder } from "../../sources/source.ts";
import { otherWeights, refuseAdapter } from "../folder-files.ts";
import { jsonLimits } from "../json.ts";
import { closing } from "../optional-file.ts";
import { refuse } from "../refusal.ts";
import { readIndex, readShards, readSingle, type Shards } from "./safetensors-shards.ts";

const WEIGHTS = "model.safetensors";
const INDEX = "model.safetensors.index.json";
const SHARD = /-(\d{5})-of-(\d{5})\.safetensors$/i;

/**
 * @param opened  receives every file opened here, so that the caller can close them
 * @throws FormatError when there are no weights, or two sets of them
 */
export async function openWeightFiles(folder: Folder, opened: ByteSource[], signal?: AbortSignal): Promise<Shards> {
  const index = await folder.open(INDEX, signal, jsonLimits.settings.bytes);
  if (index) return closing(index, () => openListed(folder, index, opened, signal));
  const whole = await folder.open(WEIGHTS, signal);
  if (whole) {
    opened.push(whole);
    return readSingle(WEIGHTS, whole, signal);
  }
  await refuseAdapter(folder, signal);
  const others = await otherWeights(folder, signal);
  const found = others.length === 0 ? "neither" : others.join(", ");
  const remedy = "Fetch the model's weights into this folder.";
  refuse(folder.name, `${WEIGHTS} or ${INDEX}`, found, remedy);
}

async function openListed(
  folder: Folder,
  index: ByteSource,
  opened: ByteSource[],
  signal?: AbortSignal,
): Promise<Shards> {
  const fileOf = await readIndex(index, signal);
  const listed = new Set(fileOf.values());
  const stray = listed.has(WEIGHTS) ? undefined : await folder.open(WEIGHTS, signal);
  if (stray) {
    await stray.close();
    // transformers would take the one file; the writer of the index meant the others.
    const found = `${WEIGHTS} beside the ${listed.size} files that ${INDEX} names`;
    refuse(folder.name, "one set of weights", found, "Remove the set that does not belong to the model.");
  }
  return readShards(folder, index.name, fileOf, opened, signal);
}

/** The one file that the caller has named. @throws FormatError for one of several */
export async function openWeightFile(fileName: string, file: ByteSource, signal?: AbortSignal): Promise<Shards> {
  const [, number, count] = SHARD.exec(fileName) ?? [];
  if (Number(count) > 1) {
    const found = `file ${Number(number)} of ${Number(count)}`;
    refuse(file.name, "a whole model", found, "Open the folder that holds all of them and their index.");
  }
  return readSingle(fileName, file, signal);
}
