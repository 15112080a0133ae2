// What this room throws.
import { Lfm2Error } from "../lfm2-error.ts";

/** Bytes cannot be had: missing file, range outside it, failing server, a file that has changed. */
export class SourceError extends Lfm2Error {
  override readonly name = "SourceError";
}
