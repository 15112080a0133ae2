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
  let worker: ConnectedWorker;
  let vocabulary: (Request & { readonly kind: "vocabulary" }) | undefined;
  let again: Promise<void> | undefined;
  let closed: WorkerError | undefined;

  async function begin(how?: typeof on): Promise<Results["load"]> {
    worker = connect(start());
    const own = worker;
    try {
      return await own.request(load, how);
    } catch (error) {
      await own.close();
      throw error;
    }
  }
  async function loadAgain(): Promise<void> {
    await begin();
    if (vocabulary !== undefined) await worker.request(vocabulary);
  }

  const loaded = await begin(on);
  return {
    loaded,
    worker: {
      async request(request, how) {
        if (closed === undefined && worker.ended instanceof PageLeftError) {
          again ??= loadAgain().finally(() => {
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
        await worker.close();
      },
    },
  };
}
