// Where the golden files are, and a tensor of an opened checkpoint as float32.
import { fileURLToPath } from "node:url";
import { blockFormats, decodeRow } from "../../src/blocks/formats.ts";
import type { Checkpoint, StoredTensor } from "../../src/formats/checkpoint.ts";
import { rowsOf } from "../../src/formats/pieces.ts";

export const goldenFolder = fileURLToPath(new URL("../../golden/", import.meta.url));

export async function bytesOf({ files }: Checkpoint, tensor: StoredTensor): Promise<Uint8Array> {
  const bytes = new Uint8Array(tensor.parts.reduce((sum, part) => sum + part.bytes, 0));
  let at = 0;
  for (const part of tensor.parts) {
    bytes.set(await files[part.file].read(part.offset, part.bytes), at);
    at += part.bytes;
  }
  return bytes;
}

export async function floatsOf(checkpoint: Checkpoint, name: string): Promise<Float32Array> {
  const tensor = checkpoint.tensors.get(name);
  if (!tensor) throw new Error(`${name}: expected a tensor of ${checkpoint.files[0].name}`);
  const floats = new Float32Array(tensor.shape.reduce((product, axis) => product * axis, 1));
  const bytes: Uint8Array[] = [];
  for await (const rows of rowsOf(checkpoint.files, tensor)) bytes.push(rows.slice());
  decodeRow(blockFormats[tensor.format], Buffer.concat(bytes), 0, floats, floats.length);
  return floats;
}

export async function closeAll({ files }: Checkpoint): Promise<void> {
  await Promise.all(files.map((file) => file.close()));
}
