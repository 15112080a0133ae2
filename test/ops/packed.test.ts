// Packed weights: the values of the file, and the same bits from every build, for one token and for many.
import { describe, expect, it } from "vitest";
import { blockFormats, type FormatName } from "../../src/blocks/formats.ts";
import type { PlacedWeight } from "../../src/ops/backend.ts";
import { isRelaxed } from "../../src/wasm/kernels.ts";
import { activationBytes } from "../../src/wasm/sizes.ts";
import {
  type Build,
  builds,
  instantiate,
  type Matrix,
  type Rig,
  randomBlocks,
  randomMatrix,
  rigs,
  seeded,
} from "./harness.ts";

const formats = ["Q4_0", "Q8_0", "Q4_K", "Q5_K", "Q6_K"] as const;
const ROWS = 40; // five strips: an odd number, so that one of a walk's two streams ends early
const COLS = 512;
const EXPERTS = 5;
const T = 11; // more than two tiles, which have two, three or four tokens

/** Bytes of a block that are weights, not scales: from where, and up to where. */
const numbersIn = { Q4_0: [2, 18], Q8_0: [2, 34], Q4_K: [16, 144], Q5_K: [16, 176], Q6_K: [0, 192] } as const;

function weights(format: FormatName, experts = 1): Matrix {
  const data = randomBlocks(format, experts * ROWS * COLS, seeded(experts + format.length));
  return { rows: ROWS, cols: COLS, experts, format, data };
}

const kernelRig = (matrices: Record<string, Matrix>, build: Build): Rig => rigs(matrices, { mode: "int8", build })[1];

describe.each(builds)("%s", (build) => {
  it.each(formats)("%s: a packed row is the file's row, bit for bit", (format) => {
    const [reference, wasm] = rigs({ w: weights(format) }, { mode: "int8", build });
    expect(wasm.memory.read(wasm.tensor("w"))).toEqual(reference.memory.read(reference.tensor("w")));
  });

  it("a result that was rounded at once gives the product of its numbers, also of others written over them", () => {
    const matrices = { w: weights("Q4_0"), gate: randomMatrix(T, COLS, 5), up: randomMatrix(T, COLS, 6) };
    const { ops, memory, tensor, weight } = kernelRig(matrices, build);
    const activated = ops.swiglu(tensor("gate"), tensor("up"));
    const product = (numbers: Float32Array): Float32Array => {
      const written = ops.add(tensor("up"), tensor("up"));
      memory.overwrite(written, numbers);
      return memory.read(ops.linear(written, weight("w")));
    };
    const numbers = memory.read(activated);
    expect(memory.read(ops.linear(activated, weight("w")))).toEqual(product(numbers));
    const others = numbers.map((number) => 3 - number);
    memory.overwrite(activated, others);
    expect(memory.read(ops.linear(activated, weight("w")))).toEqual(product(others));
  });

  it.each(formats)(
    "%s: rows read into a room of the bank are the same, and an infinite scale is found there, too",
    (format) => {
      const matrix = weights(format);
      const blocks = matrix.data as Uint8Array;
      const [reference, wasm] = rigs({ w: matrix }, { mode: "int8", build });
      const placed = wasm.backend.weights.get("w") as PlacedWeight;
      const [room] = placed.rooms ?? [];
      const write = (bytes: Uint8Array): number => {
        room.set(bytes);
        return placed.write(0, room.subarray(0, bytes.length));
      };
      expect(write(blocks)).toBe(-1);
      expect(wasm.memory.read(wasm.tensor("w"))).toEqual(reference.memory.read(reference.tensor("w")));
      const { blockBytes, blockLength, exponents } = blockFormats[format];
      for (const { offset } of exponents) {
        const damaged = blocks.slice();
        const block = Math.floor(blocks.length / blockBytes) - 3;
        new DataView(damaged.buffer).setUint16(block * blockBytes + offset, 0x7c00, true);
        const found = placed.write(0, damaged);
        expect(Math.floor(found / blockLength)).toBe(block);
        expect(write(damaged)).toBe(found);
      }
    },
  );

  it.each(formats)("%s: a token's bits do not depend on how many tokens are beside it", (format) => {
    const { ops, memory, tensor, weight } = kernelRig({ w: weights(format), x: randomMatrix(T, COLS, 5) }, build);
    const alone = Array.from({ length: T }, (_, t) => [
      ...memory.read(ops.linear(ops.rows(tensor("x"), t, 1), weight("w"))),
    ]);
    for (let count = 2; count <= T; count++) {
      const together = memory.read(ops.linear(ops.rows(tensor("x"), 0, count), weight("w")));
      expect([...together], `${count} tokens`).toEqual(alone.slice(0, count).flat());
    }
  });

  it.each(formats)("%s: nor on how many of them choose the same expert", (format) => {
    // Token t chooses expert e if it scores highest: one is chosen by one token, another by two, … and the last by five.
    const choices = [0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4];
    const scores = Float32Array.from({ length: choices.length * EXPERTS }, (_, i) =>
      Number(choices[Math.floor(i / EXPERTS)] === i % EXPERTS),
    );
    const matrices: Record<string, Matrix> = {
      stacked: weights(format, EXPERTS),
      x: randomMatrix(choices.length, COLS, 5),
      scores: { rows: choices.length, cols: EXPERTS, data: scores },
    };
    const { ops, memory, tensor, weight } = kernelRig(matrices, build);
    const product = (from: number, count: number): number[] => {
      const chosen = ops.topK(ops.rows(tensor("scores"), from, count), 1);
      return [...memory.read(ops.expertLinear(ops.rows(tensor("x"), from, count), weight("stacked"), chosen))];
    };
    expect(product(0, choices.length)).toEqual(choices.flatMap((_, t) => product(t, 1)));
  });

  it("rounds activations to the nearest of 127 steps either way, ties to even, block by block", () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    const [to, x] = [1024, 16384];
    const ties = [127, 0.5, 1.5, -0.5, -1.5, -2.5, 126.5, -127, -0];
    const blocks = [ties, randomMatrix(1, 32, 9).data, [1e-42, -1e-43], [], [1e30, 3], [2, Number.NaN], [-Infinity, 1]];
    const numbers = new Float32Array(memory.buffer, x, 32 * blocks.length);
    blocks.forEach((block, i) => {
      numbers.set(block, 32 * i);
    });
    instantiate(memory, build).quantize(to, x, 0, blocks.length);
    blocks.forEach((_, i) => {
      const own = numbers.subarray(32 * i, 32 * i + 32);
      const scale = Math.fround(own.reduce((most, number) => Math.max(most, Math.abs(number)), 0) / 127);
      const at = to + i * activationBytes(isRelaxed(build), 32);
      const view = new DataView(memory.buffer, at);
      expect(view.getFloat32(0, true)).toBe(scale);
      if (!Number.isFinite(scale)) return; // makes every product infinite or NaN, whatever the steps
      const inverse = scale < 1.17549435e-38 ? 0 : Math.fround(1 / scale);
      // Adding this rounds a double to an integer, ties to even.
      const expected = [...own].map((number) => Math.fround(number * inverse) + 2 ** 52 * 1.5 - 2 ** 52 * 1.5 + 0);
      const found = expected.map((_, c) => {
        const inFour = [0, 2, 1, 3][c % 4];
        return isRelaxed(build) ? view.getInt8(16 + c) : view.getInt16(16 + 2 * (c - (c % 4) + inFour), true);
      });
      expect(found).toEqual(expected);
    });
  });

  it("makes activations of the size that memory is planned for", () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    const bytes = new Uint8Array(memory.buffer);
    const [to, x, cols] = [1024, 16384, 96];
    new Float32Array(memory.buffer, x, cols).fill(-1); // as −127 in int8, and sums of them: no byte of it is UNTOUCHED
    const UNTOUCHED = 0x55;
    bytes.fill(UNTOUCHED, to, x);
    instantiate(memory, build).quantize(to, x, 0, cols / 32);
    expect(bytes.subarray(to, x).findLastIndex((byte) => byte !== UNTOUCHED) + 1).toBe(
      activationBytes(isRelaxed(build), cols),
    );
  });
});

describe("all builds", () => {
  it.each(formats)("%s: give the same bits for matrices and for experts", (format) => {
    const matrices = {
      w: weights(format),
      stacked: weights(format, EXPERTS),
      x: randomMatrix(T, COLS, 5, 3),
      scores: randomMatrix(T, EXPERTS, 6),
    };
    const results = builds.map((build) => {
      const { ops, memory, tensor, weight } = kernelRig(matrices, build);
      const chosen = ops.topK(tensor("scores"), 2);
      return {
        linear: memory.read(ops.linear(tensor("x"), weight("w"))),
        experts: memory.read(ops.expertLinear(tensor("x"), weight("stacked"), chosen)),
      };
    });
    for (const [i, result] of results.entries()) expect(result, builds[i]).toEqual(results[0]);
    // On an engine with one build there is nothing to compare; say so rather than pass silently.
    if (builds.length === 1) console.info("this engine has no relaxed SIMD: one build only");
  });

  it.each(formats)("%s: extreme weights times the largest activations stay within 16 bits", (format) => {
    const { blockBytes, exponents } = blockFormats[format];
    const data = new Uint8Array((weights(format).data as Uint8Array).length).fill(0xff);
    const view = new DataView(data.buffer);
    for (const bits of [0xff, 0]) {
      for (let at = 0; at < data.length; at += blockBytes) {
        data.subarray(at, at + blockBytes).fill(bits, ...numbersIn[format]);
        for (const { offset } of exponents) view.setUint16(at + offset, 0x2c00, true);
      }
      for (const sign of [1, -1]) {
        const matrices: Record<string, Matrix> = {
          w: { rows: ROWS, cols: COLS, format, data },
          x: { rows: T, cols: COLS, data: new Float32Array(T * COLS).fill(sign) },
        };
        const results = builds.map((build) => {
          const { ops, memory, tensor, weight } = kernelRig(matrices, build);
          return memory.read(ops.linear(tensor("x"), weight("w")));
        });
        for (const [i, result] of results.entries()) expect(result, builds[i]).toEqual(results[0]);
      }
    }
  });

  it("multiply Q8_0 weights of −128 exactly", () => {
    // Scale 1, every weight −128, activations that are multiples of 1/127 of their largest.
    const data = new Uint8Array(8 * 34).fill(0x80);
    for (let row = 0; row < 8; row++) new DataView(data.buffer).setUint16(row * 34, 0x3c00, true);
    const x = Float32Array.from({ length: 32 }, (_, i) => (i === 0 ? 127 : ((i * 37) % 255) - 127));
    const want = -128 * x.reduce((sum, value) => sum + value, 0);
    for (const build of builds) {
      const matrices: Record<string, Matrix> = {
        w: { rows: 8, cols: 32, format: "Q8_0", data },
        x: { rows: 1, cols: 32, data: x },
      };
      const { ops, memory, tensor, weight } = kernelRig(matrices, build);
      expect([...memory.read(ops.linear(tensor("x"), weight("w")))]).toEqual(Array(8).fill(want));
    }
  });
});

it.each(builds)("%s: rows of Q8_0 are the file's where an engine has its bytes signed, too", (build) => {
  const cols = 64;
  const { ggmlType } = blockFormats.Q8_0;
  const blocks = randomBlocks("Q8_0", 8 * cols, seeded(3));
  const read = (signed: number): Float32Array => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    const kernels = instantiate(memory, build);
    const [file, packed, ids, y, bad] = [1024, 4096, 8192, 12288, 16384];
    kernels.SIGNED_BYTES.value = signed;
    new Uint8Array(memory.buffer, file).set(blocks);
    new Int32Array(memory.buffer, ids).set([0, 1, 2, 3, 4, 5, 6, 7]);
    kernels.packRows(ggmlType, packed, file, cols, blocks.length / 8, bad, 0, 1);
    kernels.embedPacked(ggmlType, y, packed, ids, 8, cols);
    return new Float32Array(memory.buffer, y, 8 * cols).slice();
  };
  expect(read(-1)).toEqual(read(0));
});
