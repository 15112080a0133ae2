// What a blob: or data: URL of this page stands for.
import { SourceError } from "./source-error.ts";

/** @throws SourceError when there is nothing, any more */
export async function openObjectUrl(url: string): Promise<Blob> {
  try {
    return await (await fetch(url)).blob();
  } catch (cause) {
    const isBlob = /^blob:/i.test(url);
    throw new SourceError(
      {
        subject: isBlob ? url.slice(0, 80) : "data: URL",
        expected: "a Blob behind it",
        found: (cause as Error).message,
        remedy: isBlob
          ? "Open it before it is revoked, in the page that made it; or pass the Blob itself."
          : "Pass the bytes themselves.",
      },
      { cause },
    );
  }
}
