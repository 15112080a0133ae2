// The caller's end of the model's thread: requests as promises, with progress and AbortSignal.
import type { Activity } from "../engine/scheduler.ts";
import { asSentence, type ErrorParts, Lfm2Error, revivedError } from "../lfm2-error.ts";
import { hasSharedMemory } from "../wasm/kernels.ts";
import { type FromWorker, isWork, type Request, type Results, type WorkerEvent, type WorkerPort } from "./protocol.ts";

/** @param taken  for events that the thread waits for: to be called with how many of their bytes have been consumed */
type EventListener = (event: WorkerEvent, taken: (bytes: number) => void) => void;

export interface ModelWorker {
  /**
   * @throws the worker's error under its own name; the signal's reason, at once: the thread follows within a step
   */
  request<K extends Request["kind"]>(
    request: Request & { kind: K },
    on?: { event?: EventListener; signal?: AbortSignal },
  ): Promise<Results[K]>;
  /**
   * What goes on there, known here: whoever asks waits for no step. A request that was given up counts until the thread has
   * ended it.
   * @throws why it takes no more requests
   */
  activity(): Activity;
  close(): Promise<void>;
}

export interface ConnectedWorker extends ModelWorker {
  /** Why it takes no more requests. */
  readonly ended: Error | undefined;
}

/** The model's thread has died, or has been closed; it takes no more requests. */
export class WorkerError extends Lfm2Error {
  override readonly name = "WorkerError";
}

/** The page was left, which ends its threads. One that is shown again, as browsers keep a page for the way back, may start others. */
export class PageLeftError extends WorkerError {
  constructor() {
    super({
      subject: "page",
      expected: "it open",
      found: "it left",
      remedy: "Ask again: a model that was open is loaded again.",
      sentence: "The page was left, which ends what its models were doing.",
    });
  }
}

/** For every use of a model after it was closed. */
export const CLOSED: ErrorParts = {
  subject: "model",
  expected: "an open one",
  found: "one that has been closed",
  remedy: "Open it again to use it.",
  sentence: "The model has been closed.",
};

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (cause: unknown) => void;
  readonly event?: EventListener;
  readonly givenUp: SharedArrayBuffer | undefined;
}

export function connect(port: WorkerPort): ConnectedWorker {
  const pending = new Map<number, Pending>();
  /** How many requests for work have been sent, for the thread to see in the middle of a step. */
  const sent = hasSharedMemory() ? new SharedArrayBuffer(4) : undefined;
  let nextId = 1;
  let ended: Error | undefined;
  /** Work that has been sent and not been ended there; and what the thread has said last. */
  const work = new Set<number>();
  let told: Activity = { running: 0, waiting: 0, positions: 0, usedPositions: 0, keptPositions: 0 };

  const end = (cause: Error): void => {
    ended ??= cause;
    for (const { reject } of pending.values()) reject(ended);
    pending.clear();
    work.clear();
    told = { ...told, running: 0, usedPositions: 0, keptPositions: 0 };
    port.setBusy(false);
  };
  port.onFailure((cause) => {
    if (cause instanceof Lfm2Error) return end(cause);
    const sentence = `The model's thread died: ${asSentence(cause.message)}`;
    end(
      new WorkerError({ subject: "model's thread", expected: "it alive", found: cause.message, sentence }, { cause }),
    );
  });
  port.onMessage((message: FromWorker) => {
    if ("activity" in message) {
      told = message.activity;
      return;
    }
    if (!("event" in message)) work.delete(message.id);
    const entry = pending.get(message.id);
    if (entry === undefined) return;
    if ("event" in message) {
      try {
        entry.event?.(message.event, (bytes) => port.post({ id: message.id, taken: bytes }));
      } catch (cause) {
        // A listener of the caller's that throws ends its own request, not the process.
        giveUp(message.id, cause);
      }
      return;
    }
    settled(message.id);
    if ("error" in message) entry.reject(revivedError(message.error));
    else entry.resolve(message.result);
  });

  const settled = (id: number): void => {
    pending.delete(id);
    if (pending.size === 0) port.setBusy(false);
  };
  /** Ends a request here at once; the thread is notified, and what it still sends for it is ignored. */
  const giveUp = (id: number, cause: unknown): void => {
    const entry = pending.get(id);
    if (entry === undefined) return;
    settled(id);
    if (entry.givenUp !== undefined) Atomics.store(new Int32Array(entry.givenUp), 0, 1);
    port.post({ id, abort: true });
    entry.reject(cause);
  };

  return {
    get ended() {
      return ended;
    },
    request(request, { event, signal } = {}) {
      signal?.throwIfAborted();
      if (ended !== undefined) throw ended;
      const id = nextId++;
      const givenUp = hasSharedMemory() ? new SharedArrayBuffer(4) : undefined;
      return new Promise((resolve, reject) => {
        const abort = (): void => giveUp(id, signal?.reason);
        const settle = (done: (value: never) => void) => (value: unknown) => {
          signal?.removeEventListener("abort", abort);
          done(value as never);
        };
        pending.set(id, { event, givenUp, resolve: settle(resolve), reject: settle(reject) });
        signal?.addEventListener("abort", abort);
        port.setBusy(true);
        try {
          port.post({ id, request, givenUp, sent });
          if (!isWork(request)) return;
          work.add(id);
          if (sent !== undefined) Atomics.add(new Int32Array(sent), 0, 1);
        } catch (cause) {
          settled(id);
          settle(reject)(cause);
        }
      });
    },
    activity() {
      if (ended !== undefined && !(ended instanceof PageLeftError)) throw ended;
      const running = Math.min(told.running, work.size);
      return { ...told, running, waiting: work.size - running };
    },
    async close() {
      end(new WorkerError(CLOSED));
      await port.terminate();
    },
  };
}
