// Files on an HTTP server, read by Range requests; a server without them is downloaded from once.
import { blobSource } from "./blob.ts";
import { checkFileName, checkRange } from "./checks.ts";
import { type ByteSource, type Folder, SourceError } from "./source.ts";

/** A server that ignores Range sends the whole file, which is then held in memory. */
const WHOLE_FILE_LIMIT = 2 ** 30;

type Headers = Readonly<Record<string, string>>;

/** @throws SourceError when the server has no such file, fails, or answers with something else than asked for */
export async function openUrl(url: string, headers: Headers = {}, signal?: AbortSignal): Promise<ByteSource> {
  const parsed = parseUrl(url);
  const source = await tryOpen(parsed, headers, signal);
  if (source) return source;
  throw new SourceError(`${nameOf(parsed)}: expected a file, found HTTP 404. Check the address.`);
}

/** The files under a base URL; its query, if any, goes with every request. */
export function urlFolder(baseUrl: string, headers: Headers = {}): Folder {
  const base = parseUrl(baseUrl);
  base.pathname = base.pathname.replace(/\/*$/, "/");
  return {
    name: nameOf(base),
    async open(fileName, signal) {
      checkFileName(nameOf(base), fileName);
      const url = new URL(base);
      url.pathname += encodeURIComponent(fileName);
      return tryOpen(url, headers, signal);
    },
  };
}

/** `https://host/folder/file?query` → its folder, and `file`. */
export function splitUrl(url: string): { folder: string; fileName: string } {
  const parsed = parseUrl(url);
  const slash = parsed.pathname.lastIndexOf("/");
  const fileName = decodeURIComponent(parsed.pathname.slice(slash + 1));
  parsed.pathname = parsed.pathname.slice(0, slash + 1);
  return { folder: parsed.href, fileName };
}

function parseUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new SourceError("URL: expected http://… or https://…, found text that is no URL. Check the address.");
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new SourceError(`URL: expected http: or https:, found ${url.protocol.slice(0, -1)}. Check the address.`);
  }
  if (url.username || url.password) {
    throw new SourceError(
      `${nameOf(url)}: expected a URL without user name and password, found one with. Send an Authorization header.`,
    );
  }
  url.hash = "";
  return url;
}

/** For messages: a query may hold a signature or a token. */
function nameOf(url: URL): string {
  return url.origin + url.pathname;
}

async function tryOpen(url: URL, headers: Headers, signal?: AbortSignal): Promise<ByteSource | undefined> {
  const name = nameOf(url);
  const response = await request(url, headers, 0, 1, signal);
  if (response.status === 206) {
    const { size } = contentRange(name, response, 0, 1);
    await response.body?.cancel();
    return rangedSource(url, headers, size, validatorOf(response));
  }
  if (response.status === 200) return blobSource(name, await wholeBody(name, response, signal));
  await response.body?.cancel();
  if (response.status === 404) return undefined;
  // No byte can be asked of an empty file.
  if (response.status === 416 && response.headers.get("content-range") === "bytes */0") {
    return blobSource(name, new Blob());
  }
  throw badStatus(name, response.status);
}

function rangedSource(url: URL, headers: Headers, size: number, validator: string): ByteSource {
  const name = nameOf(url);
  return {
    name,
    size,
    descriptor: { kind: "url", url: url.href, headers: { ...headers } },
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      checkRange(name, size, offset, length);
      if (length === 0) return new Uint8Array(0);
      const response = await request(url, headers, offset, length, signal);
      try {
        if (response.status !== 206) throw badStatus(name, response.status);
        const found = contentRange(name, response, offset, length);
        if (found.size !== size || validatorOf(response) !== validator) {
          throw new SourceError(
            `${name}: expected the file that was opened (${size} bytes), found another (${found.size} bytes). ` +
              "It has changed on the server; open it again.",
          );
        }
      } catch (error) {
        await response.body?.cancel();
        throw error;
      }
      const bytes = new Uint8Array(length);
      let at = 0;
      for await (const chunk of chunksOf(name, response, signal)) {
        if (at + chunk.length > length) throw wrongLength(name, length, "more");
        bytes.set(chunk, at);
        at += chunk.length;
      }
      if (at < length) throw wrongLength(name, length, `${at}`);
      return bytes;
    },
    close: async () => {},
  };
}

async function request(
  url: URL,
  headers: Headers,
  offset: number,
  length: number,
  signal?: AbortSignal,
): Promise<Response> {
  try {
    const range = `bytes=${offset}-${offset + length - 1}`;
    return await fetch(url, { headers: { ...headers, Range: range }, signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw unreachable(nameOf(url), error);
  }
}

/** Both headers name a version of the file; a server may send either, both, or none. */
function validatorOf(response: Response): string {
  return `${response.headers.get("etag")} ${response.headers.get("last-modified")}`;
}

/** The size of the file, once the answer is known to hold the bytes asked for. */
function contentRange(name: string, response: Response, offset: number, length: number): { size: number } {
  const text = response.headers.get("content-range");
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(text ?? "");
  const [begin, end, size] = match ? match.slice(1).map(Number) : [];
  if (begin === offset && end === offset + length - 1 && Number.isSafeInteger(size) && end < size) return { size };
  throw new SourceError(
    `${name}: expected Content-Range bytes ${offset}-${offset + length - 1} of a known size, ` +
      `found ${text ?? "no such header"}. Use a server that answers Range requests and lets pages read that header.`,
  );
}

async function wholeBody(name: string, response: Response, signal?: AbortSignal): Promise<Blob> {
  const stated = Number(response.headers.get("content-length") ?? Number.NaN);
  if (!(stated <= WHOLE_FILE_LIMIT)) {
    await response.body?.cancel();
    const found = Number.isNaN(stated) ? "a whole file of unknown size" : `a whole file of ${stated} bytes`;
    throw new SourceError(
      `${name}: expected the range asked for, or a file of at most 1 GiB, found ${found}. ` +
        "Use a server that answers Range requests, or download the file.",
    );
  }
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const chunk of chunksOf(name, response, signal)) {
    bytes += chunk.length;
    if (bytes > WHOLE_FILE_LIMIT) throw wrongLength(name, stated, "over 1 GiB");
    parts.push(chunk);
  }
  // Of a compressed body, Content-Length counts the compressed bytes.
  if (bytes !== stated && !response.headers.get("content-encoding")) throw wrongLength(name, stated, `${bytes}`);
  return new Blob(parts);
}

async function* chunksOf(
  name: string,
  response: Response,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = response.body?.getReader();
  try {
    for (;;) {
      const result = await reader?.read().catch((error) => {
        signal?.throwIfAborted();
        throw unreachable(name, error);
      });
      if (!result || result.done) return;
      yield result.value;
    }
  } finally {
    await reader?.cancel().catch(() => {});
  }
}

function badStatus(name: string, status: number): SourceError {
  const remedy =
    status === 401 || status === 403 ? "Send an Authorization header that may read it." : "Try again later.";
  return new SourceError(`${name}: expected HTTP 206, found HTTP ${status}. ${remedy}`);
}

function wrongLength(name: string, expected: number, found: string): SourceError {
  return new SourceError(`${name}: expected ${expected} bytes of content, found ${found}. Try again.`);
}

function unreachable(name: string, error: unknown): SourceError {
  // fetch hides the reason in `cause`; its code is short and holds nothing of the address.
  const cause = error instanceof Error ? (error.cause as { code?: unknown } | undefined) : undefined;
  const reason = typeof cause?.code === "string" ? cause.code : "a broken connection";
  return new SourceError(`${name}: expected an answer, found ${reason}. Check the address and the network.`);
}
