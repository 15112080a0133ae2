// The caller's end of the model's thread, against a port that a test plays.
import { describe, expect, it } from "vitest";
import { connect } from "../../src/worker/client.ts";
import type { FromWorker, ToWorker, WorkerPort } from "../../src/worker/protocol.ts";

function play() {
  const sent: ToWorker[] = [];
  const busy: boolean[] = [];
  let toCaller = (_: FromWorker): void => {};
  let fail = (_: Error): void => {};
  let terminated = 0;
  const port: WorkerPort = {
    post: (message) => sent.push(message),
    onMessage: (listener) => {
      toCaller = listener;
    },
    onFailure: (listener) => {
      fail = listener;
    },
    setBusy: (is) => busy.push(is),
    terminate: async () => {
      terminated++;
    },
  };
  return {
    worker: connect(port),
    sent,
    busy,
    answer: (message: FromWorker) => toCaller(message),
    fail: (cause: Error) => fail(cause),
    terminations: () => terminated,
  };
}

const request = { kind: "logits", ids: [1] } as const;

describe("a model's thread that dies", () => {
  it("ends every pending request with the cause, and refuses new ones", async () => {
    const { worker, fail, busy } = play();
    const pending = [worker.request(request), worker.request(request)];
    fail(new Error("out of memory"));
    for (const one of pending) await expect(one).rejects.toThrow("The model's thread died: out of memory");
    await expect(async () => worker.request(request)).rejects.toThrow("The model's thread died: out of memory");
    expect(busy.at(-1)).toBe(false);
  });
});

it("a model's thread that dies of a whole sentence has one full stop", async () => {
  const { worker, fail } = play();
  const pending = worker.request(request);
  fail(new Error("Its script could not be read."));
  await expect(pending).rejects.toThrow(/died: Its script could not be read\.$/);
});

describe("requests", () => {
  it("keep the process alive exactly while one is pending", async () => {
    const { worker, answer, busy } = play();
    const first = worker.request(request);
    const second = worker.request(request);
    expect(busy).toEqual([true, true]);
    answer({ id: 2, result: null });
    await second;
    expect(busy).toEqual([true, true]);
    answer({ id: 1, result: null });
    await first;
    expect(busy).toEqual([true, true, false]);
  });

  it("are given up by a message and by shared memory at once, and reject with the caller's reason", async () => {
    const { worker, sent, answer } = play();
    const controller = new AbortController();
    const pending = worker.request(request, { signal: controller.signal });
    const { givenUp } = sent[0] as { givenUp: SharedArrayBuffer } & ToWorker;
    expect(new Int32Array(givenUp)[0]).toBe(0);
    controller.abort(new Error("enough"));
    expect(new Int32Array(givenUp)[0]).toBe(1);
    expect(sent.at(-1)).toEqual({ id: 1, abort: true });
    // At once: the thread may be busy with another request.
    await expect(pending).rejects.toThrow("enough");
    answer({ id: 1, error: { name: "AbortError", message: "given up" } });
  });

  it("leave no listener on a signal that outlives them", async () => {
    const { worker, sent, answer } = play();
    const controller = new AbortController();
    const pending = worker.request(request, { signal: controller.signal });
    answer({ id: 1, result: null });
    await pending;
    controller.abort();
    expect(sent.length).toBe(1);
  });

  it("reject with the thread's error under its own name", async () => {
    const { worker, answer } = play();
    const pending = worker.request(request);
    answer({ id: 1, error: { name: "WeightError", message: "missing" } });
    await expect(pending).rejects.toMatchObject({ name: "WeightError", message: "missing" });
  });
});

describe("what goes on in the thread", () => {
  const idle = { running: 0, waiting: 0, positions: 64, usedPositions: 0, keptPositions: 0 };

  it("is known without asking it: what has been sent waits until it runs, and counts until it has ended", async () => {
    const { worker, answer } = play();
    answer({ activity: idle });
    const leaving = new AbortController();
    const left = worker.request(request, { signal: leaving.signal });
    const stays = worker.request(request);
    expect(worker.activity()).toEqual({ ...idle, waiting: 2 });
    answer({ activity: { ...idle, running: 1, usedPositions: 32 } });
    expect(worker.activity()).toEqual({ ...idle, running: 1, waiting: 1, usedPositions: 32 });
    leaving.abort(new Error("left"));
    await expect(left).rejects.toThrow("left");
    expect(worker.activity()).toMatchObject({ running: 1, waiting: 1 });
    answer({ id: 1, error: { name: "AbortError", message: "given up" } });
    expect(worker.activity()).toMatchObject({ running: 1, waiting: 0 });
    answer({ activity: idle });
    answer({ id: 2, result: null });
    await stays;
    expect(worker.activity()).toEqual(idle);
  });

  it("cannot be told of one that has died or was closed", async () => {
    const { worker, fail } = play();
    fail(new Error("out of memory"));
    expect(() => worker.activity()).toThrow("The model's thread died: out of memory");
    const { worker: other } = play();
    await other.close();
    expect(() => other.activity()).toThrow("The model has been closed.");
  });
});

describe("close", () => {
  it("ends what is pending and the thread, once", async () => {
    const { worker, terminations } = play();
    const pending = worker.request(request);
    const ended = expect(pending).rejects.toThrow("The model has been closed.");
    await worker.close();
    await ended;
    expect(terminations()).toBe(1);
  });
});
