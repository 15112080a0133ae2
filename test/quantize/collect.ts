// Files written into memory, and checkpoints opened from them.
import { join } from "node:path";
import type { Checkpoint } from "../../src/formats/checkpoint.ts";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import type { Sink } from "../../src/formats/streamed-tensor.ts";
import { blobFolder } from "../../src/sources/blob.ts";
import { diskFolder } from "../../src/sources/disk.ts";
import { goldenFolder } from "../formats/golden-files.ts";

/** What `write` puts into its sink. */
export async function written(write: (sink: Sink) => Promise<unknown>): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  await write(async (bytes) => {
    pieces.push(bytes.slice());
  });
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

export function openGolden(folder: string, file?: string): Promise<Checkpoint> {
  return openCheckpoint(diskFolder(join(goldenFolder, folder)), file);
}

export function openBytes(bytes: Uint8Array<ArrayBuffer>): Promise<Checkpoint> {
  return openCheckpoint(blobFolder("memory", [{ name: "model.gguf", blob: new Blob([bytes]) }]), "model.gguf");
}
