// The file from a server that ignores Range and sends all of it, which is then held in memory.
import { type Chunks, tooLong, tooShort } from "./exchange.ts";
import { SourceError } from "./source-error.ts";

/** The most that is held of a file whose purpose is not known. */
const WHOLE_FILE_LIMIT = 2 ** 30;

/**
 * @param mostBytes  a larger file is of no use; without it, the size has to be stated, and the bytes must not be encoded
 * @throws SourceError before more than the bound, or than the stated size, is held
 */
export async function wholeBody(
  name: string,
  response: Response,
  chunks: Chunks,
  mostBytes: number | undefined,
): Promise<Blob> {
  const limit = mostBytes ?? WHOLE_FILE_LIMIT;
  const header = response.headers.get("content-length");
  const stated = header === null ? undefined : Number(header);
  const encoding = response.headers.get("content-encoding");
  const isEncoded = encoding !== null && encoding !== "identity";
  const refuse = (found: string): never => {
    const most = mostBytes === undefined ? "1 GiB" : `${mostBytes} bytes`;
    throw new SourceError({
      subject: name,
      expected: `the range asked for, or a file of at most ${most}`,
      found,
      remedy: "Use a server that answers Range requests, or download the file.",
    });
  };
  if (stated === undefined && mostBytes === undefined) refuse("a whole file of unknown size");
  // A few encoded bytes may become any number of bytes.
  if (isEncoded && mostBytes === undefined) refuse(`a whole file in ${JSON.stringify(encoding.slice(0, 40))}`);
  if (stated !== undefined && !(stated <= limit)) refuse(`a whole file of ${stated} bytes`);
  // Of an encoded body, Content-Length counts the encoded bytes.
  const expected = isEncoded ? undefined : stated;
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > limit) refuse("a larger one");
    if (expected !== undefined && bytes > expected) throw tooLong(name, expected);
    parts.push(chunk.slice());
  }
  if (expected !== undefined && bytes < expected) throw tooShort(name, expected, bytes);
  return new Blob(parts);
}
