import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gather } from "../../src/downloads/gather.ts";

/** A file that notes what is written to it. */
function noted() {
  const content = new Uint8Array(1 << 23);
  const writes: number[] = [];
  return {
    content,
    writes,
    async write(offset: number, bytes: Uint8Array): Promise<void> {
      content.set(bytes, offset);
      writes.push(bytes.length);
    },
  };
}

describe("gathered bytes", () => {
  it("are written where they belong, whatever the sizes of the chunks", async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 700_000 }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 0, max: 1000 }), async (lengths, offset) => {
        const file = noted();
        let end = offset;
        const gathering = gather(file, offset, (position) => {
          expect(position).toBeGreaterThan(end);
          end = position;
        });
        const chunk = new Uint8Array(700_000);
        let at = offset;
        for (const [i, length] of lengths.entries()) {
          // The same memory each time, as a reader's is.
          await gathering.add(chunk.fill(i + 1).subarray(0, length));
          at += length;
        }
        await gathering.flush();
        expect(end).toBe(at);
        at = offset;
        for (const [i, length] of lengths.entries()) {
          expect(file.content.subarray(at, at + length).every((byte) => byte === i + 1)).toBe(true);
          at += length;
        }
      }),
      { numRuns: 20 },
    );
  });

  it("are written in few calls where they come fast, and not held where they come slowly", async () => {
    let time = 0;
    const fast = noted();
    const gathering = gather(
      fast,
      0,
      () => {},
      () => time,
    );
    for (let i = 0; i < 64; i++) await gathering.add(new Uint8Array(1 << 16));
    expect(fast.writes).toEqual(Array(4).fill(1 << 20));
    const slow = noted();
    const waiting = gather(
      slow,
      0,
      () => {},
      () => time,
    );
    for (let i = 0; i < 6; i++) {
      await waiting.add(new Uint8Array(1000));
      time += 60;
    }
    expect(slow.writes).toEqual([3000, 3000]);
  });
});
