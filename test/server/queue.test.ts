import { describe, expect, it } from "vitest";
import { createQueue, type Queue } from "../../src/server/queue.ts";

const never = new AbortController().signal;

async function turn(queue: Queue, client: string, signal = never): Promise<() => void> {
  return queue.enter(client, 1).next(signal);
}

describe("queue", () => {
  it("lets clients take turns, however many requests one of them has sent", async () => {
    const queue = createQueue({ running: 1, waiting: 10 });
    const order: string[] = [];
    const ask = async (client: string, name: string): Promise<void> => {
      const leave = await turn(queue, client);
      order.push(name);
      await Promise.resolve();
      leave();
    };
    await Promise.all([ask("a", "a1"), ask("a", "a2"), ask("a", "a3"), ask("b", "b1"), ask("b", "b2"), ask("c", "c1")]);
    expect(order).toEqual(["a1", "a2", "b1", "c1", "a3", "b2"]);
    expect([queue.running, queue.waiting]).toEqual([0, 0]);
  });

  it("refuses whoever finds it full, with 429", async () => {
    const queue = createQueue({ running: 1, waiting: 1 });
    const leave = await turn(queue, "a");
    expect(queue.isFull).toBe(false);
    const waits = turn(queue, "a");
    expect(queue.isFull).toBe(true);
    await expect(turn(queue, "b")).rejects.toMatchObject({ parts: { status: 429, retryAfterS: 1 } });
    leave();
    (await waits)();
    expect([queue.running, queue.waiting]).toEqual([0, 0]);
  });

  it("has room where nobody may wait, until somebody runs", async () => {
    const queue = createQueue({ running: 1, waiting: 0 });
    expect(queue.isFull).toBe(false);
    const leave = await turn(queue, "a");
    expect(queue.isFull).toBe(true);
    leave();
    expect(queue.isFull).toBe(false);
  });

  it("forgets a client that leaves while it waits, and gives no turn away twice", async () => {
    const queue = createQueue({ running: 1, waiting: 3 });
    const leave = await turn(queue, "a");
    const gone = new AbortController();
    const leaves = turn(queue, "b", gone.signal);
    const waits = turn(queue, "c");
    gone.abort(new Error("left"));
    await expect(leaves).rejects.toThrow("left");
    expect(queue.waiting).toBe(1);
    leave();
    leave();
    const last = await waits;
    expect([queue.running, queue.waiting]).toEqual([1, 0]);
    last();
    expect(queue.running).toBe(0);
  });

  it("counts a request for several answers as several: each has a turn, others' between them, and all fit or none", async () => {
    const queue = createQueue({ running: 2, waiting: 4 });
    const order: string[] = [];
    const ask = async (client: string, name: string, answers: number): Promise<void> => {
      const turns = queue.enter(client, answers);
      const each = Array.from({ length: answers }, async (_, i) => {
        const leave = await turns.next(never);
        order.push(`${name}.${i}`);
        await new Promise((resolve) => setImmediate(resolve));
        leave();
      });
      await Promise.all(each);
    };
    const several = ask("a", "a", 5);
    expect([queue.running, queue.waiting]).toEqual([2, 3]);
    await expect(ask("b", "b", 2)).rejects.toMatchObject({ parts: { status: 429 } });
    const one = ask("b", "b", 1);
    expect([queue.running, queue.waiting]).toEqual([2, 4]);
    await Promise.all([several, one]);
    expect(order).toEqual(["a.0", "a.1", "a.2", "b.0", "a.3", "a.4"]);
    await expect(ask("a", "a", 7)).rejects.toThrow(
      "n: expected at most 6 answers, as many as may run and wait, found 7.",
    );
    expect([queue.running, queue.waiting]).toEqual([0, 0]);
  });

  it("takes back all turns of a request that ends early, those that nobody has waited for, too", async () => {
    const queue = createQueue({ running: 2, waiting: 4 });
    const turns = queue.enter("a", 4);
    await turns.next(never);
    const other = turn(queue, "b");
    turns.end();
    turns.end();
    expect([queue.running, queue.waiting]).toEqual([1, 0]);
    (await other)();
    expect([queue.running, queue.waiting]).toEqual([0, 0]);
  });
});
