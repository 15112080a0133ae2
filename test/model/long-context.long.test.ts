// Far into a context at full width: four layers of LFM2-8B-A1B's shape, one of them attention, over a seeded cache.
import { beforeAll, expect, it } from "vitest";
import { advance, restart } from "../../src/engine/sequence.ts";
import type { Checkpoint } from "../../src/formats/checkpoint.ts";
import type { LoadedModel } from "../../src/load/load.ts";
import { lmHead } from "../../src/model/model.ts";
import type { KvCache } from "../../src/ops/ops.ts";
import { observed } from "../../src/oracle/trace/observed.ts";
import { storeRow } from "../../src/reference/attention.ts";
import type { ReferenceKvCache } from "../../src/reference/tensor.ts";
import { shapes, withLayers } from "../../src/synth/shapes.ts";
import { synthesize } from "../../src/synth/synthesize.ts";
import type { WasmKvCache } from "../../src/wasm/handles.ts";
import { randomMatrix } from "../ops/harness.ts";
import { written } from "../quantize/collect.ts";
import { load, open } from "./run.ts";

const CAPACITY = 128_000;
const POSITIONS = [0, 4095, 4096, 4097, 32_767, CAPACITY - 1];
/** The cache repeats this many random positions; 997 is prime, so no block of 32 looks like another. */
const PERIOD = 997;
/** Layers 0 … 3 are convolution, convolution, attention, convolution; the first two have a dense feed-forward. */
const config = { ...withLayers(shapes["lfm2-8b-a1b"], 4), vocab_size: 1024 };
const ATTENTION_LAYER = 2;
const COLS = 512;
const HEAD_DIM = 64;
const keys = randomMatrix(PERIOD, COLS, 1, 2).data as Float32Array;
const values = randomMatrix(PERIOD, COLS, 2, 1).data as Float32Array;

let bytes: Uint8Array<ArrayBuffer>;
beforeAll(async () => {
  bytes = await written((sink) => synthesize(config, sink, { type: "Q4_0", name: "four layers" }));
});
const checkpoint = (): Promise<Checkpoint> => open("", { name: "four-layers.gguf", bytes });

function cacheOf({ sequences: [sequence] }: LoadedModel): KvCache {
  const state = sequence.layers[ATTENTION_LAYER];
  if ("width" in state) throw new Error("layer 2 is attention");
  return state;
}

function fillWasm({ bank, type, k, v }: WasmKvCache): void {
  bank.release();
  const rows = bank.allocate(PERIOD * COLS * 4);
  for (const [place, numbers] of [
    [k, keys],
    [v, values],
  ] as const) {
    bank.write(rows, new Uint8Array(numbers.buffer));
    for (let at = 0; at < CAPACITY; at += PERIOD) {
      bank.kernels.storeKv(type, place, CAPACITY, rows, Math.min(PERIOD, CAPACITY - at), COLS, HEAD_DIM, at);
    }
  }
  bank.release();
}

function fillReference({ type, k, v }: ReferenceKvCache): void {
  for (const [place, numbers] of [
    [k, keys],
    [v, values],
  ] as const) {
    for (let row = 0; row < PERIOD; row++) {
      storeRow(type, numbers.subarray(row * COLS, (row + 1) * COLS), place.subarray(row * COLS), HEAD_DIM);
    }
    for (let at = PERIOD; at < CAPACITY; at += PERIOD) {
      place.copyWithin(at * COLS, 0, Math.min(PERIOD, CAPACITY - at) * COLS);
    }
  }
}

/** Logits of one id at `position`, and the experts that were chosen on the way. */
function at(
  { model, sequences: [sequence] }: LoadedModel,
  position: number,
): { logits: Float32Array; experts: string } {
  const { memory, weights } = model;
  const experts: number[][] = [];
  const { ops, settle } = observed(model.ops, {
    result(path, result) {
      if (path.endsWith(".gate.experts") && "k" in result) experts.push([...memory.readIds(result)]);
    },
  });
  restart(model, sequence);
  // As if this many ids had been read.
  for (let i = 0; i < position; i++) sequence.ids.push(0);
  sequence.next = position;
  const h = advance({ ...model, ops }, [{ sequence, ids: [300 + (position % 700)] }], { settle });
  return { logits: memory.read(lmHead(ops, weights, h)), experts: JSON.stringify(experts) };
}

it.each(["f32", "f16", "int8"] as const)(
  "kernels agree with the reference at positions 0 to 127,999 over a cache of type %s",
  async (kvType) => {
    const options = { mode: "exact", contextLength: CAPACITY, kvType } as const;
    const want = await load(await checkpoint(), { ...options, backend: "reference" });
    const have = await load(await checkpoint(), options);
    fillReference(cacheOf(want) as ReferenceKvCache);
    fillWasm(cacheOf(have) as WasmKvCache);
    for (const position of POSITIONS) {
      const [a, b] = [at(want, position), at(have, position)];
      const mean = a.logits.reduce((sum, x) => sum + x, 0) / a.logits.length;
      const deviation = Math.sqrt(a.logits.reduce((sum, x) => sum + (x - mean) ** 2, 0) / a.logits.length);
      const gap = a.logits.reduce((most, x, i) => Math.max(most, Math.abs(x - b.logits[i])), 0);
      // 1e-4 of the logits' deviation, as at full size; queries and weights over int8 have 16 bits, 2⁻¹⁶ of the largest.
      expect(gap / deviation, `position ${position}`).toBeLessThan(1e-4);
      expect(b.experts).toBe(a.experts);
      expect(a.experts).toMatch(/^\[\[\d+,\d+,\d+,\d+\],\[/);
    }
  },
  180_000,
);
