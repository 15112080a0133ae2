// The hand-assembled module reads what it says it reads, and threads measure it together.
import { describe, expect, it } from "vitest";
import { createReadLimit } from "../../src/bench/read-limit/read-limit.ts";
import { assembleStreams, STREAMS, type StreamExports } from "../../src/bench/read-limit/stream-module.ts";

const memory = new WebAssembly.Memory({ initial: 1 });
const module = new WebAssembly.Module(assembleStreams());
const { exports } = new WebAssembly.Instance(module, { env: { memory } });
const bytes = new Uint8Array(memory.buffer);

describe("a stream", () => {
  for (const streams of STREAMS) {
    it(`of ${streams} reads every byte of its range, and none beside it`, () => {
      const read = (exports as unknown as StreamExports)[`read${streams}`];
      const [begin, length] = [1024, 2048];
      const finds = (at: number): boolean => {
        bytes.fill(0);
        bytes[at] = 1;
        return read(begin, length) === 1;
      };
      for (let at = begin; at < begin + length; at++) expect(finds(at), `byte ${at}`).toBe(true);
      expect(finds(begin - 1)).toBe(false);
      expect(finds(begin + length)).toBe(false);
    });
  }
});

describe("the read limit", () => {
  it("is a speed that memory can have, on one thread and on two", async () => {
    const limit = await createReadLimit(2, 2 ** 23);
    try {
      for (const threads of [1, 2]) {
        const bytesPerSecond = await limit.measure(threads);
        expect(bytesPerSecond).toBeGreaterThan(1e8);
        expect(bytesPerSecond).toBeLessThan(1e13);
      }
    } finally {
      await limit.close();
    }
  });
});
