// The text thread from the caller's side: one request after another, each with a limit of time. A thread that overruns
// it is ended, and the next request starts another.
import { asSentence, Lfm2Error, revivedError } from "../lfm2-error.ts";
import { shortest } from "../quantities.ts";
import { CLOSED } from "../worker/client.ts";
import type { TextAnswer, TextFiles, TextPort, TextRequest, TextResults } from "./protocol.ts";

export interface TextThread {
  /** @throws TokenizerError, FormatError: the tokenizer is damaged */
  opened(): Promise<TextResults["open"]>;
  /** @throws the thread's error under its own name; what `bound` makes of an overrun; the signal's reason, at once */
  request<K extends TextRequest["kind"]>(
    request: TextRequest & { readonly kind: K },
    bound: Bound,
    signal?: AbortSignal,
  ): Promise<TextResults[K]>;
  close(): Promise<void>;
}

export interface Bound {
  readonly ms: number;
  /** The error for a request that needs more. @param found  "no end of it within 1 s" */
  refuse(found: string): Error;
}

/** The text thread has died, could not be started, or has been closed. */
export class TextThreadError extends Lfm2Error {
  override readonly name = "TextThreadError";
}

/** A tokenizer of 128,000 tokens takes half a second. */
const OPEN: Bound = {
  ms: 30_000,
  refuse: (found) => new TextThreadError({ subject: "Tokenizer", expected: "one that can be built", found }),
};
/**
 * A limit passes in parts, so that a caller that was busy itself, or a machine that was asleep, loses one of them and
 * still gets the answer.
 */
const LIMIT_PARTS = 4;
/** How long a request that was given up may go on: starting the thread again takes longer. */
const GRACE_MS = 200;

/** Starts nothing until something is asked. */
export function connectText(start: () => TextPort, files: TextFiles): TextThread {
  let running: { readonly thread: Asked; readonly opened: Promise<TextResults["open"]> } | undefined;
  let closed: TextThreadError | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const begin = () => {
    if (closed !== undefined) throw closed;
    if (running === undefined || !running.thread.isAlive()) {
      const thread = createAsked(startedPort(start));
      running = { thread, opened: thread.ask({ kind: "open", files }, OPEN) as Promise<TextResults["open"]> };
    }
    return running;
  };
  /** Runs requests in their order. One that is given up is rejected at once. */
  const inTurn = <T>(run: () => Promise<T>, signal?: AbortSignal): Promise<T> => {
    const turn = last.then(() => {
      signal?.throwIfAborted();
      return run();
    });
    last = turn.catch(() => {});
    return orAborted(turn, signal);
  };

  return {
    opened: () => inTurn(() => begin().opened),
    request: (request, bound, signal) =>
      inTurn(async () => {
        const { thread, opened } = begin();
        await opened;
        signal?.throwIfAborted();
        return thread.ask(request, bound, signal) as Promise<never>;
      }, signal),
    async close() {
      closed ??= new TextThreadError(CLOSED);
      await running?.thread.end(closed);
    },
  };
}

/** A thread that is asked one thing at a time. */
interface Asked {
  isAlive(): boolean;
  ask(request: TextRequest, bound: Bound, signal?: AbortSignal): Promise<unknown>;
  end(cause: Error): Promise<void>;
}

function createAsked(port: TextPort): Asked {
  let alive = true;
  let settle: ((answer: TextAnswer | { readonly cause: unknown }) => void) | undefined;
  let bound = OPEN;

  const end = async (cause: unknown): Promise<void> => {
    alive = false;
    settle?.({ cause });
    await port.terminate();
  };
  const refuse = (found: string): void => void end(bound.refuse(found));

  port.onMessage((answer) => settle?.(answer));
  port.onFailure((cause) => {
    if ((cause as { code?: unknown }).code === "ERR_WORKER_OUT_OF_MEMORY")
      refuse("a need for more memory than allowed");
    else end(threadError(cause, `The text thread died: ${asSentence(cause.message)}`));
  });
  return {
    isAlive: () => alive,
    end,
    ask(request, its, signal) {
      bound = its;
      return new Promise((resolve, reject) => {
        let parts = LIMIT_PARTS;
        const pass = (): void => {
          if (--parts > 0) timer = setTimeout(pass, its.ms / LIMIT_PARTS);
          else refuse(`no end of it within ${shortest(its.ms / 1000, 2)} s`);
        };
        let timer = setTimeout(pass, its.ms / LIMIT_PARTS);
        let grace: ReturnType<typeof setTimeout> | undefined;
        const abort = (): void => {
          grace = setTimeout(() => end(signal?.reason), GRACE_MS);
        };
        signal?.addEventListener("abort", abort, { once: true });
        settle = (answer) => {
          settle = undefined;
          clearTimeout(timer);
          clearTimeout(grace);
          signal?.removeEventListener("abort", abort);
          port.setBusy(false);
          if ("cause" in answer) reject(answer.cause);
          else if ("error" in answer) reject(revivedError(answer.error));
          else resolve(answer.result);
        };
        port.setBusy(true);
        try {
          port.post(request);
        } catch (cause) {
          settle({ cause: its.refuse(`what cannot be sent to a thread: ${(cause as Error).message}`) });
        }
      });
    },
  };
}

function startedPort(start: () => TextPort): TextPort {
  try {
    return start();
  } catch (cause) {
    throw threadError(cause, `The text thread could not be started: ${asSentence((cause as Error).message)}`);
  }
}

function threadError(cause: unknown, sentence: string): Lfm2Error {
  if (cause instanceof Lfm2Error) return cause;
  const { message } = cause as Error;
  return new TextThreadError({ subject: "text thread", expected: "it alive", found: message, sentence }, { cause });
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
