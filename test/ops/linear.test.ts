// linear and expertLinear, in every format and both arithmetic modes.
import { describe, expect, it } from "vitest";
import { blockFormats, type FormatName } from "../../src/blocks/formats.ts";
import { builds, gap, type Matrix, type Rig, randomBlocks, randomMatrix, rigs, seeded } from "./harness.ts";

const formats = Object.keys(blockFormats) as FormatName[];
const integer = new Set<FormatName>(["Q4_0", "Q8_0", "Q4_K", "Q5_K", "Q6_K"]);
const T = 7;
const ROWS = 24;
const COLS = 512;

function weights(format: FormatName, experts = 1): Matrix {
  const random = seeded(format.length + experts);
  return { rows: ROWS, cols: COLS, experts, format, data: randomBlocks(format, experts * ROWS * COLS, random) };
}

/** Typical size of the largest results: the length of a row of weights times the size of an activation. */
function scaleOf({ ops, memory, weight }: Rig): number {
  const { rows, cols } = weight("w");
  const w = memory.read(
    ops.embed(
      Int32Array.from({ length: rows }, (_, i) => i),
      weight("w"),
    ),
  );
  const lengths = Array.from({ length: rows }, (_, r) => Math.hypot(...w.subarray(r * cols, (r + 1) * cols)));
  return Math.max(...lengths);
}

describe("linear", () => {
  it.each(formats)("%s: the kernels agree with the reference", (format) => {
    const [reference, wasm] = rigs({ w: weights(format), x: randomMatrix(T, COLS, 5) });
    const [want, have] = [reference, wasm].map((rig) =>
      rig.memory.read(rig.ops.linear(rig.tensor("x"), rig.weight("w"))),
    );
    // 512 terms summed in another order: a few times √512 · 2⁻²⁴ of the typical size.
    expect(gap(have, want)).toBeLessThan(1e-5 * scaleOf(reference));
  });

  it.each(formats)("%s: int8 activations cost less than 1 % of the typical result", (format) => {
    const matrices = { w: weights(format), x: randomMatrix(T, COLS, 5) };
    const [reference, wasm] = rigs(matrices, { mode: "int8" });
    const [want, have] = [reference, wasm].map((rig) =>
      rig.memory.read(rig.ops.linear(rig.tensor("x"), rig.weight("w"))),
    );
    const relative = gap(have, want) / scaleOf(reference);
    // Rounding to 1/127 of a block's largest value: at most 0.4 % of it per activation, with random signs.
    expect(relative).toBeLessThan(0.01);
    // The formats without an integer dot keep float32 activations; the others must show that they did not.
    if (integer.has(format)) expect(relative).toBeGreaterThan(1e-5);
    else expect(relative).toBeLessThan(1e-5);
  });

  it("keeps float32 activations for a router in int8 mode", () => {
    const matrices = { w: { ...weights("Q8_0"), role: "router" as const }, x: randomMatrix(T, COLS, 5) };
    const [reference, wasm] = rigs(matrices, { mode: "int8" });
    const [want, have] = [reference, wasm].map((rig) =>
      rig.memory.read(rig.ops.linear(rig.tensor("x"), rig.weight("w"))),
    );
    expect(gap(have, want)).toBeLessThan(1e-5 * scaleOf(reference));
  });

  it("multiplies int8 blocks exactly: integers come back as integers", () => {
    // Weights −8 … 7 with scale 1, activations that are multiples of 1/127 of their largest: nothing is rounded.
    const data = new Uint8Array(18 * 2);
    for (const block of [0, 18]) {
      new DataView(data.buffer).setUint16(block, 0x3c00, true);
      for (let i = 0; i < 16; i++) data[block + 2 + i] = (i % 16) | ((15 - i) << 4);
    }
    const x = Float32Array.from({ length: 64 }, (_, i) => (i % 32 === 0 ? 127 : ((i * 37) % 255) - 127));
    const want = x.reduce((sum, value, i) => sum + value * ((i % 32 < 16 ? i % 16 : 15 - (i % 16)) - 8), 0);
    const [, wasm] = rigs(
      { w: { rows: 1, cols: 64, format: "Q4_0", data }, x: { rows: 1, cols: 64, data: x } },
      { mode: "int8" },
    );
    expect([...wasm.memory.read(wasm.ops.linear(wasm.tensor("x"), wasm.weight("w")))]).toEqual([want]);
  });

  it.each(builds)("rounds activations to the nearest integer, ties to even, %s", (build) => {
    // Row r has the one weight 1 in column r, so the result is activation r as it was rounded; 127 makes the scale 1.
    const data = new Uint8Array(32 * 34);
    for (let row = 0; row < 32; row++) {
      new DataView(data.buffer).setUint16(row * 34, 0x3c00, true);
      data[row * 34 + 2 + row] = 1;
    }
    const x = new Float32Array(32);
    x.set([127, 0.5, 1.5, 2.5, -0.5, -1.5, -0.6, 0.4, 126.6, -126.5, 63.49]);
    const matrices: Record<string, Matrix> = {
      w: { rows: 32, cols: 32, format: "Q8_0", data },
      x: { rows: 1, cols: 32, data: x },
    };
    const [, { ops, memory, tensor, weight }] = rigs(matrices, { mode: "int8", build });
    const rounded = [...memory.read(ops.linear(tensor("x"), weight("w")))].slice(0, 11).map((value) => value + 0);
    expect(rounded).toEqual([127, 0, 2, 2, 0, -2, -1, 0, 127, -126, 63]);
  });

  it.each(builds)("keeps an infinite or missing number visible, and exact what is merely large, %s", (build) => {
    const rows = [Number.NaN, Number.POSITIVE_INFINITY, 4e6];
    const x = new Float32Array(rows.length * COLS).fill(0.5);
    for (const [t, value] of rows.entries()) x[t * COLS + 40] = value;
    for (const format of ["Q4_0", "Q8_0", "Q4_K", "Q6_K"] as const) {
      const matrices: Record<string, Matrix> = { w: weights(format), x: { rows: rows.length, cols: COLS, data: x } };
      const [reference, wasm] = rigs(matrices, { mode: "int8", build });
      const [want, have] = [reference, wasm].map((rig) =>
        rig.memory.read(rig.ops.linear(rig.tensor("x"), rig.weight("w"))),
      );
      expect(
        [...have.subarray(0, 2 * ROWS)].every((value) => !Number.isFinite(value)),
        format,
      ).toBe(true);
      const large = 4e6 * scaleOf(reference);
      expect(gap(have.subarray(2 * ROWS), want.subarray(2 * ROWS)), format).toBeLessThan(0.01 * large);
    }
  });

  it("survives activations of zero and near the smallest float", () => {
    const x = new Float32Array(T * COLS);
    x.fill(1e-42, COLS, 2 * COLS);
    const [, wasm] = rigs({ w: weights("Q4_0"), x: { rows: T, cols: COLS, data: x } }, { mode: "int8" });
    const y = wasm.memory.read(wasm.ops.linear(wasm.tensor("x"), wasm.weight("w")));
    expect([...y].every((value) => Math.abs(value) < 1e-30)).toBe(true);
  });
});

describe("expertLinear", () => {
  const EXPERTS = 5;
  const K = 2;
  for (const mode of ["exact", "int8"] as const) {
    it.each(["F32", "Q4_0", "Q4_K", "IQ4_XS"] as FormatName[])(
      `%s, ${mode}: gives linear's bits, choice by choice`,
      (format) => {
        const stacked = weights(format, EXPERTS);
        const slab = stacked.data.byteLength / EXPERTS;
        const bytes = new Uint8Array(stacked.data.buffer);
        const matrices: Record<string, Matrix> = {
          stacked,
          x: randomMatrix(T, COLS, 9),
          z: randomMatrix(T * K, COLS, 11),
          scores: randomMatrix(T, EXPERTS - 1, 3), // the last expert is never chosen
        };
        for (let e = 0; e < EXPERTS; e++) {
          matrices[`expert${e}`] = { rows: ROWS, cols: COLS, format, data: bytes.slice(e * slab, (e + 1) * slab) };
        }
        for (const { name, ops, memory, tensor, weight } of rigs(matrices, { mode })) {
          const ids = ops.topK(tensor("scores"), K);
          const chosen = memory.readIds(ids);
          const shared = memory.read(ops.expertLinear(tensor("x"), weight("stacked"), ids));
          const perChoice = memory.read(ops.expertLinear(tensor("z"), weight("stacked"), ids));
          for (let choice = 0; choice < T * K; choice++) {
            const expert = weight(`expert${chosen[choice]}`);
            const rows = [choice * ROWS, (choice + 1) * ROWS] as const;
            const token = ops.rows(tensor("x"), Math.floor(choice / K), 1);
            expect(shared.subarray(...rows), `${name}, choice ${choice}`).toEqual(
              memory.read(ops.linear(token, expert)),
            );
            const own = ops.rows(tensor("z"), choice, 1);
            expect(perChoice.subarray(...rows), `${name}, choice ${choice}`).toEqual(
              memory.read(ops.linear(own, expert)),
            );
          }
        }
      },
    );
  }
});
