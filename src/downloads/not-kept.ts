// What is said offline of a file that is not there.
import { SourceError } from "../sources/source-error.ts";

/** @param cache  where it would lie */
export function notKept(subject: string, cache: string): SourceError {
  return new SourceError({
    subject,
    expected: `it in the cache ${cache}`,
    found: "none there",
    remedy: "Open it once without --offline and HF_HUB_OFFLINE, which forbid to fetch it.",
  });
}
