// A model whose page was left and is shown again, against threads that a test plays.
import { expect, it } from "vitest";
import { startLoaded } from "../../src/api/load-again.ts";
import { PageLeftError } from "../../src/worker/client.ts";
import type { FromWorker, Request, ToWorker, WorkerPort } from "../../src/worker/protocol.ts";

const load = { kind: "load", config: {}, tensors: new Map(), files: [], options: {} } as const;
const vocabulary = {
  kind: "vocabulary",
  vocabulary: { bytes: new Uint8Array(1), offsets: new Uint32Array(2) },
} as const;
const logits = { kind: "logits", ids: [1] } as const;

/** Threads that answer what has the result `true`, and keep the rest waiting. */
function threads(answers: (kind: Request["kind"]) => boolean = () => true) {
  const started: { asked: string[]; leave: () => void; terminated: boolean }[] = [];
  const start = (): WorkerPort => {
    let listener = (_: FromWorker): void => {};
    const thread = { asked: [] as string[], leave: () => {}, terminated: false };
    started.push(thread);
    return {
      post(message: ToWorker) {
        if (!("request" in message)) return;
        const { id, request } = message;
        thread.asked.push(request.kind);
        if (answers(request.kind)) queueMicrotask(() => listener({ id, result: null }));
      },
      onMessage: (given) => {
        listener = given;
      },
      onFailure: (fail) => {
        thread.leave = () => fail(new PageLeftError());
      },
      setBusy() {},
      terminate: async () => {
        thread.terminated = true;
      },
    };
  };
  return { start, started };
}

it("ends what was under way, and is loaded again once, with its vocabulary, when it is next used", async () => {
  const { start, started } = threads((kind) => kind !== "trace");
  const { worker } = await startLoaded(start, load, {});
  await worker.request(vocabulary);
  const running = worker.request({ kind: "trace", ids: [1], plan: {} as never });
  await undefined;
  started[0].leave();
  await expect(running).rejects.toThrow("The page was left, which ends what its models were doing.");
  expect(started).toHaveLength(1);
  await Promise.all([worker.request(logits), worker.request(logits)]);
  expect(started.map(({ asked }) => asked)).toEqual([
    ["load", "vocabulary", "trace"],
    ["load", "vocabulary", "logits", "logits"],
  ]);
});

it("is loaded once more at the next use, where that failed", async () => {
  const { start, started } = threads();
  let isOffline = false;
  const starting = (): WorkerPort => {
    if (!isOffline) return start();
    return {
      ...start(),
      post: () => {
        throw new Error("offline");
      },
    };
  };
  const { worker } = await startLoaded(starting, load, {});
  await worker.request(vocabulary);
  started[0].leave();
  isOffline = true;
  await expect(worker.request(logits)).rejects.toThrow("offline");
  expect(started[1].terminated).toBe(true);
  expect(worker.activity()).toMatchObject({ running: 0, waiting: 0 });
  isOffline = false;
  await worker.request(logits);
  expect(started[2].asked).toEqual(["load", "vocabulary", "logits"]);
});

it("stays closed when it was closed before, or while it was loaded again", async () => {
  let loads = 0;
  const { start, started } = threads((kind) => kind !== "load" || loads++ === 0);
  const { worker } = await startLoaded(start, load, {});
  started[0].leave();
  const waiting = worker.request(logits);
  await undefined;
  await worker.close();
  await expect(waiting).rejects.toThrow("The model has been closed.");
  await expect(worker.request(logits)).rejects.toThrow("The model has been closed.");
  expect(started[1].terminated).toBe(true);
});

it("dies for good of anything else", async () => {
  const { start, started } = threads();
  const { worker } = await startLoaded(
    () => ({ ...start(), onFailure: (fail) => queueMicrotask(() => queueMicrotask(() => fail(new Error("gone")))) }),
    load,
    {},
  );
  await undefined;
  await expect(worker.request(logits)).rejects.toThrow("The model's thread died: gone.");
  await expect(worker.request(logits)).rejects.toThrow("The model's thread died: gone.");
  expect(started).toHaveLength(1);
});
