// Products in float32 add in a defined order, whatever the format, the build and the number of tokens beside one another.
import { describe, expect, it } from "vitest";
import { blockFormats, decodeRow, type FormatName, rowBytes } from "../../src/blocks/formats.ts";
import { builds, type Matrix, randomBlocks, randomMatrix, rigs, seeded } from "./harness.ts";

const formats = Object.keys(blockFormats) as FormatName[];
const ROWS = 13; // a strip of eight rows, one of five; two streams, of which one ends early
const fround = Math.fround;

/** Sixteen partial sums, of columns i mod 16; those beyond the last whole sixteen join the first four. */
function dot(a: Float32Array, b: Float32Array): number {
  const sums = new Float32Array(16);
  const whole = a.length - (a.length % 16);
  for (let i = 0; i < a.length; i++) sums[i < whole ? i % 16 : i % 4] += fround(a[i] * b[i]);
  const four = [0, 1, 2, 3].map((i) => fround(fround(sums[i] + sums[i + 4]) + fround(sums[i + 8] + sums[i + 12])));
  return fround(fround(four[0] + four[1]) + fround(four[2] + four[3]));
}

function expected({ format = "F32", data, rows, cols }: Matrix, x: Float32Array): Float32Array {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const y = new Float32Array((x.length / cols) * rows);
  for (let r = 0; r < rows; r++) {
    const row = new Float32Array(cols);
    decodeRow(blockFormats[format], bytes, r * rowBytes(blockFormats[format], cols), row, cols);
    for (let t = 0; t * cols < x.length; t++) y[t * rows + r] = dot(row, x.subarray(t * cols, (t + 1) * cols));
  }
  return y;
}

function matrix(format: FormatName, cols: number): Matrix {
  return { rows: ROWS, cols, format, data: randomBlocks(format, ROWS * cols, seeded(cols + format.length)) };
}

describe.each(builds)("linear in exact mode, %s", (build) => {
  const product = (w: Matrix, x: Matrix, tokens: number): Float32Array => {
    const [, { ops, memory, tensor, weight }] = rigs({ w, x }, { build });
    return memory.read(ops.linear(ops.rows(tensor("x"), 0, tokens), weight("w")));
  };
  const check = (w: Matrix, x: Matrix): void => {
    for (let tokens = 1; tokens <= x.rows; tokens++) {
      const rows = (x.data as Float32Array).subarray(0, tokens * w.cols);
      expect(product(w, x, tokens), `${tokens} tokens`).toEqual(expected(w, rows));
    }
  };

  // 768 columns are a piece of 512 and half a piece.
  it.each(formats)("%s: the same additions for any number of tokens", (format) => {
    check(matrix(format, 768), randomMatrix(5, 768, 3));
  });

  it.each([4, 12, 20, 512, 540])("the same additions with %i columns", (cols) => {
    for (const format of ["F32", "F16", "BF16"] as const) check(matrix(format, cols), randomMatrix(3, cols, 3));
  });

  it("the same additions for more tokens than are summed at a time", () => {
    const [w, x] = [matrix("Q4_0", 32), randomMatrix(67, 32, 3)];
    expect(product(w, x, 67)).toEqual(expected(w, x.data as Float32Array));
  });

  it("multiplies every finite half, subnormals included, by large and by small numbers", () => {
    const halves = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((bits) => (bits & 0x7c00) !== 0x7c00);
    const w: Matrix = { rows: 248, cols: 256, format: "F16", data: new Uint8Array(halves.buffer) };
    for (const [size, tokens] of [
      [1, 2],
      [1, 1],
      [65535.99609375, 1],
      [65536, 1],
      [1e30, 1],
      [1e-36, 1],
    ]) {
      const x = randomMatrix(tokens, 256, 5);
      (x.data as Float32Array).fill(size, 7, 8);
      expect(product(w, x, tokens), `${size}`).toEqual(expected(w, x.data as Float32Array));
    }
  });
});

describe.each(["F16", "BF16"] as const)("%s", (format) => {
  it.each(builds)("decodes all 65,536 numbers, infinities and NaN included, %s", (build) => {
    const data = new Uint8Array(Uint16Array.from({ length: 65536 }, (_, i) => i).buffer);
    const w: Matrix = { rows: 256, cols: 256, format, data };
    const [reference, wasm] = rigs({ w }, { build }).map((rig) => rig.memory.read(rig.tensor("w")));
    expect(wasm).toEqual(reference);
  });
});
