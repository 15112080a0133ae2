// Attention over each type of cache: the kernels against the reference, and steps of any length.
import { describe, expect, it } from "vitest";
import type { Backend, KvType } from "../../src/ops/backend.ts";
import type { KvCache, KvSpan } from "../../src/ops/ops.ts";
import { gap, type Rig, randomMatrix, rigs } from "./harness.ts";

const T = 75; // three blocks of positions, the last one partly filled
const HEAD_DIM = 16;
const HEADS = 6;
const KV_HEADS = 2;

function run({ ops, memory, tensor, backend }: Rig, pieces: readonly number[], pages = [0, 1, 2]): number[] {
  const cache = backend.states[0] as KvCache;
  const inputs = ["q", "k", "v"].map(tensor);
  const out: number[] = [];
  let at = 0;
  for (const count of pieces) {
    const [q, k, v] = inputs.map((input) => ops.rows(input, at, count));
    out.push(...memory.read(ops.attention(q, k, v, [{ rows: count, start: at, stored: at, cache, pages }], HEAD_DIM)));
    at += count;
  }
  return out;
}

/** All rows of a sequence that begins with them. */
const spanOf = ({ states }: Backend, rows: number): KvSpan => ({
  rows,
  start: 0,
  stored: 0,
  cache: states[0] as KvCache,
  pages: [0],
});

function make(kvType: KvType, seed = 1): [Rig, Rig] {
  return rigs(
    {
      q: randomMatrix(T, HEADS * HEAD_DIM, seed, 4),
      k: randomMatrix(T, KV_HEADS * HEAD_DIM, seed + 1, 2),
      v: randomMatrix(T, KV_HEADS * HEAD_DIM, seed + 2, 3),
    },
    {
      kvType,
      states: [
        { type: "full_attention", layer: "model.layers.0", capacity: 96, cols: KV_HEADS * HEAD_DIM, headDim: HEAD_DIM },
      ],
    },
  );
}

describe.each(["f32", "f16", "int8"] as const)("attention over a cache of type %s", (kvType) => {
  it("agrees with the reference, which rounds keys and values the same way", () => {
    const [want, have] = make(kvType).map((rig) => run(rig, [T]));
    // Sums of 16 products in another order, then of 75 values of size 3. Over int8, queries and weights are integers of
    // 16 bits: that may cost a hundredth of what the cache's 8 bits may cost, which is bounded below.
    expect(gap(have, want)).toBeLessThan(kvType === "int8" ? (0.02 * 3) / 100 : 5e-6);
  });

  it("gives the same bits in steps of any length", () => {
    for (const rig of make(kvType)) {
      const whole = run(rig, [T]);
      expect(run(rig, [1, 7, 40, 27])).toEqual(whole);
      expect(run(rig, Array(T).fill(1))).toEqual(whole);
    }
  });
});

describe.each(["f32", "f16", "int8"] as const)("pages of a cache of type %s", (kvType) => {
  it("may lie in any order, and be copied", () => {
    for (const rig of make(kvType)) {
      const whole = run(rig, [T]);
      expect(run(rig, [1, 40, T - 41], [1, 0, 2])).toEqual(whole);
      // The first 40 positions, with the second page in another place; the rest goes on from there.
      run(rig, [40], [0, 1]);
      rig.memory.copyPage(rig.backend.states[0] as KvCache, 1, 2);
      rig.memory.copyPage(rig.backend.states[0] as KvCache, 0, 1);
      const [q, k, v] = ["q", "k", "v"].map((name) => rig.ops.rows(rig.tensor(name), 40, T - 40));
      const cache = rig.backend.states[0] as KvCache;
      const spans = [{ rows: 24, start: 40, stored: 40, cache, pages: [1, 2] }];
      const rows = [q, k, v].map((x) => rig.ops.rows(x, 0, 24));
      const rest = rig.memory.read(rig.ops.attention(rows[0], rows[1], rows[2], spans, HEAD_DIM));
      expect([...rest]).toEqual(whole.slice(40 * HEADS * HEAD_DIM, 64 * HEADS * HEAD_DIM));
    }
  });
});

describe("positions that a cache holds already", () => {
  it.each(["f32", "f16", "int8"] as const)("keep their keys and values of type %s", (kvType) => {
    for (const rig of make(kvType)) {
      const want = run(rig, [T]).slice(40 * HEADS * HEAD_DIM);
      const { ops, memory, tensor, backend } = rig;
      const [q, k, v] = ["q", "k", "v"].map((name) => ops.rows(tensor(name), 40, T - 40));
      const [wrongK, wrongV] = [ops.scale(k, -3), ops.scale(v, 5)];
      const cache = backend.states[0] as KvCache;
      const again = (stored: number) => {
        const spans = [{ rows: T - 40, start: 40, stored, cache, pages: [0, 1, 2] }];
        return [...memory.read(ops.attention(q, wrongK, wrongV, spans, HEAD_DIM))];
      };
      expect(again(T + 3)).toEqual(want);
      expect(again(T)).toEqual(want);
      // Rows from 60 on are written, so from there on everything differs.
      const part = again(60);
      expect(part.slice(0, 20 * HEADS * HEAD_DIM)).toEqual(want.slice(0, 20 * HEADS * HEAD_DIM));
      expect(part.slice(20 * HEADS * HEAD_DIM).some((value, i) => value === want[20 * HEADS * HEAD_DIM + i])).toBe(
        false,
      );
    }
  });
});

describe("attention", () => {
  it.each([1, 2, 4, 5, 8])("serves %i query heads to a KV head", (group) => {
    for (const kvType of ["f32", "f16", "int8"] as const) {
      const cols = 2 * HEAD_DIM;
      const state = { type: "full_attention", layer: "model.layers.0", capacity: 40, cols, headDim: HEAD_DIM } as const;
      const matrices = {
        q: randomMatrix(40, group * cols, group),
        k: randomMatrix(40, cols, group + 1),
        v: randomMatrix(40, cols, group + 2, 3),
      };
      const [want, have] = rigs(matrices, { kvType, states: [state] }).map((rig) => run(rig, [1, 39]));
      expect(want.length).toBe(40 * group * cols);
      expect(gap(have, want)).toBeLessThan(kvType === "int8" ? (0.02 * 3) / 100 : 5e-6); // as above
    }
  });

  it("loses less than 2 % of the values' size to an int8 cache, and less than 0.2 % to f16", () => {
    const exact = run(make("f32")[1], [T]);
    const f16 = gap(run(make("f16")[1], [T]), exact);
    const int8 = gap(run(make("int8")[1], [T]), exact);
    expect(f16).toBeGreaterThan(0);
    expect(f16).toBeLessThan(0.002 * 3);
    expect(int8).toBeGreaterThan(f16);
    expect(int8).toBeLessThan(0.02 * 3);
  });

  it("reads one position as its value alone, and the KV head of each group", () => {
    for (const rig of make("f32")) {
      const v = rig.memory.read(rig.tensor("v"));
      const y = run(rig, [1]);
      for (let h = 0; h < HEADS; h++) {
        const kvHead = Math.floor(h / (HEADS / KV_HEADS));
        const want = [...v.subarray(kvHead * HEAD_DIM, (kvHead + 1) * HEAD_DIM)];
        expect(y.slice(h * HEAD_DIM, (h + 1) * HEAD_DIM)).toEqual(want);
      }
    }
  });

  it.each(["f16", "int8"] as const)("stores values in %s as the reference rounds them", (kvType) => {
    // One position: its weight is 1, so the output is the value as stored. Ties, subnormals, and beyond the largest.
    const awkward = [
      1, 1.00048828125, 1.00146484375, 65504, 65519, 65520, 1e6, -1e30, 6e-8, 2.98e-8, 3e-8, 6.1e-5, 0, -0, 0.1, 3,
    ];
    const values = [
      ...awkward,
      ...Array.from({ length: HEAD_DIM }, (_, i) => Math.sin(i) * 0.01),
      ...Array(HEAD_DIM).fill(0),
    ];
    const matrices = {
      q: randomMatrix(1, 3 * HEAD_DIM, 1),
      k: randomMatrix(1, 3 * HEAD_DIM, 2),
      v: { rows: 1, cols: 3 * HEAD_DIM, data: Float32Array.from(values) },
    };
    const state = {
      type: "full_attention",
      layer: "model.layers.0",
      capacity: 1,
      cols: 3 * HEAD_DIM,
      headDim: HEAD_DIM,
    } as const;
    const [want, have] = rigs(matrices, { kvType, states: [state] }).map(({ ops, memory, tensor, backend }) => {
      const [q, k, v] = ["q", "k", "v"].map(tensor);
      return memory.read(ops.attention(q, k, v, [spanOf(backend, q.rows)], HEAD_DIM));
    });
    // A weight of 1 is 32,767 units over int8: two roundings more, while a step of the cache is 2⁻⁷ of the largest.
    const rounding = kvType === "int8" ? 2 ** -22 : 0;
    for (const [i, value] of want.entries())
      expect(Math.abs(have[i] - value)).toBeLessThanOrEqual(rounding * Math.abs(value));
    expect(want.some((value, i) => value !== values[i])).toBe(true);
  });

  it("stays finite when a key is beyond half precision", () => {
    for (const kvType of ["f16", "int8"] as const) {
      for (const rig of rigs(
        {
          q: randomMatrix(2, HEAD_DIM, 1),
          k: randomMatrix(2, HEAD_DIM, 2, 1e6),
          v: randomMatrix(2, HEAD_DIM, 3),
        },
        {
          kvType,
          states: [{ type: "full_attention", layer: "model.layers.0", capacity: 2, cols: HEAD_DIM, headDim: HEAD_DIM }],
        },
      )) {
        const [q, k, v] = ["q", "k", "v"].map(rig.tensor);
        const y = rig.memory.read(rig.ops.attention(q, k, v, [spanOf(rig.backend, q.rows)], HEAD_DIM));
        expect([...y].every(Number.isFinite)).toBe(true);
      }
    }
  });
});
