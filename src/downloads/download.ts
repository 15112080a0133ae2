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
import { gather } from "./gather.ts";
import { addPrefix, type DownloadState, doneBytes, type PartFile, partEnd, prefixBytes } from "./part-file.ts";
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

/**
 * Where one connection alone brings so much per second, it is this machine that bounds it, and more than two take time from
 * each other: Chromium has 0.76 GB/s of a server on the same machine over two, 0.44 over six.
 */
const FAST_BYTES = 400e6;
const FAST_CONNECTIONS = 2;
/** For so long the first is watched. */
const WATCHED_MS = 100;

/** All of the file has come in place of a range, and not to its end. */
class BrokenWhole extends Error {}

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
  let saving: Promise<void> | undefined;
  let later: ReturnType<typeof setTimeout> | undefined;
  const saveNow = (): void => {
    clearTimeout(later);
    later = undefined;
    saving = save().finally(() => {
      saving = undefined;
    });
    saving.catch(abort);
  };
  // Not for each part: a browser's thread stands still while its file is flushed.
  const came = (): void => {
    onProgress?.(doneBytes(state));
    if (saving === undefined) later ??= setTimeout(saveNow, saveMs);
  };
  const fetching = { remote, route, file, state, signal, came };
  try {
    await inParts(fetching, options.connections).catch((error: unknown) => {
      if (!(error instanceof BrokenWhole)) throw error;
      return asWhole(fetching);
    });
  } finally {
    release();
    clearTimeout(later);
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
  came(): void;
}

async function inParts(fetching: Fetching, connections: number): Promise<void> {
  const { state } = fetching;
  const left = [...state.done.keys()].filter(
    (part) => part * state.partBytes + state.done[part] < partEnd(state, part),
  );
  if (left.length === 0) return;
  // The first answer shows whether the server knows ranges, before more are asked for.
  let isRanged: () => void = () => {};
  const ranged = new Promise<void>((resolve) => {
    isRanged = resolve;
  });
  const signals = Array.from({ length: Math.min(connections, left.length) }, () => joinSignals(fetching.signal));
  let taker: number | undefined;
  const work = async (worker: number): Promise<void> => {
    const takeOver = (): void => {
      taker ??= worker;
      for (const [other, { abort }] of signals.entries()) if (other !== taker) abort(new BrokenWhole());
    };
    const own = { ...fetching, signal: signals[worker].signal };
    for (let part = left.shift(); part !== undefined; part = left.shift()) {
      await onePart(own, part, isRanged, takeOver);
    }
  };
  const all = [work(0)];
  try {
    await Promise.race([ranged, ...all]);
    const wanted = await connectionsFor(fetching, signals.length, all);
    if (taker === undefined) for (let worker = 1; worker < wanted; worker++) all.push(work(worker));
    await Promise.all(all);
  } catch (error) {
    if (taker === undefined) for (const { abort } of signals) abort(error);
    await Promise.allSettled(all);
    if (taker === undefined) throw error;
    await all[taker];
  } finally {
    for (const { release } of signals) release();
  }
}

/** How many connections are worth having, by what comes over the first until `ended`, or for a while. */
async function connectionsFor(
  { state, signal }: Fetching,
  most: number,
  ended: readonly Promise<void>[],
): Promise<number> {
  if (most <= FAST_CONNECTIONS) return most;
  const [begin, before] = [performance.now(), doneBytes(state)];
  await Promise.race([wait(WATCHED_MS, signal), ...ended]);
  const speed = ((doneBytes(state) - before) / (performance.now() - begin)) * 1000;
  return speed > FAST_BYTES ? FAST_CONNECTIONS : most;
}

/** @param takeOver  called where all of the file comes in place of the part, and nothing else is needed */
async function onePart(fetching: Fetching, part: number, isRanged: () => void, takeOver: () => void): Promise<void> {
  const { remote, route, state, signal } = fetching;
  const end = partEnd(state, part);
  const at = (): number => part * state.partBytes + state.done[part];
  const attempt = async (): Promise<void> => {
    while (at() < end) {
      const offset = at();
      await route.ask({ offset, length: end - offset }, signal, async (response, chunks) => {
        if (response.status === 200) {
          takeOver();
          await takeWhole(fetching, response, chunks).catch((cause: unknown) => {
            throw cause instanceof PassingError ? new BrokenWhole("", { cause }) : cause;
          });
          return;
        }
        const stated = rangeOf(remote, response, offset, end - offset);
        isRanged();
        await takeIn(fetching, chunks, { offset, stated, end: Math.min(stated, end) }, (position) => {
          // By position: all of the file may have come in the meantime, in place of another part.
          state.done[part] = Math.max(state.done[part], position - part * state.partBytes);
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
  onWritten: (position: number) => void,
): Promise<void> {
  let at = offset;
  const gathering = gather(file, offset, (position) => {
    onWritten(position);
    came();
  });
  try {
    for await (const chunk of chunks) {
      if (at + chunk.length > stated) throw passing(tooLong(remote.name, stated - offset));
      const wanted = chunk.subarray(0, end - at);
      await gathering.add(wanted);
      at += wanted.length;
      if (at === end && end < stated) return;
    }
  } finally {
    await gathering.flush();
  }
  if (at < end) throw tooShort(remote.name, end - offset, at - offset);
}

/** For servers that answer with all of the file. */
async function asWhole(fetching: Fetching): Promise<void> {
  const { route, state, signal } = fetching;
  const attempt = (): Promise<void> =>
    route.ask(undefined, signal, (response, chunks) => takeWhole(fetching, response, chunks));
  await persistently(
    attempt,
    persistence(fetching, () => prefixBytes(state)),
  );
}

/** From its beginning; what is there already is not written again. */
async function takeWhole(fetching: Fetching, response: Response, chunks: Chunks): Promise<void> {
  const { remote, file, state, came } = fetching;
  const { name, size } = remote;
  checkWhole(remote, response);
  let at = 0;
  for await (const chunk of chunks) {
    if (at + chunk.length > size) throw passing(tooLong(name, size));
    const known = prefixBytes(state);
    if (at + chunk.length > known) {
      await file.write(at, chunk);
      addPrefix(state, at + chunk.length);
      came();
    }
    at += chunk.length;
  }
  if (at < size) throw tooShort(name, size, at);
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
