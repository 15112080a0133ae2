// The events of a request, one after another, at the pace of whoever takes them.
import type { ModelWorker } from "./client.ts";
import type { Request, WorkerEvent } from "./protocol.ts";

/**
 * Yields the events of `kind`; leaving the loop abandons the request. `bytesOf` is how much more the thread may produce
 * once an event has been taken, of events that it waits for.
 * @throws what the request throws; the signal's reason
 */
export async function* eventStream<K extends WorkerEvent["kind"]>(
  worker: ModelWorker,
  request: Request,
  kind: K,
  {
    signal,
    onEvent,
    bytesOf,
  }: {
    readonly signal?: AbortSignal;
    /** Hears the events of other kinds, as they come. */
    readonly onEvent?: (event: WorkerEvent) => void;
    readonly bytesOf?: (event: WorkerEvent & { kind: K }) => number;
  },
): AsyncGenerator<WorkerEvent & { kind: K }, void> {
  const left = new AbortController();
  const either = signal === undefined ? left.signal : AbortSignal.any([signal, left.signal]);
  const arrived: { event: WorkerEvent & { kind: K }; taken: (bytes: number) => void }[] = [];
  let wake = (): void => {};
  let ended: { error?: unknown } | undefined;
  const done = worker
    .request(request, {
      signal: either,
      event(event, taken) {
        if (event.kind === kind) arrived.push({ event: event as WorkerEvent & { kind: K }, taken });
        else onEvent?.(event);
        wake();
      },
    })
    .then(
      () => {
        ended = {};
      },
      (error: unknown) => {
        ended = { error };
      },
    )
    .then(() => wake());
  try {
    for (;;) {
      for (let next = arrived.shift(); next !== undefined; next = arrived.shift()) {
        yield next.event;
        signal?.throwIfAborted();
        if (bytesOf !== undefined) next.taken(bytesOf(next.event));
      }
      if (ended !== undefined) break;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    if ("error" in ended) throw ended.error;
  } finally {
    left.abort();
    await done;
  }
}
