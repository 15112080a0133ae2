// Which bytes of a file an answer to a Range request holds.
import { SourceError } from "./source-error.ts";

/** How many bytes an answer holds of a file of which size, once it is known to begin where it should. */
export function contentRange(
  name: string,
  response: Response,
  offset: number,
  length: number,
): { end: number; size: number } {
  const encoding = response.headers.get("content-encoding");
  if (encoding !== null && encoding !== "identity") {
    throw new SourceError({
      subject: name,
      expected: "bytes as they are in the file",
      found: `them in ${JSON.stringify(encoding.slice(0, 40))}`,
      remedy: "Use a server that does not compress ranges.",
    });
  }
  const text = response.headers.get("content-range");
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/i.exec(text?.trim() ?? "");
  const [begin, last, size] = match ? match.slice(1).map(Number) : [];
  if (begin === offset && last >= begin && Number.isSafeInteger(size) && last < size) return { end: last + 1, size };
  throw new SourceError({
    subject: name,
    expected: `Content-Range bytes ${offset}-${offset + length - 1} of a known size`,
    found: text ?? "no such header",
    remedy: "Use a server that answers Range requests and lets pages read that header.",
  });
}
