import { describe, expect, it } from "vitest";
import { createQueue } from "../../src/server/queue.ts";

const never = new AbortController().signal;

describe("queue", () => {
  it("lets clients take turns, however many requests one of them has sent", async () => {
    const queue = createQueue({ running: 1, waiting: 10 });
    const order: string[] = [];
    const ask = async (client: string, name: string): Promise<void> => {
      const leave = await queue.turn(client, never);
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
    const leave = await queue.turn("a", never);
    const waits = queue.turn("a", never);
    await expect(queue.turn("b", never)).rejects.toMatchObject({ parts: { status: 429, retryAfterS: 1 } });
    leave();
    (await waits)();
    expect([queue.running, queue.waiting]).toEqual([0, 0]);
  });

  it("forgets a client that leaves while it waits, and gives no turn away twice", async () => {
    const queue = createQueue({ running: 1, waiting: 3 });
    const leave = await queue.turn("a", never);
    const gone = new AbortController();
    const leaves = queue.turn("b", gone.signal);
    const waits = queue.turn("c", never);
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
});
