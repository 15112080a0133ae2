// A file on disk that is either whole, and what it should be, or not there under its name. Beside it lie what has come of
// it so far, and how far that is; another process, or the next one, goes on from there.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, readFile, rename, rm, stat, statfs, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { formatBytes } from "../quantities.ts";
import { SourceError } from "../sources/source-error.ts";
import { CONNECTIONS, download, PART_BYTES } from "./download.ts";
import type { FetchReport } from "./fetch-report.ts";
import { withLock } from "./node-lock.ts";
import { type DownloadState, doneBytes, jsonOfState, newState, stateOf } from "./part-file.ts";
import type { Remote } from "./route.ts";

/** Of no other program: huggingface_hub's own partial files may have holes. */
export const PART_SUFFIX = ".lfm2-part";
export const STATE_SUFFIX = ".lfm2-part.json";
const SAVE_MS = 2_000;
const HASHED_PIECE_BYTES = 1 << 20;

export interface ContentHash {
  /** `git`: SHA-1 of the content as a git blob. */
  readonly kind: "sha256" | "git";
  readonly hex: string;
}

export interface DownloadLimits {
  readonly partBytes?: number;
  readonly connections?: number;
}

export interface FetchFileOptions extends DownloadLimits {
  /** Where it is to lie. */
  readonly path: string;
  readonly lockPath: string;
  /** Names the content, for going on; see DownloadState. */
  readonly content: string;
  /** Where it is known. */
  readonly hash?: ContentHash;
  /** Bytes that will be fetched after this file, for which there has to be room, too. */
  readonly laterBytes?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (report: FetchReport) => void;
  /** Called once, when another process is fetching it. */
  readonly onWait?: () => void;
}

/**
 * Fetches `remote` to `path`, unless it is there.
 * @throws SourceError when it cannot be had, is not what it should be, or has no room; the signal's reason
 */
export async function fetchFile(remote: Remote, options: FetchFileOptions): Promise<void> {
  const { path, lockPath, signal, onWait } = options;
  try {
    await mkdir(dirname(path), { recursive: true });
    await withLock(lockPath, { signal, onWait }, async () => {
      if ((await sizeOf(path)) === remote.size) return;
      await fetchAndCheck(remote, options);
    });
  } catch (error) {
    throw aboutDisk(path, error);
  }
}

async function fetchAndCheck(remote: Remote, options: FetchFileOptions): Promise<void> {
  const { path, content, hash, laterBytes = 0, signal, onProgress, partBytes = PART_BYTES } = options;
  const [part, statePath] = [path + PART_SUFFIX, path + STATE_SUFFIX];
  for (let isLast = false; ; isLast = true) {
    const known = await readState(statePath, part, remote.size, content);
    const state = known ?? newState(remote.size, content, partBytes);
    await checkRoom(path, remote.size - doneBytes(state) + laterBytes);
    const file = await open(part, known === undefined ? "w+" : "r+");
    try {
      await fill(remote, file, state, statePath, options);
    } finally {
      await file.close();
    }
    const found = hash && (await hashOf(part, remote.size, hash.kind, signal, onProgress));
    if (found === hash?.hex) break;
    await rm(statePath, { force: true });
    await rm(part, { force: true });
    if (!isLast) continue;
    const [expected, other] = [hash?.hex, found].map(
      (hex) => `${hash?.kind === "git" ? "git " : ""}hash ${hex?.slice(0, 12)}…`,
    );
    const remedy = "It came damaged twice, and was removed. Try another network or mirror.";
    throw new SourceError({ subject: remote.name, expected, found: other, remedy });
  }
  await rename(part, path);
  await rm(statePath, { force: true });
}

async function fill(
  remote: Remote,
  file: FileHandle,
  state: DownloadState,
  statePath: string,
  { signal, onProgress, connections = CONNECTIONS }: FetchFileOptions,
): Promise<void> {
  const write = async (offset: number, bytes: Uint8Array): Promise<void> => {
    for (let at = 0; at < bytes.length; ) {
      at += (await file.write(bytes, at, bytes.length - at, offset + at)).bytesWritten;
    }
  };
  // What the state says to be there has to be there after a power cut, too.
  const save = async (): Promise<void> => {
    const json = jsonOfState(state);
    await file.datasync();
    await writeFile(`${statePath}.new`, json);
    await rename(`${statePath}.new`, statePath);
  };
  await download(remote, { write }, state, {
    signal,
    connections,
    save,
    saveMs: SAVE_MS,
    onProgress: onProgress && ((done) => onProgress({ phase: "fetch", done })),
  });
}

async function readState(
  statePath: string,
  part: string,
  size: number,
  content: string,
): Promise<DownloadState | undefined> {
  try {
    const state = stateOf(JSON.parse(await readFile(statePath, "utf8")), size, content);
    return (await sizeOf(part)) === undefined ? undefined : state;
  } catch {
    return undefined;
  }
}

/** @throws SourceError before the first byte is asked for */
async function checkRoom(path: string, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(path));
  const free = bavail * bsize;
  if (needed <= free) return;
  throw new SourceError({
    subject: dirname(path),
    expected: `${formatBytes(needed)} free on disk`,
    found: formatBytes(free),
    remedy: "Delete models that are not needed with lfm2 cache rm, or set HF_HUB_CACHE to a folder on another disk.",
  });
}

/** Hexadecimal. */
export async function hashOf(
  path: string,
  size: number,
  kind: ContentHash["kind"],
  signal?: AbortSignal,
  onProgress?: (report: FetchReport) => void,
): Promise<string> {
  const hash = createHash(kind === "git" ? "sha1" : "sha256");
  if (kind === "git") hash.update(`blob ${size}\0`);
  let done = 0;
  for await (const piece of createReadStream(path, { highWaterMark: HASHED_PIECE_BYTES })) {
    signal?.throwIfAborted();
    hash.update(piece as Buffer);
    done += (piece as Buffer).length;
    onProgress?.({ phase: "check", done });
  }
  return hash.digest("hex");
}

/** @returns undefined where there is no such file */
export async function sizeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? found.size : undefined;
}

function aboutDisk(path: string, error: unknown): unknown {
  const { code, syscall } = (error instanceof Error ? error : {}) as NodeJS.ErrnoException;
  if (typeof code !== "string" || typeof syscall !== "string" || error instanceof SourceError) return error;
  const remedy =
    code === "ENOSPC"
      ? "The disk is full; make room, and open it again: what has come is kept."
      : "Check its permissions, or set HF_HUB_CACHE to a folder that can be written.";
  return new SourceError({ subject: path, expected: "a place to write", found: code, remedy }, { cause: error });
}
