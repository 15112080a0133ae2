// Files on an HTTP server, read by Range requests; from a server without them, a file is downloaded once.
import { blobSource } from "./blob.ts";
import { checkFileName, checkRange } from "./checks.ts";
import { contentRange } from "./content-range.ts";
import { type Chunks, type Exchange, exchange, nameOf, tooLong, tooShort } from "./exchange.ts";
import { joinSignals } from "./joined-signal.ts";
import { defaultPatience, type Patience, PROGRESS_BYTES, persistently, type Wait, wait } from "./patience.ts";
import { isSigned } from "./signed-address.ts";
import type { ByteSource, Folder, SourceDescriptor, UrlVersion } from "./source.ts";
import { SourceError } from "./source-error.ts";
import { changedUnseen, checkSame, hashOf, tellsApart, versionOf, withSeen } from "./url-version.ts";
import { wholeBody } from "./whole-body.ts";

export interface NetworkOptions {
  /** Sent with every request, but not to another server that a redirect leads to. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly patience?: Patience;
  /** Waits between two tries. */
  readonly wait?: Wait;
}

/** @throws SourceError when the server has no such file, fails, or answers with something else than asked for */
export async function openUrl(url: string, network: NetworkOptions = {}, signal?: AbortSignal): Promise<ByteSource> {
  const parsed = parseUrl(url);
  const source = await tryOpen(parsed, network, signal, { isAbsent: (status) => status === 404 });
  if (source) return source;
  throw new SourceError({
    subject: nameOf(parsed),
    expected: "a file",
    found: "HTTP 404",
    remedy: "Check the address.",
  });
}

/**
 * The file that was opened in another thread. Nothing is asked of the server unless only bytes can tell whether it is
 * still the same; else the first read finds out.
 * @throws SourceError when the file has changed since
 */
export async function reopenUrl(
  { url, headers, patience, version, seen }: SourceDescriptor & { kind: "url" },
  signal?: AbortSignal,
): Promise<ByteSource> {
  const source = rangedSource(parseUrl(url), { headers, patience }, version, seen);
  await source.verify(signal);
  return source;
}

/**
 * The files under a base URL; its query, if any, goes with every request. Where one of them may be read, HTTP 403 for
 * another counts as its absence, since a store such as S3 does not reveal it to those who may not list its files.
 */
export function urlFolder(baseUrl: string, network: NetworkOptions = {}): Folder {
  const base = asFolder(parseUrl(baseUrl));
  const withheld: string[] = [];
  let isReadable = false;
  const folderAt = (place: URL, under: string): Folder => ({
    name: nameOf(place),
    async open(fileName, signal, mostBytes) {
      checkFileName(nameOf(place), fileName);
      const url = inFolder(place.href, fileName);
      const isAbsent = (status: number): boolean => {
        const isWithheld = status === 403 && isReadable;
        if (isWithheld) withheld.push(under + fileName);
        return isWithheld || status === 404;
      };
      const source = await tryOpen(url, network, signal, { mostBytes, isAbsent });
      isReadable ||= source !== undefined;
      return source;
    },
    warnings() {
      if (withheld.length === 0) return [];
      const found = `found HTTP 403 for ${withheld.join(", ")}, and took them for files that are not there`;
      return [`${nameOf(base)}: ${found}. If they are, send an Authorization header that may read them.`];
    },
    async subfolder(name) {
      checkFileName(nameOf(place), name);
      return folderAt(asFolder(inFolder(place.href, name)), `${under}${name}/`);
    },
  });
  return folderAt(base, "");
}

function asFolder(url: URL): URL {
  url.pathname = url.pathname.replace(/\/*$/, "/");
  return url;
}

/** The address of a file, or a folder, in the one that a base URL names. */
export function inFolder(base: string, name: string): URL {
  const url = asFolder(parseUrl(base));
  url.pathname += encodeURIComponent(name);
  return url;
}

/** `https://host/folder/file?query` → its folder, and `file`. */
export function splitUrl(url: string): { folder: string; fileName: string } {
  const parsed = parseUrl(url);
  const slash = parsed.pathname.lastIndexOf("/");
  const fileName = decoded(nameOf(parsed), parsed.pathname.slice(slash + 1));
  parsed.pathname = parsed.pathname.slice(0, slash + 1);
  return { folder: parsed.href, fileName };
}

function decoded(name: string, segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new SourceError(
      { subject: name, expected: "%-escapes of UTF-8", found: "others", remedy: "Check the address." },
      { cause },
    );
  }
}

function parseUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new SourceError({
      subject: "URL",
      expected: "http://… or https://…",
      found: "text that is not a URL",
      remedy: "Check the address.",
    });
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new SourceError({
      subject: "URL",
      expected: "http: or https:",
      found: url.protocol.slice(0, -1),
      remedy: "Check the address.",
    });
  }
  if (url.username || url.password) {
    throw new SourceError({
      subject: nameOf(url),
      expected: "a URL without user name and password",
      found: "one with",
      remedy: "Send an Authorization header.",
    });
  }
  url.hash = "";
  return url;
}

/** Some servers (sirv, which Vite and SvelteKit use) take `bytes=0-0`, whose end is 0, for one without an end. */
const PROBE_BYTES = 2;

async function tryOpen(
  url: URL,
  network: NetworkOptions,
  signal: AbortSignal | undefined,
  { mostBytes, isAbsent }: { readonly mostBytes?: number; readonly isAbsent: (status: number) => boolean },
): Promise<ByteSource | undefined> {
  signal?.throwIfAborted();
  const name = nameOf(url);
  const request = requestOf(url, network, 0, PROBE_BYTES, signal);
  const attempt = () =>
    exchange(request, async (response, chunks) => {
      if (response.status === 206) {
        const { size } = contentRange(name, response, 0, PROBE_BYTES);
        return rangedSource(url, network, versionOf(response, size));
      }
      if (response.status === 200) return blobSource(name, await wholeBody(name, response, chunks, mostBytes));
      if (isAbsent(response.status)) return undefined;
      // No range can be requested of an empty file.
      if (response.status === 416 && response.headers.get("content-range") === "bytes */0") {
        return blobSource(name, new Blob());
      }
      throw badStatus(url, response.status);
    });
  return persistently(attempt, { ...waiting(network), signal });
}

function requestOf(
  url: URL,
  { headers = {}, patience = defaultPatience }: NetworkOptions,
  offset: number,
  length: number,
  signal: AbortSignal | undefined,
): Exchange {
  return { url, headers, range: { offset, length }, stallMs: patience.stallMs, signal };
}

function waiting(network: NetworkOptions): { patience: Patience; wait: Wait } {
  return { patience: network.patience ?? defaultPatience, wait: network.wait ?? wait };
}

/** @param seen  what was read in another thread; without it, what is read here is remembered */
function rangedSource(
  url: URL,
  network: NetworkOptions,
  version: UrlVersion,
  seen?: (SourceDescriptor & { kind: "url" })["seen"],
): ByteSource {
  const name = nameOf(url);
  const { size } = version;
  const closing = new AbortController();
  const remembers = seen === undefined && !tellsApart(version);
  let known = seen ?? [];

  async function readRange(offset: number, bytes: Uint8Array, outer?: AbortSignal): Promise<void> {
    outer?.throwIfAborted();
    const { length } = bytes;
    let at = 0;
    const { signal, release } = joinSignals(outer, closing.signal);
    // After a failure it goes on from where the bytes ended.
    const attempt = async (): Promise<void> => {
      while (at < length) {
        const request = requestOf(url, network, offset + at, length - at, signal);
        const count = await exchange(request, (response, chunks) =>
          readPart(url, version, offset + at, response, chunks, bytes.subarray(at), (more) => {
            at += more;
          }),
        );
        if (at < length && count < PROGRESS_BYTES) throw tooShort(name, length, at);
      }
    };
    try {
      await persistently(attempt, { ...waiting(network), signal, progress: () => at });
    } finally {
      release();
    }
  }

  return {
    name,
    size,
    get descriptor() {
      const { headers = {}, patience = defaultPatience } = network;
      return { kind: "url", url: url.href, headers: { ...headers }, patience, version, seen: known } as const;
    },
    async read(offset, length, signal, room) {
      checkRange(name, size, offset, length);
      const bytes = room?.subarray(0, length) ?? new Uint8Array(length);
      await readRange(offset, bytes, signal);
      if (remembers) known = withSeen(known, offset, bytes);
      return bytes;
    },
    async verify(signal) {
      for (const range of known) {
        const bytes = new Uint8Array(range.length);
        await readRange(range.offset, bytes, signal);
        if (hashOf(bytes) !== range.hash) throw changedUnseen(name, range);
      }
    },
    async close() {
      closing.abort(
        new SourceError({
          subject: name,
          expected: "a file that is open",
          found: "one that was closed",
          remedy: "Open it again.",
        }),
      );
    },
  };
}

/** The bytes of one answer into `room`. A server may send less of a range, or more than was asked for. @returns how many */
async function readPart(
  url: URL,
  version: UrlVersion,
  offset: number,
  response: Response,
  chunks: Chunks,
  room: Uint8Array,
  onBytes: (count: number) => void,
): Promise<number> {
  const name = nameOf(url);
  if (response.status !== 206) throw badStatus(url, response.status);
  const { end, size } = contentRange(name, response, offset, room.length);
  checkSame(name, version, versionOf(response, size));
  const stated = end - offset;
  let received = 0;
  for await (const chunk of chunks) {
    if (received + chunk.length > stated) throw tooLong(name, stated);
    const wanted = chunk.subarray(0, room.length - received);
    room.set(wanted, received);
    onBytes(wanted.length);
    received += chunk.length;
    if (received >= room.length && received < stated) return room.length;
  }
  if (received < stated) throw tooShort(name, stated, received);
  return received;
}

export function badStatus(url: URL, status: number): SourceError {
  const isRefused = status === 401 || status === 403;
  const remedy = !isRefused
    ? "Try again later."
    : isSigned(url)
      ? "Its signature may have expired: ask for a new address, or open what is kept offline."
      : "Send an Authorization header that may read it.";
  return new SourceError({ subject: nameOf(url), expected: "HTTP 206", found: `HTTP ${status}`, remedy });
}
