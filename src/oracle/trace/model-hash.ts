// Which model it was: a SHA-256 that takes a moment however large the files are.
import type { ByteSource } from "../../sources/source.ts";

export interface ModelHash {
  /** Hexadecimal. */
  readonly sha256: string;
  /**
   * What was hashed. `files`: the weight files, one after another. `samples`, where they are more than 64 MiB: of each
   * its size (u64, little-endian), then 64 pieces of 64 KiB, the first at its beginning, the last at its end, the others
   * evenly between, each at ⌊i · (size − 65536) / 63⌋.
   */
  readonly sha256Of: "files" | "samples";
}

const WHOLE_BYTES = 1 << 26;
const SAMPLES = 64;
const SAMPLE_BYTES = 1 << 16;

/** @throws SourceError when the bytes cannot be had */
export async function hashModel(files: readonly ByteSource[], signal?: AbortSignal): Promise<ModelHash> {
  const isSmall = files.reduce((sum, { size }) => sum + size, 0) <= WHOLE_BYTES;
  const pieces: Uint8Array[] = [];
  for (const file of files) {
    if (isSmall) pieces.push(await file.read(0, file.size, signal));
    else pieces.push(...(await samplesOf(file, signal)));
  }
  await Promise.all(files.map((file) => file.verify(signal)));
  return { sha256: await sha256(pieces), sha256Of: isSmall ? "files" : "samples" };
}

async function samplesOf(file: ByteSource, signal?: AbortSignal): Promise<Uint8Array[]> {
  const size = new DataView(new ArrayBuffer(8));
  size.setBigUint64(0, BigInt(file.size), true);
  const pieces = [new Uint8Array(size.buffer)];
  const bytes = Math.min(SAMPLE_BYTES, file.size);
  for (let i = 0; i < SAMPLES; i++) {
    const at = Math.floor((i * (file.size - bytes)) / (SAMPLES - 1));
    pieces.push(await file.read(at, bytes, signal));
  }
  return pieces;
}

/** Of the pieces joined, in hexadecimal. */
export async function sha256(pieces: readonly Uint8Array[]): Promise<string> {
  const joined = new Uint8Array(pieces.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.byteLength;
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", joined));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
