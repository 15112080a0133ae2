// Files of URLs, kept as they were: each version of a file in a folder of its own, with a note of which it is.
//
//   KEY/about.json        the address, without its query, and the version that is kept; KEY is a hash of the address without
//                         its signature
//      /VERSION/NAME      the file
import { nameOf } from "../sources/exchange.ts";
import type { Location } from "../sources/locate.ts";
import { UnreachableError } from "../sources/patience.ts";
import { stableAddress } from "../sources/signed-address.ts";
import type { ByteSource, Folder, UrlVersion } from "../sources/source.ts";
import { badStatus, inFolder, type NetworkOptions, splitUrl, urlFolder } from "../sources/url.ts";
import { checkSame, tellsApart, versionOf } from "../sources/url-version.ts";
import { fetchFile } from "./fetch-file.ts";
import type { FetchReport } from "./fetch-report.ts";
import { NoRoomError } from "./no-room.ts";
import { notKept } from "./not-kept.ts";
import type { Remote } from "./route.ts";
import type { Shelf } from "./shelf.ts";

export interface KeepingOptions extends NetworkOptions {
  /** Where they are kept. */
  readonly shelf: Shelf;
  readonly offline: boolean;
  /** `ranges`: of what is not kept yet, only as much as is read. */
  readonly reads?: "whole" | "ranges";
  readonly signal?: AbortSignal;
  readonly onProgress?: (report: KeepingReport) => void;
  /** Given, a file for which there is no room is read by ranges, and this is told of it. */
  readonly onNoRoom?: (error: NoRoomError) => void;
}

export interface KeepingReport {
  /** `wait`: for another process that fetches the file. */
  readonly phase: FetchReport["phase"] | "wait";
  readonly done: number;
  readonly total: number;
}

export interface KeptUrl {
  /** Without its query, which may hold a secret. */
  readonly url: string;
  readonly version: UrlVersion;
  /** On the shelf. */
  readonly path: string;
  /** Where all that is kept of the address lies. */
  readonly folder: string;
}

/** What a URL names, as `locateUrl` has it; its files are kept. */
export function locateKept(url: string, options: KeepingOptions): Location {
  const { folder, fileName } = splitUrl(url);
  return { folder: keepingFolder(folder, options), file: fileName === "" ? undefined : fileName };
}

function keepingFolder(base: string, options: KeepingOptions): Folder {
  const notes: string[] = [];
  const folderAt = (place: string, inner: Folder): Folder => ({
    name: inner.name,
    async open(fileName, signal = options.signal, mostBytes) {
      const url = inFolder(place, fileName);
      const kept = await readKept(options.shelf, await keyOf(url));
      if (options.offline) {
        if (kept !== undefined) return openKept(url, options.shelf, kept.path);
        return missing(url, options.shelf, notes);
      }
      let source: ByteSource | undefined;
      try {
        source = await inner.open(fileName, signal, mostBytes);
      } catch (error) {
        if (!(error instanceof UnreachableError) || kept === undefined) throw error;
        notes.push(`${nameOf(url)} cannot be reached; what is kept of it may be out of date.`);
        return openKept(url, options.shelf, kept.path);
      }
      // Of a file that is of no use, nothing is fetched.
      if (source === undefined || source.size > (mostBytes ?? source.size)) return source;
      return keep(url, fileName, source, kept, { ...options, signal });
    },
    warnings: () => [...(inner.warnings?.() ?? []), ...notes],
    async subfolder(name) {
      const deeper = await inner.subfolder?.(name);
      return deeper && folderAt(inFolder(place, name).href, deeper);
    },
  });
  return folderAt(base, urlFolder(base, options));
}

/** @throws SourceError where nothing at all is kept of the folder: then it is not one file that is missing */
async function missing(url: URL, shelf: Shelf, notes: string[]): Promise<undefined> {
  const folder = nameOf(new URL(".", url));
  const all = await keptUrls(shelf);
  if (!all.some((other) => other.url.startsWith(folder))) {
    throw notKept(nameOf(url), shelf.name);
  }
  notes.push(`${nameOf(url)}: not in the cache, and taken for a file that is not there.`);
  return undefined;
}

async function keep(
  url: URL,
  fileName: string,
  source: ByteSource,
  kept: KeptUrl | undefined,
  { shelf, reads, signal, onProgress, onNoRoom, ...network }: KeepingOptions,
): Promise<ByteSource> {
  const { descriptor } = source;
  // Without a version nobody could tell later whether what is kept is still what the server has.
  if (descriptor.kind !== "url" || !tellsApart(descriptor.version)) return source;
  const { version } = descriptor;
  const isKept = kept !== undefined && isSame(kept.version, version);
  if (!isKept && reads === "ranges") return source;
  if (isKept) {
    await source.close();
    return openKept(url, shelf, kept.path);
  }
  const folder = await keyOf(url);
  const content = (await sha256(JSON.stringify(version))).slice(0, 16);
  const path = `${folder}/${content}/${fileName}`;
  try {
    await fetchFile(remoteOf(url, version, network), {
      shelf,
      path,
      lockPath: `${folder}/lfm2-lock`,
      content,
      signal,
      onWait: () => onProgress?.({ phase: "wait", done: 0, total: version.size }),
      onProgress: onProgress && ((report) => onProgress({ ...report, total: version.size })),
    });
  } catch (error) {
    if (!(error instanceof NoRoomError) || onNoRoom === undefined) throw error;
    onNoRoom(error);
    return source;
  }
  await source.close();
  const about = { version: 1, url: nameOf(url), file: version, path: [content, fileName] };
  await shelf.putText(`${folder}/about.json`, JSON.stringify(about));
  const others = (await shelf.names(folder)).filter((name) => /^[0-9a-f]{16}$/.test(name) && name !== content);
  await Promise.all(others.map((name) => shelf.remove(`${folder}/${name}`)));
  return openKept(url, shelf, path);
}

/** Under the name by which it was asked for. */
async function openKept(url: URL, shelf: Shelf, path: string): Promise<ByteSource> {
  return { ...(await shelf.open(path)), name: nameOf(url) };
}

function remoteOf(url: URL, version: UrlVersion, network: NetworkOptions): Remote {
  const name = nameOf(url);
  return {
    name,
    url,
    size: version.size,
    network,
    check: (response) => checkSame(name, version, versionOf(response, version.size)),
    refused: ({ status }) => badStatus(url, status),
  };
}

/** All that are kept. */
export async function keptUrls(shelf: Shelf): Promise<KeptUrl[]> {
  const found = await Promise.all((await shelf.names("")).map((name) => readKept(shelf, name)));
  return found.filter((kept) => kept !== undefined);
}

async function readKept(shelf: Shelf, folder: string): Promise<KeptUrl | undefined> {
  try {
    const { version, url, file, path } = JSON.parse((await shelf.text(`${folder}/about.json`)) ?? "");
    const [content, name] = path;
    if (version !== 1 || typeof url !== "string" || !/^[0-9a-f]{16}$/.test(content) || /[/\\]/.test(name))
      return undefined;
    const place = `${folder}/${content}/${name}`;
    return (await shelf.size(place)) === file.size ? { url, version: file, path: place, folder } : undefined;
  } catch {
    return undefined;
  }
}

function isSame(kept: UrlVersion, found: UrlVersion): boolean {
  try {
    checkSame("", kept, found);
    return true;
  } catch {
    return false;
  }
}

/** The same for an address that is signed anew. */
const keyOf = async (url: URL): Promise<string> => (await sha256(stableAddress(url))).slice(0, 32);

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
