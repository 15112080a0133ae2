// How often a server is asked for the same bytes, and how long to wait for it.
import { SourceError } from "./source-error.ts";

export interface Patience {
  /** For the same bytes, the first included. */
  readonly tries: number;
  /** Before the second try; doubled before each further one, give or take a quarter. */
  readonly retryMs: number;
  /** A server that asks to be left alone for longer is not asked again. */
  readonly longestWaitMs: number;
  /** Time in which an answer must begin, and then bring each further PROGRESS_BYTES, or the rest. */
  readonly stallMs: number;
}

export const defaultPatience: Patience = { tries: 4, retryMs: 500, longestWaitMs: 60_000, stallMs: 30_000 };

export function patienceWith(stallMs: number = defaultPatience.stallMs): Patience {
  return { ...defaultPatience, stallMs };
}

/** Less than this is not progress: with one byte now and then, opening would take years. */
export const PROGRESS_BYTES = 1 << 16;

export interface Failure {
  readonly subject: string;
  readonly expected: string;
  readonly found: string;
  readonly remedy: string;
  /** How long the server asks to be left alone. */
  readonly waitMs?: number;
  readonly cause?: unknown;
}

/** A failure that another try may get over. It leaves `persistently` as a SourceError. */
export class PassingError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.found, { cause: failure.cause });
    this.failure = failure;
  }
}

/** Servers could not be reached, or went on failing: what is kept of them may do instead. */
export class UnreachableError extends SourceError {}

/** @param why  why there is no further try */
function finalError({ subject, expected, found, remedy, cause }: Failure, why: string): UnreachableError {
  return new UnreachableError({ subject, expected, found: `${found}${why}`, remedy }, { cause });
}

export type Wait = (ms: number, signal: AbortSignal | undefined) => Promise<void>;

export interface PersistentOptions {
  readonly patience: Patience;
  readonly wait: Wait;
  readonly signal: AbortSignal | undefined;
  /** Bytes that all tries so far have brought. Tries that bring many do not count against the limit. */
  readonly progress?: () => number;
}

/**
 * Calls `attempt` until it does not throw a PassingError, with waits in between.
 * @throws SourceError when the tries are used up, or the server asks for too long a wait; the signal's reason
 */
export async function persistently<T>(attempt: () => Promise<T>, options: PersistentOptions): Promise<T> {
  const { patience, wait, signal, progress = () => 0 } = options;
  for (let failures = 0; ; ) {
    const before = progress();
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof PassingError)) throw error;
      failures = progress() - before >= PROGRESS_BYTES ? 1 : failures + 1;
      const { waitMs = 0 } = error.failure;
      if (waitMs > patience.longestWaitMs) {
        throw finalError(error.failure, `, asking to be tried again in ${Math.ceil(waitMs / 1000)} s`);
      }
      if (failures >= patience.tries) throw finalError(error.failure, ` in each of ${failures} tries`);
      await wait(Math.max(waitMs, backoff(failures, patience.retryMs)), signal);
    }
  }
}

/** Milliseconds before the next try. They are random, so that clients that failed together do not come back together. */
export function backoff(failures: number, retryMs: number, chance: number = Math.random()): number {
  return retryMs * 2 ** (failures - 1) * (0.75 + chance / 2);
}

export const wait: Wait = (ms, signal) =>
  new Promise((resolve, reject) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(done, ms);
    if (signal?.aborted) done();
    else signal?.addEventListener("abort", done);
  });

/** What a Response begins with. */
interface AnswerHead {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
}

/**
 * How long an answer asks its client to wait: Retry-After, in seconds or as a date, or else the seconds until a
 * RateLimit that is used up is renewed, which is what the Hugging Face Hub sends.
 * @source RFC 9110, 10.2.3; draft-ietf-httpapi-ratelimit-headers
 */
export function requestedWaitMs({ status, headers }: AnswerHead, now: number): number {
  const after = headers.get("retry-after")?.trim();
  if (after !== undefined) {
    const ms = /^\d+$/.test(after) ? Number(after) * 1000 : Date.parse(after) - now;
    return ms > 0 ? ms : 0;
  }
  // Answers of any status may state the limit.
  if (status !== 429) return 0;
  const [, reset] = /;\s*t=(\d+)/.exec(headers.get("ratelimit") ?? "") ?? [];
  // Whole seconds, rounded down.
  return reset === undefined ? 0 : (Number(reset) + 1) * 1000;
}
