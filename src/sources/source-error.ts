// What this room throws.

/** Bytes cannot be had: missing file, range outside it, failing server, a file that has changed. */
export class SourceError extends Error {
  override readonly name = "SourceError";
}
