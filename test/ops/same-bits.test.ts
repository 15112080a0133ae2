// Ops whose order of operations leaves no freedom: the kernels give the reference's bits.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { blockFormats, type FormatName } from "../../src/blocks/formats.ts";
import type { ConvState, ExpertIds, Ops, Tensor } from "../../src/ops/ops.ts";
import { type Matrix, numbers, type Rig, randomBlocks, rigs, seeded } from "./harness.ts";

const ROWS = 5;
const COLS = 12;

/** What both backends make of the same inputs x, y [5, 12] and vector v [1, 12]. */
function expectSameBits(compute: (ops: Ops, x: Tensor, y: Tensor, rig: Rig) => Tensor | ExpertIds, most = 30): void {
  fc.assert(
    fc.property(numbers(ROWS * COLS, most), numbers(ROWS * COLS, most), numbers(COLS), (x, y, v) => {
      const matrices: Record<string, Matrix> = {
        x: { rows: ROWS, cols: COLS, data: x },
        y: { rows: ROWS, cols: COLS, data: y },
        v: { rows: 1, cols: COLS, data: v, role: "vector" },
      };
      const [reference, wasm] = rigs(matrices).map((rig) => {
        const result = compute(rig.ops, rig.tensor("x"), rig.tensor("y"), rig);
        return "k" in result ? rig.memory.readIds(result) : rig.memory.read(result);
      });
      expect(wasm).toEqual(reference);
      expect(wasm.length).toBeGreaterThan(0);
    }),
    { numRuns: 40 },
  );
}

describe("the kernels give the reference's bits", () => {
  it("add", () => expectSameBits((ops, x, y) => ops.add(x, y)));
  it("mul", () => expectSameBits((ops, x, y) => ops.mul(x, y)));
  it("mul of two slices of one tensor", () =>
    expectSameBits((ops, x) => {
      const [a, b, c] = ops.split(x, 3);
      return ops.mul(ops.mul(a, b), c);
    }));
  it("scale", () => expectSameBits((ops, x) => ops.scale(x, 2.5)));
  it("addBias", () => expectSameBits((ops, x, _, rig) => ops.addBias(x, rig.weight("v"))));
  it("sigmoid, far into both tails", () => expectSameBits((ops, x) => ops.sigmoid(x), 120));
  it("swiglu", () => expectSameBits((ops, x, y) => ops.swiglu(x, y), 120));
  it("topK", () => expectSameBits((ops, x) => ops.topK(x, 4)));
  it("gather", () => expectSameBits((ops, x, y) => ops.gather(y, ops.topK(x, 4))));
  it("normalize", () => expectSameBits((ops, x) => ops.normalize(ops.sigmoid(x), 1e-6)));
  it("weightedSum", () =>
    expectSameBits((ops, x, y) => {
      const weights = ops.split(ops.rows(y, 0, 1), 3)[0]; // [1, 4]
      return ops.weightedSum(ops.rows(x, 1, 4), weights);
    }));
  it("rows", () => expectSameBits((ops, x) => ops.rows(x, 2, 2)));
});

describe("rope", () => {
  it.each([0, 1, 1000, 127_990])("gives the reference's bits from position %i on", (start) => {
    const inverseFrequency = Float32Array.from({ length: 3 }, (_, j) => 5e6 ** (-j / 3));
    const positions = Int32Array.from({ length: ROWS }, (_, t) => start + t);
    for (const attentionFactor of [1, Math.fround(1.1386)]) {
      expectSameBits((ops, x) => ops.rope(x, ops.angles(positions, { inverseFrequency, attentionFactor })));
    }
  });
});

describe("causalConv", () => {
  const layer = "model.layers.0";
  const run = ({ ops, memory, tensor, weight, backend }: Rig, pieces: readonly number[]): number[] => {
    const state = backend.states[0] as ConvState;
    const out: number[] = [];
    let at = 0;
    for (const count of pieces) {
      out.push(
        ...memory.read(ops.causalConv(ops.rows(tensor("x"), at, count), weight("taps"), [{ rows: count, state }])),
      );
      memory.commit([state]);
      at += count;
    }
    return out;
  };
  const make = (width: number, x: Float32Array, taps: Float32Array): [Rig, Rig] =>
    rigs(
      {
        x: { rows: 9, cols: 4, data: x },
        taps: { rows: 4, cols: width, data: taps, role: "vector" },
      },
      { states: [{ type: "conv", layer, width, cols: 4, spare: 3 }] },
    );

  it.each([2, 3, 4])("gives the reference's bits, and the same in any pieces, width %i", (width) => {
    fc.assert(
      fc.property(numbers(36), numbers(4 * width), fc.integer({ min: 1, max: 8 }), (x, taps, cut) => {
        const [whole] = make(width, x, taps).map((rig) => run(rig, [9]));
        for (const pieces of [[9], [cut, 9 - cut], Array(9).fill(1)]) {
          for (const rig of make(width, x, taps)) expect(run(rig, pieces)).toEqual(whole);
        }
      }),
      { numRuns: 20 },
    );
  });

  it("is a cross-correlation: the last tap meets the current position", () => {
    const x = new Float32Array(36);
    x.set([1, 2, 3, 4], 8); // row 2
    const taps = Float32Array.from([10, 100, 1000, 20, 200, 2000, 30, 300, 3000, 40, 400, 4000]);
    for (const rig of make(3, x, taps)) {
      const y = run(rig, [9]);
      expect(y.slice(8, 12)).toEqual([1000, 4000, 9000, 16000]);
      expect(y.slice(12, 16)).toEqual([100, 400, 900, 1600]);
      expect(y.slice(16, 20)).toEqual([10, 40, 90, 160]);
    }
  });

  it("takes effect only when committed", () => {
    for (const rig of make(3, new Float32Array(36).fill(1), new Float32Array(12).fill(1))) {
      const state = rig.backend.states[0] as ConvState;
      const first = () => [
        ...rig.memory.read(rig.ops.causalConv(rig.tensor("x"), rig.weight("taps"), [{ rows: 9, state }])),
      ];
      expect(first()).toEqual(first());
      rig.memory.commit([state]);
      expect(first()[0]).toBe(3);
      rig.memory.reset([state]);
      expect(first()[0]).toBe(1);
    }
  });
});

describe("embed", () => {
  it("decodes MXFP4's two subnormal exponents", () => {
    const data = randomBlocks("MXFP4", 4 * 32, seeded(1));
    for (const [block, exponent] of [0, 1, 2, 254].entries()) data[block * 17] = exponent;
    const [reference, wasm] = rigs({ w: { rows: 4, cols: 32, format: "MXFP4", data } }).map((rig) =>
      rig.memory.read(rig.tensor("w")),
    );
    expect(wasm).toEqual(reference);
    expect(reference.subarray(0, 32).some((value) => value !== 0)).toBe(true);
  });

  it.each(Object.keys(blockFormats) as FormatName[])("decodes %s to the bits of src/blocks", (format) => {
    const random = seeded(format.length * 31 + format.charCodeAt(2));
    for (let round = 0; round < 8; round++) {
      const data = randomBlocks(format, 4 * 512, random);
      const [reference, wasm] = rigs({ w: { rows: 4, cols: 512, format, data } }).map((rig) =>
        rig.memory.read(rig.tensor("w")),
      );
      expect(wasm).toEqual(reference);
      expect(reference.some((value) => value !== 0)).toBe(true);
    }
  });
});
