// Attention far into a context: the kernels against the reference over a seeded cache, at and around block edges.
import { describe, expect, it } from "vitest";
import { type KvCache, PAGE } from "../../src/ops/ops.ts";
import { storeRow } from "../../src/reference/attention.ts";
import type { ReferenceKvCache } from "../../src/reference/tensor.ts";
import type { WasmKvCache, WasmTensor } from "../../src/wasm/handles.ts";
import { builds, gap, randomMatrix, rigs } from "./harness.ts";

const CAPACITY = 128_000;
const HEAD_DIM = 64;
const KV_HEADS = 2;
const HEADS = 8;
const COLS = KV_HEADS * HEAD_DIM;
/** The cache repeats this many random positions; 997 is prime, so no block of 32 looks like another. */
const PERIOD = 997;

describe.each(["f32", "f16", "int8"] as const)("attention over a cache of type %s", (kvType) => {
  it.each(builds)("agrees with the reference from the first position to the last of 128,000, %s", (build) => {
    const state = {
      type: "full_attention",
      layer: "model.layers.0",
      capacity: CAPACITY,
      cols: COLS,
      headDim: HEAD_DIM,
    } as const;
    const matrices = {
      keys: randomMatrix(PERIOD, COLS, 1, 3),
      values: randomMatrix(PERIOD, COLS, 2, 2),
      q: randomMatrix(1, HEADS * HEAD_DIM, 3, 2),
      k: randomMatrix(1, COLS, 4, 3),
      v: randomMatrix(1, COLS, 5, 2),
    };
    const [reference, wasm] = rigs(matrices, { kvType, states: [state], build });
    const want = reference.backend.states[0] as ReferenceKvCache;
    const have = wasm.backend.states[0] as WasmKvCache;
    const [keys, values] = ["keys", "values"].map((name) => wasm.tensor(name) as WasmTensor);
    for (let at = 0; at < CAPACITY; at += PERIOD) {
      const rows = Math.min(PERIOD, CAPACITY - at);
      have.bank.kernels.storeKv(have.type, have.k, CAPACITY, keys.address, rows, COLS, HEAD_DIM, at);
      have.bank.kernels.storeKv(have.type, have.v, CAPACITY, values.address, rows, COLS, HEAD_DIM, at);
      for (let row = 0; row < rows; row++) {
        const of = (data: ArrayLike<number>) => (data as Float32Array).subarray(row * COLS, (row + 1) * COLS);
        storeRow(kvType, of(matrices.keys.data), want.k.subarray((at + row) * COLS), HEAD_DIM);
        storeRow(kvType, of(matrices.values.data), want.v.subarray((at + row) * COLS), HEAD_DIM);
      }
    }
    const pages = Array.from({ length: CAPACITY / PAGE }, (_, i) => i);
    for (const position of [0, 31, 32, 4095, 4096, 4097, 32_767, CAPACITY - 1]) {
      const [a, b] = [reference, wasm].map(({ ops, memory, tensor, backend }) => {
        const [q, k, v] = ["q", "k", "v"].map(tensor);
        return memory.read(
          ops.attention(
            q,
            k,
            v,
            [{ rows: 1, start: position, stored: position, cache: backend.states[0] as KvCache, pages }],
            HEAD_DIM,
          ),
        );
      });
      // Values of size 2; scores reach 50, so a score's rounding, 64 products in another order, weighs in by 1e-5.
      expect(gap(b, a), `position ${position}`).toBeLessThan(1e-4);
      expect(b.some((value) => Math.abs(value) > 0.01)).toBe(true);
    }
  });
});
