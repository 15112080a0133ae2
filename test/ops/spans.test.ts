// Rows of several sequences in one call: each row has the bits that it has when its sequence is alone.
import { describe, expect, it } from "vitest";
import type { ConvState, KvCache, Ops, Tensor } from "../../src/ops/ops.ts";
import { type Rig, type RigOptions, randomMatrix, rigs } from "./harness.ts";

const HEAD_DIM = 16;
const COLS = 2 * HEAD_DIM;
const ROWS = 80;

/** Which rows of the matrices a sequence gets next, and where in it they stand. */
interface Piece {
  readonly sequence: number;
  readonly row: number;
  readonly rows: number;
  readonly start: number;
}
const earlier: readonly Piece[] = [
  { sequence: 0, row: 0, rows: 3, start: 0 },
  { sequence: 2, row: 3, rows: 40, start: 0 },
];
const shared: readonly Piece[] = [
  { sequence: 0, row: 43, rows: 1, start: 3 },
  { sequence: 1, row: 44, rows: 34, start: 0 },
  { sequence: 2, row: 78, rows: 2, start: 40 },
];

type Compute = (rig: Rig, rows: (name: string) => Tensor, pieces: readonly Piece[]) => Tensor;

/** What the shared rows give in one call, and in a call for each sequence. */
function bothWays(make: () => Rig, compute: Compute): number[][] {
  return [[shared], shared.map((piece) => [piece])].map((calls) => {
    const rig = make();
    const results: number[] = [];
    for (const pieces of [...earlier.map((piece) => [piece]), ...calls]) {
      const count = pieces.reduce((sum, { rows }) => sum + rows, 0);
      const y = compute(rig, (name) => rig.ops.rows(rig.tensor(name), pieces[0].row, count), pieces);
      if (pieces[0].row >= shared[0].row) results.push(...rig.memory.read(y));
    }
    return results;
  });
}

function expectSame(matrices: Parameters<typeof rigs>[0], options: RigOptions, compute: Compute): void {
  for (const backend of [0, 1]) {
    const [together, alone] = bothWays(() => rigs(matrices, options)[backend], compute);
    expect(together.length).toBeGreaterThan(shared.length * COLS);
    expect(together).toEqual(alone);
  }
}

describe("several sequences in one call", () => {
  it.each(["f32", "f16", "int8"] as const)("attention over caches of type %s", (kvType) => {
    const matrices = {
      q: randomMatrix(ROWS, 3 * COLS, 1, 4),
      k: randomMatrix(ROWS, COLS, 2, 2),
      v: randomMatrix(ROWS, COLS, 3, 3),
    };
    const states = [0, 1, 2].map((i) => {
      const layer = `model.layers.${i}`;
      return { type: "full_attention", layer, capacity: 50, cols: COLS, headDim: HEAD_DIM } as const;
    });
    expectSame(matrices, { kvType, states }, ({ ops, backend }, rows, pieces) => {
      const spans = pieces.map(({ sequence, rows, start }) => {
        return { rows, start, stored: start, cache: backend.states[sequence] as KvCache, pages: [0, 1] };
      });
      return ops.attention(rows("q"), rows("k"), rows("v"), spans, HEAD_DIM);
    });
  });

  it.each([2, 3, 4])("causalConv of width %i", (width) => {
    const matrices = {
      x: randomMatrix(ROWS, COLS, 1),
      taps: { ...randomMatrix(COLS, width, 2), role: "vector" as const },
    };
    const states = [0, 1, 2].map(
      (i) => ({ type: "conv", layer: `model.layers.${i}`, width, cols: COLS, spare: 2 }) as const,
    );
    expectSame(matrices, { states }, ({ ops, memory, backend, weight }, rows, pieces) => {
      const spans = pieces.map(({ sequence, rows }) => ({ rows, state: backend.states[sequence] as ConvState }));
      const y = ops.causalConv(rows("x"), weight("taps"), spans);
      memory.commit(spans.map(({ state }) => state));
      return y;
    });
  });

  it("rope, each row by its own position", () => {
    const inverseFrequency = Float32Array.from({ length: HEAD_DIM / 2 }, (_, j) => 5e6 ** (-j / HEAD_DIM));
    const turn = (ops: Ops, x: Tensor, pieces: readonly Piece[]): Tensor => {
      const positions = pieces.flatMap(({ rows, start }) => Array.from({ length: rows }, (_, t) => start + t));
      return ops.rope(x, ops.angles(Int32Array.from(positions), { inverseFrequency, attentionFactor: 1 }));
    };
    expectSame({ x: randomMatrix(ROWS, COLS, 1) }, {}, ({ ops }, rows, pieces) => turn(ops, rows("x"), pieces));
  });
});
