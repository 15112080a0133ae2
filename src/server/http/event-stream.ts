// Server-sent events: an answer as it comes.
//
// A client may give up after a silence of 20 seconds, and proxies do, so a comment is sent every ten while a prompt is read
// or a tool call is withheld until it is whole. Answers run ahead of a client that reads slowly, so that it keeps nobody
// waiting; one that takes nothing for a minute, while more is held for it than that, is left.
import { type ErrorShape, failureOf, type RequestFailure } from "../failure.ts";

export interface ServerEvent {
  readonly event?: string;
  readonly data: string;
}

/** Whole, or why it was cut, and by what failure. */
export interface StreamEnd {
  readonly cut?: "client left" | "client stalled" | "failed";
  readonly failure?: RequestFailure;
}

export interface StreamOptions {
  readonly errors: ErrorShape;
  /** Ends the work behind the events. */
  readonly abort: (reason?: unknown) => void;
  /** Told once how the stream has ended. */
  readonly onEnd?: (end: StreamEnd) => void;
  /** Between comments, while nothing else is sent. */
  readonly silenceMs?: number;
  /** How long a client may take nothing. */
  readonly stallMs?: number;
}

const SILENCE_MS = 10_000;
const STALL_MS = 60_000;
/** Events that are held for a client; an answer has hardly more. */
const MOST_HELD = 4096;

const written = ({ event, data }: ServerEvent): string =>
  `${event === undefined ? "" : `event: ${event}\n`}data: ${data}\n\n`;

/**
 * The response waits for the first event, so that what fails before it has a status of its own; after a silence it begins
 * without.
 * @throws what `events` throws before the first of them
 */
export async function eventStream(
  events: AsyncGenerator<ServerEvent, void>,
  { errors, abort, onEnd, silenceMs = SILENCE_MS, stallMs = STALL_MS }: StreamOptions,
): Promise<Response> {
  let next: Promise<IteratorResult<ServerEvent, void>> | undefined = events.next();
  let stalled: ReturnType<typeof setTimeout> | undefined;
  const soon = async (): Promise<IteratorResult<ServerEvent, void> | undefined> => {
    next ??= events.next();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const silence = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, silenceMs, undefined);
    });
    try {
      const result = await Promise.race([next, silence]);
      if (result !== undefined) next = undefined;
      return result;
    } finally {
      clearTimeout(timer);
    }
  };
  let first = await soon();
  let isFirst = true;
  const encoder = new TextEncoder();
  const source: UnderlyingDefaultSource<Uint8Array> = {
    async pull(controller) {
      clearTimeout(stalled);
      const send = (text: string): void => controller.enqueue(encoder.encode(text));
      try {
        const result = isFirst ? first : await soon();
        isFirst = false;
        first = undefined;
        if (result?.done) {
          onEnd?.({});
          return controller.close();
        }
        send(result === undefined ? ": still at work\n\n" : written(result.value));
      } catch (error) {
        next = undefined;
        const failure = failureOf(error);
        onEnd?.({ cut: "failed", failure });
        send(written(errors.event(failure)));
        return controller.close();
      }
      stalled = setTimeout(() => {
        const reason = new DOMException("The client takes nothing.", "AbortError");
        abort(reason);
        onEnd?.({ cut: "client stalled" });
        // Nobody asks for its next event any more, so that it would not learn of the end.
        void events.return().catch(() => {});
        controller.error(reason);
      }, stallMs);
      stalled.unref?.();
    },
    async cancel() {
      clearTimeout(stalled);
      onEnd?.({ cut: "client left" });
      abort(new DOMException("The client has left.", "AbortError"));
      await events.return().catch(() => {});
    },
  };
  const body = new ReadableStream(source, { highWaterMark: MOST_HELD });
  const headers = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
    // nginx would hold events back otherwise.
    "X-Accel-Buffering": "no",
  };
  return new Response(body, { headers });
}
