// Whether a server's answers are about one file, by what they say of its version.
//
// A strong ETag decides alone, as it names bytes (RFC 9110, 8.8.3). Otherwise ETag, its strength left aside, and
// Last-Modified both have to agree. Where these cannot distinguish versions, what has been read is compared as well.
//
// Answers are compared here. If-Range would leave that to servers, of which some ignore it, and would cost pages a
// preflight request, which some servers refuse.
import type { SeenRange, UrlVersion } from "./source.ts";
import { SourceError } from "./source-error.ts";

/** A longer ETag is cut in messages. */
const SHOWN_CHARACTERS = 80;
/** Headers of GGUF files lie within; of what is read from further on, nothing is remembered. */
const SEEN_BYTES = 32 << 20;

export function versionOf({ headers }: Response, size: number): UrlVersion {
  return { size, etag: headers.get("etag"), lastModified: headers.get("last-modified") };
}

/** @throws SourceError when an answer is about another version than the one that was opened */
export function checkSame(name: string, opened: UrlVersion, found: UrlVersion): void {
  const isSame = isStrong(opened.etag) && isStrong(found.etag) ? opened.etag === found.etag : agree(opened, found);
  if (isSame && opened.size === found.size) return;
  throw new SourceError({
    subject: name,
    expected: `the file that was opened (${describe(opened)})`,
    found: `another (${describe(found)})`,
    remedy: "It has changed on the server; open it again.",
  });
}

/** Whether a change of the file's bytes would change `version`. */
export function tellsApart({ etag, lastModified }: UrlVersion): boolean {
  return isStrong(etag) || lastModified !== null;
}

function isStrong(etag: string | null): etag is string {
  return etag !== null && !etag.startsWith("W/");
}

function agree(opened: UrlVersion, found: UrlVersion): boolean {
  const [a, b] = [opened, found].map(({ etag }) => etag?.replace(/^W\//, ""));
  return a === b && opened.lastModified === found.lastModified;
}

function describe({ size, etag, lastModified }: UrlVersion): string {
  const parts = [`${size} bytes`];
  if (etag !== null) parts.push(`ETag ${etag.slice(0, SHOWN_CHARACTERS)}`);
  if (lastModified !== null) parts.push(`of ${lastModified.slice(0, SHOWN_CHARACTERS)}`);
  return parts.join(", ");
}

/** `seen` with one more range; ranges within it go, and one that is far into the file is not remembered. */
export function withSeen(seen: readonly SeenRange[], offset: number, bytes: Uint8Array): readonly SeenRange[] {
  const end = offset + bytes.length;
  if (end > SEEN_BYTES) return seen;
  const others = seen.filter((range) => range.offset < offset || range.offset + range.length > end);
  return [...others, { offset, length: bytes.length, hash: hashOf(bytes) }];
}

/**
 * FNV-1a, 32 bits: against accidents only, since a server that wants to deceive need not change its file. Pages without
 * https have no crypto.subtle.
 */
export function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return hash >>> 0;
}

export function changedUnseen(name: string, { offset, length }: SeenRange): SourceError {
  return new SourceError({
    subject: name,
    expected: `the bytes that were read before (${length} from ${offset})`,
    found: "others",
    remedy: "It has changed on the server; open it again.",
  });
}
