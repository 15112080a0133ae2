// A trace is larger than memory may be: the model's thread waits for whoever takes it.
import { describe, expect, it } from "vitest";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import { readConfig } from "../../src/model/config.ts";
import { planTrace } from "../../src/oracle/trace/trace-plan.ts";
import { diskFolder } from "../../src/sources/disk.ts";
import { createFlight } from "../../src/worker/flight.ts";
import type { FromWorker, ToWorker } from "../../src/worker/protocol.ts";
import { startNodeWorker } from "../../src/worker/start-node.ts";
import { goldenFolder } from "../formats/golden-files.ts";

const never = new AbortController().signal;
const isOpen = async (promise: Promise<void>): Promise<boolean> =>
  Promise.race([promise.then(() => true), new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 5))]);

describe("a flight", () => {
  it("has room until as many bytes are on their way as it may hold, and again when they were taken", async () => {
    const flight = createFlight(100);
    flight.sent(99);
    expect(await isOpen(flight.room(never))).toBe(true);
    flight.sent(1);
    const waiting = flight.room(never);
    expect(await isOpen(waiting)).toBe(false);
    flight.taken(1);
    expect(await isOpen(waiting)).toBe(true);
  });

  it("lets go of whoever waits when the signal is aborted", async () => {
    const flight = createFlight(1);
    flight.sent(1);
    const controller = new AbortController();
    const waiting = flight.room(controller.signal);
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });
});

describe("the model's thread", () => {
  it("runs no more than 64 MB ahead of a consumer that takes nothing, goes on when it does, and hears it leave", async () => {
    const checkpoint = await openCheckpoint(diskFolder(`${goldenFolder}nano`), "lfm2-nano-Q4_0.gguf");
    const { config, tensors, files } = checkpoint;
    const ids = Array.from({ length: 1000 }, (_, i) => i);
    const plan = planTrace(readConfig(config), ids.length);
    expect(plan.bytes).toBeGreaterThan(200e6);

    const port = startNodeWorker();
    let bytes = 0;
    let ended: FromWorker | undefined;
    let loaded = (): void => {};
    const ready = new Promise<void>((resolve) => {
      loaded = resolve;
    });
    port.onMessage((message) => {
      if (!("id" in message)) return;
      if (message.id === 1 && "result" in message) loaded();
      if (message.id !== 2) return;
      if (!("event" in message)) ended = message;
      else if (message.event.kind === "step") bytes += message.event.step.numbers.byteLength;
    });
    const send = (message: ToWorker): void => port.post(message);
    try {
      const options = { contextLength: 1000, threads: 1 };
      const load = {
        kind: "load",
        config,
        tensors,
        files: files.map(({ descriptor }) => descriptor),
        options,
      } as const;
      send({ id: 1, request: load, givenUp: undefined, sent: undefined });
      await ready;
      send({ id: 2, request: { kind: "trace", ids, plan }, givenUp: undefined, sent: undefined });
      // A thread of a busy machine may pause at any time; it counts as still only once enough has come.
      const still = async (enough: number): Promise<number> => {
        let before = -1;
        while (bytes !== before || bytes <= enough) {
          before = bytes;
          await new Promise((resolve) => setTimeout(resolve, 150));
        }
        return bytes;
      };
      const first = await still(16e6);
      expect(first).toBeLessThan(64 * 2 ** 20);
      send({ id: 2, taken: first });
      const second = await still(first + 16e6);
      expect(second).toBeLessThan(first + 64 * 2 ** 20);
      send({ id: 2, abort: true });
      await expect.poll(() => ended).toMatchObject({ error: { name: "AbortError" } });
    } finally {
      await port.terminate();
      await Promise.all(files.map((file) => file.close()));
    }
  });
});
