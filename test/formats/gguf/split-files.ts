// A small model in three GGUF files.
import { scalar } from "../../../src/formats/gguf/write.ts";
import { tinyMetadata, tinyTensors } from "../tiny-model.ts";
import { writeGguf } from "./gguf-writer.ts";

export const names = ["m-00001-of-00003.gguf", "m-00002-of-00003.gguf", "m-00003-of-00003.gguf"];

interface Change {
  readonly no?: number;
  readonly count?: number;
  readonly total?: number;
}

/** The tiny model in three files, as llama-gguf-split writes them; `change` says otherwise in one of them. */
export function splitFiles(changedFile = -1, change: Change = {}): Record<string, Uint8Array<ArrayBuffer>> {
  const tensors = tinyTensors();
  const cuts = [0, 7, 8, tensors.length];
  const files: Record<string, Uint8Array<ArrayBuffer>> = {};
  for (let i = 0; i < 3; i++) {
    const { no = i, count = 3, total = tensors.length } = i === changedFile ? change : {};
    const metadata = i === 0 ? tinyMetadata() : new Map();
    metadata.set("split.no", scalar("u16", no));
    metadata.set("split.count", scalar("u16", count));
    metadata.set("split.tensors.count", scalar("i32", total));
    files[names[i]] = writeGguf(metadata, tensors.slice(cuts[i], cuts[i + 1]));
  }
  return files;
}
