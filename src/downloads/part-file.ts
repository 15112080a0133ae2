// A file on its way: where its bytes are put, and how much of each part has come.

/** Room for a file that is being fetched: a file on disk, or in a browser's own file system. */
export interface PartFile {
  write(offset: number, bytes: Uint8Array): Promise<void>;
}

/**
 * How far a download has come; kept beside the bytes, so that another process can go on. Part i is the bytes from
 * i · partBytes, and its first done[i] are there.
 */
export interface DownloadState {
  readonly size: number;
  /** Names the content: of another one, nothing that has come is of use. */
  readonly content: string;
  readonly partBytes: number;
  readonly done: number[];
}

const MOST_PARTS = 1 << 16;

export function newState(size: number, content: string, partBytes: number): DownloadState {
  const bytes = Math.max(partBytes, Math.ceil(size / MOST_PARTS));
  return { size, content, partBytes: bytes, done: new Array(Math.ceil(size / bytes)).fill(0) };
}

export function partEnd({ size, partBytes }: DownloadState, part: number): number {
  return Math.min(size, (part + 1) * partBytes);
}

export function doneBytes({ done }: DownloadState): number {
  return done.reduce((sum, bytes) => sum + bytes, 0);
}

/** How many bytes from the beginning are there. */
export function prefixBytes(state: DownloadState): number {
  const first = state.done.findIndex((bytes, i) => i * state.partBytes + bytes < partEnd(state, i));
  return first < 0 ? state.size : first * state.partBytes + state.done[first];
}

/** Counts the first `bytes` of the file as there, beside what is there already. */
export function addPrefix(state: DownloadState, bytes: number): void {
  for (let i = 0; i * state.partBytes < bytes; i++) {
    const own = Math.min(bytes, partEnd(state, i)) - i * state.partBytes;
    state.done[i] = Math.max(state.done[i], own);
  }
}

/** @returns undefined for anything that is not the state of this content */
export function stateOf(json: unknown, size: number, content: string): DownloadState | undefined {
  const { version, partBytes, done, ...stated } = Object(json) as Record<string, unknown>;
  if (version !== 1 || stated.size !== size || stated.content !== content) return undefined;
  if (!Number.isSafeInteger(partBytes) || (partBytes as number) < 1 || !Array.isArray(done)) return undefined;
  const state: DownloadState = { size, content, partBytes: partBytes as number, done };
  if (done.length !== Math.ceil(size / state.partBytes) || done.length > MOST_PARTS) return undefined;
  const fits = (bytes: unknown, i: number): boolean =>
    Number.isSafeInteger(bytes) &&
    (bytes as number) >= 0 &&
    (bytes as number) <= partEnd(state, i) - i * state.partBytes;
  return done.every(fits) ? state : undefined;
}

/** @param name  of what is fetched, for whoever finds the state */
export function jsonOfState(state: DownloadState, name: string): string {
  return JSON.stringify({ version: 1, name, ...state });
}
