// One request for a file, or a range of it, and its answer: redirects, time limits, and which failures may pass.
import { readerOf } from "./chunk-reader.ts";
import { joinSignals } from "./joined-signal.ts";
import { PassingError, PROGRESS_BYTES, requestedWaitMs } from "./patience.ts";
import { SourceError } from "./source-error.ts";

/** What the fetch standard allows. */
const MAX_REDIRECTS = 20;
const REDIRECTS = [301, 302, 303, 307, 308];

/** Long enough for what is in a socket's buffer to be read. */
const HEARING_MS = 20;

/** Learned from the first redirect: pages cannot see where one leads, and have to let fetch follow it. */
let redirectsAreHidden = false;

export interface Exchange {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Left out for the whole file. */
  readonly range?: Range;
  readonly stallMs: number;
  readonly signal: AbortSignal | undefined;
  /** Told of each redirect, unless fetch follows them by itself, as in pages. */
  readonly onRedirect?: (answer: Response, from: URL, to: URL) => void;
}

export interface Range {
  readonly offset: number;
  /** At least 1. */
  readonly length: number;
}

/** Of a body, in order. A chunk may be overwritten when the next one is asked for. */
export type Chunks = AsyncGenerator<Uint8Array<ArrayBuffer>, void>;

/** For messages: a query may hold a signature or a token. */
export function nameOf(url: URL): string {
  return url.origin + url.pathname;
}

/**
 * What `use` makes of the answer; what it leaves of the body is not fetched.
 * @throws PassingError when a further try may help: no answer, a stall, status 408, 429 or 5xx
 */
export async function exchange<T>(
  request: Exchange,
  use: (response: Response, chunks: Chunks) => Promise<T>,
): Promise<T> {
  const { stallMs, signal } = request;
  const name = nameOf(request.url);
  const watch = createWatch(stallMs, signal);
  const failed = (cause: unknown): never => {
    signal?.throwIfAborted();
    if (cause instanceof SourceError) throw cause;
    const found = watch.stalled();
    if (found !== undefined) {
      const expected = `an answer, and ${PROGRESS_BYTES / 1024} KiB of it or the rest in each ${stallMs / 1000} s`;
      const remedy = "Try again later, or allow more time.";
      throw new PassingError({ subject: name, expected, found, remedy, cause });
    }
    throw unreachable(name, cause);
  };
  try {
    const response = await followed(request, watch.signal).catch(failed);
    watch.begun();
    if (isPassing(response.status)) {
      throw new PassingError({
        subject: name,
        expected: request.range === undefined ? "HTTP 200" : "HTTP 206",
        found: `HTTP ${response.status}`,
        remedy: "Try again later.",
        waitMs: requestedWaitMs(response, Date.now()),
      });
    }
    return await use(response, chunksOf(response, watch.bytes, failed));
  } finally {
    // Whatever is left of the body is not waited for.
    watch.end();
  }
}

function isPassing(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

/**
 * Follows redirects itself, where it can see them: fetch would send all headers but Authorization and cookies on to
 * whichever server a redirect names.
 */
async function followed({ url, headers, range, onRedirect }: Exchange, signal: AbortSignal): Promise<Response> {
  const ranged = range && { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` };
  let target = url;
  let sent = headers;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const redirect = redirectsAreHidden ? "follow" : "manual";
    const response = await fetch(target, { headers: { ...sent, ...ranged }, redirect, signal });
    if (response.type === "opaqueredirect") {
      redirectsAreHidden = true;
      continue;
    }
    const location = response.headers.get("location");
    if (!REDIRECTS.includes(response.status) || location === null) return response;
    await response.body?.cancel();
    const next = redirectTarget(nameOf(url), location, target);
    onRedirect?.(response, target, next);
    if (next.origin !== target.origin) sent = {};
    target = next;
  }
  throw new SourceError({
    subject: nameOf(url),
    expected: "a file",
    found: `over ${MAX_REDIRECTS} redirects`,
    remedy: "Check the address.",
  });
}

function redirectTarget(name: string, location: string, from: URL): URL {
  const target = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (target?.protocol === "http:" || target?.protocol === "https:") return target;
  throw new SourceError({
    subject: name,
    expected: "a redirect to http: or https:",
    found: target?.protocol ?? "no address",
    remedy: "Check the address.",
  });
}

async function* chunksOf(response: Response, onBytes: (count: number) => void, failed: (cause: unknown) => never) {
  const reader = response.body && readerOf(response.body);
  try {
    for (;;) {
      const result = await reader?.read().catch(failed);
      if (!result?.value || result.done) return;
      onBytes(result.value.length);
      yield result.value;
      reader?.used(result.value);
    }
  } finally {
    await reader?.cancel().catch(() => {});
  }
}

interface Watch {
  /** Aborted when the caller's signal is, or when there is no progress. */
  readonly signal: AbortSignal;
  begun(): void;
  bytes(count: number): void;
  /** What came during a time that was too long; undefined as long as it was not. */
  stalled(): string | undefined;
  end(): void;
}

function createWatch(stallMs: number, outer: AbortSignal | undefined): Watch {
  const { signal, abort, release } = joinSignals(outer);
  let found: string | undefined;
  let hasBegun = false;
  let recent = 0;
  const stop = (): void => {
    found = hasBegun ? `${recent} bytes` : "none";
    abort(new Error("The server has stalled."));
  };
  // If this thread itself was busy, it first takes in what has come in the meantime.
  const late = (): void => {
    timer = setTimeout(stop, HEARING_MS);
  };
  let timer = setTimeout(late, stallMs);
  const restart = (): void => {
    clearTimeout(timer);
    recent = 0;
    timer = setTimeout(late, stallMs);
  };
  return {
    signal,
    begun() {
      hasBegun = true;
      restart();
    },
    bytes(count) {
      recent += count;
      if (recent >= PROGRESS_BYTES) restart();
    },
    stalled: () => found,
    end() {
      clearTimeout(timer);
      release();
      abort(new Error("The answer is not needed any more."));
    },
  };
}

function unreachable(subject: string, cause: unknown): PassingError {
  // fetch hides the reason in `cause`; its code is short and holds nothing of the address. Pages learn none.
  const { code } = ((cause instanceof Error ? cause.cause : undefined) ?? {}) as { code?: unknown };
  const [found, remedy] =
    typeof code === "string"
      ? [code, "Check the address and the network."]
      : [
          "none",
          "Check the address and the network. To a page, the server has to let other sites read its answers (CORS), " +
            "and may not do so for an error, such as one about too many requests.",
        ];
  return new PassingError({ subject, expected: "an answer", found, remedy, cause });
}

/** A body that ends early may be whole the next time. */
export function tooShort(name: string, expected: number, found: number): PassingError {
  return new PassingError({
    subject: name,
    expected: `${expected} bytes of content`,
    found: `${found}`,
    remedy: "Try again.",
  });
}

export function tooLong(name: string, expected: number): SourceError {
  return new SourceError({
    subject: name,
    expected: `${expected} bytes of content`,
    found: "more",
    remedy: "Try again.",
  });
}
