// Tensors read in the order of the files, in pieces, each byte once.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StoredTensor } from "../../src/formats/checkpoint.ts";
import { streamTensors, type TensorSink } from "../../src/formats/stream-tensors.ts";
import type { ByteSource } from "../../src/sources/source.ts";

interface Read {
  readonly offset: number;
  readonly length: number;
}

/** A file whose byte at i is i mod 251, and what was read of it. */
function file(size: number, reads: Read[] = []): ByteSource {
  return {
    name: "file",
    size,
    descriptor: { kind: "blob", name: "file", blob: new Blob() },
    async verify() {},
    async read(offset, length) {
      reads.push({ offset, length });
      return Uint8Array.from({ length }, (_, i) => (offset + i) % 251);
    },
    async close() {},
  };
}

/** The same on a disk. */
function onDisk(size: number, reads?: Read[]): ByteSource {
  const version = { size, device: 0n, inode: 0n, modifiedNs: 0n };
  return { ...file(size, reads), descriptor: { kind: "file", path: "file", version } };
}

function tensor(...parts: [file: number, offset: number, bytes: number][]): StoredTensor {
  return {
    name: "t",
    format: "F32",
    shape: [],
    parts: parts.map(([f, offset, bytes]) => ({ file: f, offset, bytes })),
  };
}

/** A sink that keeps what it is given, and where the pieces began. */
function sink(of: StoredTensor, granule?: number): TensorSink & { bytes: number[]; cuts: number[] } {
  const bytes: number[] = [];
  const cuts: number[] = [];
  return {
    tensor: of,
    granule,
    bytes,
    cuts,
    write(at, piece) {
      cuts.push(at);
      for (const [i, byte] of piece.entries()) bytes[at + i] = byte;
    },
  };
}

const content = (of: StoredTensor): number[] =>
  of.parts.flatMap(({ offset, bytes }) => Array.from({ length: bytes }, (_, i) => (offset + i) % 251));

describe("streamTensors", () => {
  it("delivers every byte of every part where it belongs, whatever the order of parts and the size of pieces", async () => {
    const parts = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 1 }), fc.integer({ min: 0, max: 900 }), fc.integer({ min: 1, max: 99 })),
      {
        minLength: 1,
        maxLength: 6,
      },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(parts, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 300 }),
        async (lists, pieceBytes) => {
          const sinks = lists.map((list) => sink(tensor(...list)));
          await streamTensors([file(1000), file(1000)], sinks, { pieceBytes });
          for (const { tensor: of, bytes } of sinks) expect(bytes).toEqual(content(of));
        },
      ),
    );
  });

  it("reads into rooms, and into none whose bytes are still to be delivered", async () => {
    const parts = fc.tuple(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 1, max: 99 }));
    const roomed: ByteSource = {
      ...onDisk(1000),
      async read(offset, length, _, room) {
        const bytes = room?.subarray(0, length) ?? new Uint8Array(length);
        for (let i = 0; i < length; i++) {
          bytes[i] = (offset + i) % 251;
          if (i % 7 === 0) await undefined;
        }
        return bytes;
      },
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(parts, fc.integer({ min: 0, max: 2 })), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 90 }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom(roomed, onDisk(1000)),
        async (list, roomBytes, count, source) => {
          const both = [0, 1].map(() => Array.from({ length: count }, () => new Uint8Array(roomBytes)));
          const sinks = list.map(([part, rooms]) => ({ ...sink(tensor([0, ...part]), 1), rooms: both[rooms] }));
          await streamTensors([source], sinks, { pieceBytes: 64 });
          for (const { tensor: of, bytes } of sinks) expect(bytes).toEqual(content(of));
        },
      ),
    );
  });

  it("reads a piece that is larger than a room to a buffer of its own", async () => {
    const rooms = [new Uint8Array(16)];
    const wide = { ...sink(tensor([0, 0, 96]), 48), rooms };
    await streamTensors([onDisk(1000)], [wide], { pieceBytes: 50 });
    expect(wide.bytes).toEqual(content(wide.tensor));
    expect(wide.cuts).toEqual([0, 48]);
    expect(rooms[0].every((byte) => byte === 0)).toBe(true);
  });

  it("reads what has no rooms along with neighbours that have some", async () => {
    const rooms = [new Uint8Array(64), new Uint8Array(64)];
    for (const source of [file, onDisk]) {
      const reads: Read[] = [];
      const matrices = [0, 20].map((offset) => ({ ...sink(tensor([0, offset, 10])), rooms }));
      const vector = sink(tensor([0, 10, 10]));
      await streamTensors([source(1000, reads)], [...matrices, vector], { pieceBytes: 64 });
      expect(reads).toEqual([{ offset: 0, length: 30 }]);
      expect(vector.bytes).toEqual(content(vector.tensor));
    }
  });

  it("makes no more requests of a server because rooms are small", async () => {
    const rooms = [new Uint8Array(16)];
    const counts = [];
    for (const source of [file, onDisk]) {
      const reads: Read[] = [];
      await streamTensors([source(1000, reads)], [{ ...sink(tensor([0, 0, 64])), rooms }], { pieceBytes: 64 });
      counts.push(reads.length);
    }
    expect(counts).toEqual([1, 4]);
  });

  it("joins neighbours into one read, and does not read a wide gap between two", async () => {
    const reads: Read[] = [];
    const sinks = [sink(tensor([0, 0, 10])), sink(tensor([0, 12, 10])), sink(tensor([0, 600, 10]))];
    await streamTensors([file(1000, reads)], sinks, { pieceBytes: 640 });
    expect(reads).toEqual([
      { offset: 0, length: 22 },
      { offset: 600, length: 10 },
    ]);
  });

  it("cuts at multiples of the granule, and never below one", async () => {
    const one = sink(tensor([0, 0, 96]), 24);
    await streamTensors([file(1000)], [one], { pieceBytes: 50 });
    expect(one.cuts).toEqual([0, 48]);
    const wide = sink(tensor([0, 0, 96]), 48);
    await streamTensors([file(1000)], [wide], { pieceBytes: 10 });
    expect(wide.cuts).toEqual([0, 48]);
  });

  it("counts the bytes delivered up to their total", async () => {
    const seen: [number, number][] = [];
    const onBytes = (loaded: number, total: number): number => seen.push([loaded, total]);
    await streamTensors([file(1000)], [sink(tensor([0, 0, 100], [0, 300, 50]))], { pieceBytes: 64, onBytes });
    expect(seen.at(-1)).toEqual([150, 150]);
    expect(seen.length).toBeGreaterThan(2);
  });

  it("fails with the file's error, also when the failing piece was read ahead", async () => {
    const failing: ByteSource = {
      ...file(1000),
      async read(offset, length) {
        if (offset >= 64) throw new Error(`cannot read ${offset}`);
        return new Uint8Array(length);
      },
    };
    const reading = streamTensors([failing], [sink(tensor([0, 0, 200]))], { pieceBytes: 64 });
    await expect(reading).rejects.toThrow("cannot read 64");
  });

  it("stops between two pieces when aborted", async () => {
    const controller = new AbortController();
    const reads: Read[] = [];
    const onBytes = (): void => controller.abort(new Error("enough"));
    const reading = streamTensors([file(1000, reads)], [sink(tensor([0, 0, 900]))], {
      pieceBytes: 100,
      onBytes,
      signal: controller.signal,
    });
    await expect(reading).rejects.toThrow("enough");
    // One piece delivered, three read ahead, and the next one asked for.
    expect(reads.length).toBeLessThanOrEqual(5);
  });
});
