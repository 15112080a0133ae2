// A model's thread that is started and loaded once more where it ended with its page, and the page is shown again.
import {
  CLOSED,
  type ConnectedWorker,
  connect,
  type ModelWorker,
  PageLeftError,
  WorkerError,
} from "../worker/client.ts";
import type { Request, Results, WorkerPort } from "../worker/protocol.ts";

/** @throws what loading throws; the thread has then been ended */
export async function startLoaded(
  start: () => WorkerPort,
  load: Request & { readonly kind: "load" },
  on: Parameters<ModelWorker["request"]>[1],
): Promise<{ readonly worker: ModelWorker; readonly loaded: Results["load"] }> {
  /** The last that was loaded. */
  let worker: ConnectedWorker;
  /** One that is being loaded. */
  let coming: ConnectedWorker | undefined;
  let vocabulary: (Request & { readonly kind: "vocabulary" }) | undefined;
  let again: Promise<unknown> | undefined;
  let closed: WorkerError | undefined;

  async function begin(how?: typeof on): Promise<Results["load"]> {
    const own = connect(start());
    coming = own;
    try {
      const loaded = await own.request(load, how);
      if (vocabulary !== undefined) await own.request(vocabulary);
      worker = own;
      return loaded;
    } catch (error) {
      await own.close();
      throw error;
    } finally {
      coming = undefined;
    }
  }

  const loaded = await begin(on);
  return {
    loaded,
    worker: {
      async request(request, how) {
        if (closed === undefined && worker.ended instanceof PageLeftError) {
          again ??= begin().finally(() => {
            again = undefined;
          });
        }
        if (again !== undefined) {
          await again;
          how?.signal?.throwIfAborted();
        }
        if (closed !== undefined) throw closed;
        if (request.kind === "vocabulary") vocabulary = request as Request as typeof vocabulary;
        return worker.request(request, how);
      },
      activity() {
        if (closed !== undefined) throw closed;
        return worker.activity();
      },
      async close() {
        closed ??= new WorkerError(CLOSED);
        await Promise.all([worker.close(), coming?.close()]);
      },
    },
  };
}
