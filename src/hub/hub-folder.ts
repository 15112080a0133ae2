// A repository at one commit as a folder, whose files are fetched when they are first opened, and then kept.
import { NoRoomError } from "../downloads/no-room.ts";
import { notKept } from "../downloads/not-kept.ts";
import type { Remote } from "../downloads/route.ts";
import type { ByteSource, Folder } from "../sources/source.ts";
import { SourceError } from "../sources/source-error.ts";
import { openUrl } from "../sources/url.ts";
import { type Hub, hasToken, pageOf, resolveUrl } from "./hub-api.ts";
import type { HubCache } from "./hub-cache.ts";
import { hubFailure, saidBy } from "./hub-failure.ts";
import { contentHash, type Tree, type TreeFile } from "./tree.ts";

/** How files of a model are had. */
export interface HubAccess {
  readonly hub: Hub;
  readonly cache: HubCache;
  /** Nothing is asked of any server. */
  readonly offline: boolean;
  /** `ranges`: of weights that are not kept yet, only as much as is read, for those who read little. */
  readonly reads: "whole" | "ranges";
  readonly signal?: AbortSignal;
  readonly onProgress?: (report: ModelReport) => void;
  /** Given, a file for which there is no room is read by ranges, and this is told of it. */
  readonly onNoRoom?: (error: NoRoomError) => void;
}

export interface ModelReport {
  /** `wait`: for another process that fetches a file. `fetch` counts bytes of the model, `check` of a file that is hashed. */
  readonly phase: "wait" | "fetch" | "check";
  readonly done: number;
  readonly total: number;
}

export interface Snapshot {
  readonly repo: string;
  readonly commit: string;
  /** Undefined where it is not known, because nothing may be asked. */
  readonly tree: Tree | undefined;
  /** Of what will be read of it. */
  readonly files: readonly string[];
}

/** Whoever reads little of a model still reads the rest whole: its config, its tokenizer. */
const WEIGHTS = /\.(?:gguf|safetensors)$/i;

/** @param subfolder  of the repository; "" for all of it */
export function hubFolder(snapshot: Snapshot, access: HubAccess, subfolder: string = ""): Folder {
  const unknown: string[] = [];
  let fetched = 0;

  async function open(
    path: string,
    mostBytes: number | undefined,
    outer?: AbortSignal,
  ): Promise<ByteSource | undefined> {
    const { repo, commit, tree } = snapshot;
    const { hub, cache, offline, reads } = access;
    const signal = outer ?? access.signal;
    signal?.throwIfAborted();
    const file = tree?.get(path);
    if (tree !== undefined && file === undefined) {
      if (!offline) await cache.keepAbsent(repo, commit, path);
      return undefined;
    }
    const kept = await cache.open(repo, commit, path, file?.size);
    if (kept !== undefined) return kept;
    if (file === undefined) {
      unknown.push(path);
      return undefined;
    }
    if (offline) throw notKept(`hf:${repo}/${path}`, cache.name);
    const isLittleRead = !cache.isKeeping || (reads === "ranges" && WEIGHTS.test(path));
    const byRanges = () => openUrl(resolveUrl(hub, repo, commit, path).href, hub.network, signal);
    if (isLittleRead || file.size > (mostBytes ?? Number.POSITIVE_INFINITY)) return byRanges();
    const missing = await missingBytes(path);
    const total = fetched + file.size + missing;
    const fetching = cache.fetch(repo, commit, path, file, {
      remote: remoteOf(hub, snapshot, path, file),
      laterBytes: missing,
      signal,
      onProgress({ phase, done }) {
        if (phase === "fetch") access.onProgress?.({ phase, done: fetched + done, total });
        else access.onProgress?.({ phase, done, total: file.size });
      },
      onWait: () => access.onProgress?.({ phase: "wait", done: 0, total: file.size }),
    });
    try {
      await fetching;
    } catch (error) {
      if (!(error instanceof NoRoomError) || access.onNoRoom === undefined) throw error;
      access.onNoRoom(error);
      return byRanges();
    }
    fetched += file.size;
    return cache.open(repo, commit, path, file.size);
  }

  /** Of what else will be read. */
  async function missingBytes(path: string): Promise<number> {
    const { repo, commit, tree, files } = snapshot;
    let bytes = 0;
    for (const other of files) {
      const file = other === path ? undefined : tree?.get(other);
      const kept = file && (await access.cache.open(repo, commit, other, file.size));
      if (kept === undefined) bytes += file?.size ?? 0;
      else await kept.close();
    }
    return bytes;
  }

  const folderAt = (place: string): Folder => {
    const within = place === "" ? "" : `${place}/`;
    return {
      name: `hf:${snapshot.repo}${within === "" ? "" : `/${place}`}`,
      open: (fileName, signal, mostBytes) => open(within + fileName, mostBytes, signal),
      async list() {
        const { repo, commit, tree } = snapshot;
        const paths = tree === undefined ? await access.cache.paths(repo, commit) : [...tree.keys()];
        const inside = paths.filter((path) => path.startsWith(within)).map((path) => path.slice(within.length));
        return inside.filter((path) => !path.includes("/"));
      },
      warnings() {
        if (unknown.length === 0) return [];
        const names = unknown.join(", ");
        return [
          `hf:${snapshot.repo}: not in the cache, and taken for files that the repository does not have: ${names}.`,
        ];
      },
      async subfolder(name) {
        const { repo, commit, tree } = snapshot;
        const paths = tree === undefined ? await access.cache.paths(repo, commit) : [...tree.keys()];
        const inner = within + name;
        return paths.some((path) => path.startsWith(`${inner}/`)) ? folderAt(inner) : undefined;
      },
    };
  };
  return folderAt(subfolder);
}

function remoteOf(hub: Hub, { repo, commit }: Snapshot, path: string, file: TreeFile): Remote {
  const name = `hf:${repo}/${path}`;
  const { hex } = contentHash(file);
  const origin = new URL(hub.endpoint).origin;
  const another = (what: string, expected: string | number, found: string): SourceError =>
    new SourceError({
      subject: `${name}: ${what}`,
      expected: String(expected),
      found,
      remedy: "The hub lists one file and sends another; try again later, or name a commit with @.",
    });
  return {
    name,
    url: resolveUrl(hub, repo, commit, path),
    size: file.size,
    network: hub.network,
    refused({ isElsewhere, ...answer }) {
      if (!isElsewhere) return hubFailure(answer, { subject: name, page: pageOf(hub, repo), hasToken: hasToken(hub) });
      const said = saidBy(answer.body);
      const found = `HTTP ${answer.status}${said === "" ? "" : `: ${said}`}`;
      const remedy = "The hub's store refuses it; try again later.";
      return new SourceError({ subject: name, expected: "the file", found, remedy });
    },
    // The first answer on the way speaks of what it leads to. Pages do not see it.
    redirected({ headers }, from) {
      if (from.origin !== origin) return;
      const size = headers.get("x-linked-size");
      if (size !== null && Number(size) !== file.size) throw another("size", file.size, size);
      const etag = headers.get("x-linked-etag")?.replace(/^W\//, "").replaceAll('"', "");
      if (etag !== undefined && etag !== hex) throw another("hash", hex, etag.slice(0, 80));
    },
    // A network that asks people to sign in answers with its own page.
    check({ headers }) {
      const isPage = /^text\/html\b/i.test(headers.get("content-type") ?? "");
      if (!isPage || /\.html?$/i.test(path)) return;
      const remedy = "Check HF_ENDPOINT, and whether this network wants you to sign in.";
      throw new SourceError({ subject: name, expected: "the file", found: "a web page", remedy });
    },
  };
}
