// Hashes of files in a browser, whose own can hash only what is whole in memory.
import type { ContentHash } from "./shelf.ts";

/** Computes a hash piece by piece. */
export interface Hasher {
  update(bytes: Uint8Array | string): unknown;
  /** Hexadecimal. */
  digest(encoding: "hex"): string;
}
export type CreateHasher = (kind: ContentHash["kind"]) => Promise<Hasher>;

/** @throws TypeError in a page, which leaves fetching to a thread */
export async function beginHash(
  createHasher: CreateHasher | undefined,
  kind: ContentHash["kind"],
  size: number,
): Promise<Hasher> {
  if (createHasher === undefined) throw new TypeError("files are fetched and checked in a thread of their own");
  const hasher = await createHasher(kind);
  if (kind === "git") hasher.update(`blob ${size}\0`);
  return hasher;
}
