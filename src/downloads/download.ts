// Downloads a file in parts, several at a time; what has come stays, whatever happens to the rest.
import { contentRange } from "../sources/content-range.ts";
import { type Chunks, tooLong, tooShort } from "../sources/exchange.ts";
import { joinSignals } from "../sources/joined-signal.ts";
import {
  defaultPatience,
  PassingError,
  type PersistentOptions,
  PROGRESS_BYTES,
  persistently,
  wait,
} from "../sources/patience.ts";
import { SourceError } from "../sources/source-error.ts";
import { type DownloadState, doneBytes, type PartFile, partEnd, prefixBytes, setPrefix } from "./part-file.ts";
import { createRoute, type Remote, type Route } from "./route.ts";

export const PART_BYTES = 32 << 20;
/** Of one file. More are of little use, and servers count connections. */
export const CONNECTIONS = 6;

export interface DownloadOptions {
  readonly signal?: AbortSignal;
  readonly connections: number;
  /** Told how many bytes of the file are there. */
  readonly onProgress?: (done: number) => void;
  /** Keeps `state` where another process finds it. Called now and then, and at the end, also of a failed download. */
  readonly save: () => Promise<void>;
  readonly saveMs: number;
}

/** A server that answers a request for a range with all of the file. */
class WholeAnswer extends Error {}

/**
 * Fetches what `state` lacks into `file`.
 * @throws SourceError when bytes cannot be had, or are of other content; the signal's reason. `state` stays true
 */
export async function download(
  remote: Remote,
  file: PartFile,
  state: DownloadState,
  options: DownloadOptions,
): Promise<void> {
  const { signal: outer, onProgress, save, saveMs } = options;
  const route = createRoute(remote);
  const { signal, abort, release } = joinSignals(outer);
  let saved = Date.now();
  let saving: Promise<void> | undefined;
  const came = (isPartWhole: boolean): void => {
    onProgress?.(doneBytes(state));
    if (saving !== undefined || (!isPartWhole && Date.now() - saved < saveMs)) return;
    saving = save().finally(() => {
      saved = Date.now();
      saving = undefined;
    });
    saving.catch(abort);
  };
  const fetching = { remote, route, file, state, signal, came };
  try {
    await inParts(fetching, options.connections).catch((error: unknown) => {
      if (!(error instanceof WholeAnswer)) throw error;
      return asWhole(fetching);
    });
  } finally {
    release();
    await saving?.catch(() => {});
    await save();
  }
}

interface Fetching {
  readonly remote: Remote;
  readonly route: Route;
  readonly file: PartFile;
  readonly state: DownloadState;
  readonly signal: AbortSignal;
  /** Called after each piece that has been written. */
  came(isPartWhole: boolean): void;
}

async function inParts(fetching: Fetching, connections: number): Promise<void> {
  const { state } = fetching;
  const inner = joinSignals(fetching.signal);
  const left = [...state.done.keys()].filter(
    (part) => part * state.partBytes + state.done[part] < partEnd(state, part),
  );
  // The first answer shows whether the server knows ranges, before more are asked for.
  let isRanged: () => void = () => {};
  const ranged = new Promise<void>((resolve) => {
    isRanged = resolve;
  });
  const work = async (): Promise<void> => {
    for (let part = left.shift(); part !== undefined; part = left.shift()) {
      await onePart({ ...fetching, signal: inner.signal }, part, isRanged);
    }
  };
  const first = work();
  await Promise.race([ranged, first.catch(() => {})]);
  const others = Array.from({ length: Math.min(connections - 1, left.length) }, work);
  const all = [first, ...others];
  try {
    await Promise.all(all);
  } catch (error) {
    inner.abort(error);
    await Promise.allSettled(all);
    throw error;
  } finally {
    inner.release();
  }
}

async function onePart(fetching: Fetching, part: number, isRanged: () => void): Promise<void> {
  const { remote, route, state, signal } = fetching;
  const end = partEnd(state, part);
  const at = (): number => part * state.partBytes + state.done[part];
  const attempt = async (): Promise<void> => {
    while (at() < end) {
      const offset = at();
      await route.ask({ offset, length: end - offset }, signal, async (response, chunks) => {
        if (response.status === 200) throw new WholeAnswer();
        const stated = rangeOf(remote, response, offset, end - offset);
        isRanged();
        await takeIn(fetching, chunks, { offset, stated, end: Math.min(stated, end) }, (bytes) => {
          state.done[part] += bytes;
        });
      });
      if (at() < end && at() - offset < PROGRESS_BYTES) throw tooShort(remote.name, end, at());
    }
  };
  await persistently(
    attempt,
    persistence(fetching, () => state.done[part]),
  );
}

/** @returns where the answer ends. A wrong one may be a cache's fault, which another try gets over. */
function rangeOf({ name, size }: Remote, response: Response, offset: number, length: number): number {
  let found: { readonly end: number; readonly size: number };
  try {
    found = contentRange(name, response, offset, length);
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    throw new PassingError({ ...error, cause: error });
  }
  if (found.size === size) return found.end;
  const expected = `a file of ${size} bytes`;
  throw new PassingError({ subject: name, expected, found: `one of ${found.size}`, remedy: "Open it again." });
}

/** Writes what comes up to `end`; the answer may say that it goes on until `stated`. */
async function takeIn(
  { remote, file, came }: Fetching,
  chunks: Chunks,
  { offset, stated, end }: { readonly offset: number; readonly stated: number; readonly end: number },
  onBytes: (bytes: number) => void,
): Promise<void> {
  let at = offset;
  for await (const chunk of chunks) {
    if (at + chunk.length > stated) throw passing(tooLong(remote.name, stated - offset));
    const wanted = chunk.subarray(0, end - at);
    await file.write(at, wanted);
    at += wanted.length;
    onBytes(wanted.length);
    came(at === end);
    if (at === end && end < stated) return;
  }
  if (at < end) throw tooShort(remote.name, end - offset, at - offset);
}

/** In one answer from the beginning; what is there already is not written again. */
async function asWhole(fetching: Fetching): Promise<void> {
  const { remote, route, file, state, signal, came } = fetching;
  const { name, size } = remote;
  setPrefix(state, prefixBytes(state));
  const attempt = (): Promise<void> =>
    route.ask(undefined, signal, async (response, chunks) => {
      checkWhole(remote, response);
      let at = 0;
      for await (const chunk of chunks) {
        if (at + chunk.length > size) throw passing(tooLong(name, size));
        const known = prefixBytes(state);
        const wanted = chunk.subarray(Math.max(0, known - at));
        if (wanted.length > 0) {
          await file.write(at + chunk.length - wanted.length, wanted);
          setPrefix(state, at + chunk.length);
          came(false);
        }
        at += chunk.length;
      }
      if (at < size) throw tooShort(name, size, at);
    });
  await persistently(
    attempt,
    persistence(fetching, () => prefixBytes(state)),
  );
}

function checkWhole({ name, size }: Remote, { status, headers }: Response): void {
  const encoding = headers.get("content-encoding");
  const stated = headers.get("content-length");
  // Of an encoded body, it counts the encoded bytes.
  const isOther = stated !== null && (encoding === null || encoding === "identity") && Number(stated) !== size;
  if (status === 200 && !isOther) return;
  const found = status === 200 ? `${stated} bytes` : `HTTP ${status}`;
  throw new PassingError({ subject: name, expected: `all ${size} bytes`, found, remedy: "Try again later." });
}

const passing = (error: SourceError): PassingError => new PassingError({ ...error, cause: error });

function persistence({ remote, signal }: Fetching, progress: () => number): PersistentOptions {
  const { patience = defaultPatience, wait: waits = wait } = remote.network;
  return { patience, wait: waits, signal, progress };
}
