// A file that is either whole, and what it should be, or not there under its name. Beside it lie what has come of it so
// far, and how far that is; another process, or the next one, goes on from there.
import { SourceError } from "../sources/source-error.ts";
import { CONNECTIONS, download, PART_BYTES } from "./download.ts";
import type { FetchReport } from "./fetch-report.ts";
import { type DownloadState, doneBytes, jsonOfState, newState, stateOf } from "./part-file.ts";
import type { Remote } from "./route.ts";
import type { ContentHash, OpenPart, Shelf } from "./shelf.ts";

/** Of no other program: huggingface_hub's own partial files may have holes. */
export const PART_SUFFIX = ".lfm2-part";
export const STATE_SUFFIX = ".lfm2-part.json";
const SAVE_MS = 2_000;

export interface DownloadLimits {
  readonly partBytes?: number;
  readonly connections?: number;
}

export interface FetchFileOptions extends DownloadLimits {
  readonly shelf: Shelf;
  /** Where it is to lie on the shelf. */
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
 * @throws SourceError when it cannot be had, or is not what it should be; NoRoomError; the signal's reason
 */
export async function fetchFile(remote: Remote, options: FetchFileOptions): Promise<void> {
  const { shelf, path, lockPath, signal, onWait } = options;
  try {
    await shelf.withLock(lockPath, { signal, onWait }, async () => {
      if ((await shelf.size(path)) === remote.size) return;
      await fetchAndCheck(remote, options);
    });
  } catch (error) {
    throw shelf.failure(path, error);
  }
}

async function fetchAndCheck(remote: Remote, options: FetchFileOptions): Promise<void> {
  const { shelf, path, content, hash, laterBytes = 0, signal, onProgress, partBytes = PART_BYTES } = options;
  const [part, statePath] = [path + PART_SUFFIX, path + STATE_SUFFIX];
  for (let isLast = false; ; isLast = true) {
    const known = await readState(shelf, statePath, part, remote.size, content);
    const state = known ?? newState(remote.size, content, partBytes);
    await shelf.checkRoom(path, remote.size - doneBytes(state) + laterBytes);
    const file = await shelf.openPart(part, remote.size, known === undefined);
    try {
      await fill(remote, file, state, statePath, options);
    } finally {
      await file.close();
    }
    const onBytes = onProgress && ((done: number) => onProgress({ phase: "check", done }));
    const found = hash && (await shelf.hash(part, remote.size, hash.kind, signal, onBytes));
    if (found === hash?.hex) break;
    await shelf.remove(statePath);
    await shelf.remove(part);
    if (!isLast) continue;
    const [expected, other] = [hash?.hex, found].map(
      (hex) => `${hash?.kind === "git" ? "git " : ""}hash ${hex?.slice(0, 12)}…`,
    );
    const remedy = "It came damaged twice, and was removed. Try another network or mirror.";
    throw new SourceError({ subject: remote.name, expected, found: other, remedy });
  }
  await moveWhole(shelf, part, path, remote.size);
  await shelf.remove(statePath);
}

async function moveWhole(shelf: Shelf, part: string, path: string, size: number): Promise<void> {
  try {
    await shelf.move(part, path);
  } catch (error) {
    // While this machine slept, another process may have taken the lock over, and moved the same file there.
    if ((await shelf.size(path)) !== size) throw error;
  }
}

async function fill(
  remote: Remote,
  file: OpenPart,
  state: DownloadState,
  statePath: string,
  { shelf, signal, onProgress, connections = CONNECTIONS }: FetchFileOptions,
): Promise<void> {
  // What the state says to be there has to be there after a power cut, too.
  const save = async (): Promise<void> => {
    const json = jsonOfState(state, remote.name);
    await file.flush();
    await shelf.putText(statePath, json);
  };
  await download(remote, file, state, {
    signal,
    connections,
    save,
    saveMs: SAVE_MS,
    onProgress: onProgress && ((done) => onProgress({ phase: "fetch", done })),
  });
}

async function readState(
  shelf: Shelf,
  statePath: string,
  part: string,
  size: number,
  content: string,
): Promise<DownloadState | undefined> {
  try {
    const state = stateOf(JSON.parse((await shelf.text(statePath)) ?? ""), size, content);
    return (await shelf.size(part)) === undefined ? undefined : state;
  } catch {
    return undefined;
  }
}
