// A sequence may be cut into steps anywhere, held in any number of banks, over any cache: what must not change a bit.
import { describe, expect, it } from "vitest";
import { advance, ContextError, restart } from "../../src/engine/sequence.ts";
import type { ModelOptions } from "../../src/load/model-options.ts";
import type { WasmBackend } from "../../src/wasm/backend.ts";
import { goldenTensors, load, logitsOf, open } from "./run.ts";

const modes: [string, ModelOptions][] = [
  ["reference", { backend: "reference" }],
  ["wasm exact", { mode: "exact" }],
  ["wasm int8", { mode: "int8" }],
  ["wasm int8, int8 cache", { mode: "int8", kvType: "int8" }],
  ["wasm exact, f16 cache", { mode: "exact", kvType: "f16" }],
];

describe.each(modes)("%s", (_, options) => {
  it.each(["gguf/Q4_0", "gguf/Q6_K", "gguf-dense/Q8_0"])(
    "%s: the same bits in steps of 1, 7, 16 and all 24",
    async (path) => {
      const [folder, format] = path.split("/");
      const ids = (await goldenTensors(`${path}.safetensors`)).get("input_ids")?.data as Int32Array;
      const loaded = await load(await open(folder, `${format}.gguf`), options);
      const whole = logitsOf(loaded, ids, 24);
      for (const step of [1, 7, 16]) expect(logitsOf(loaded, ids, step), `steps of ${step}`).toEqual(whole);
    },
  );
});

describe("banks", () => {
  it.each(["exact", "int8"] as const)("give the same bits, one or many, %s", async (mode) => {
    const ids = Int32Array.from({ length: 40 }, (_, i) => 20 + 7 * i);
    const contextLength = 64;
    const run = async (bankBytes?: number) => {
      const loaded = await load(await open("nano", "lfm2-nano-Q4_0.gguf"), { mode, contextLength, bankBytes });
      const { banks } = (loaded.backend as WasmBackend).plan;
      return { banks, logits: logitsOf(loaded, ids, 40) };
    };
    const one = await run();
    expect(one.banks.length).toBe(1);
    // Working space for 64 positions and one layer, hardly more; each as full as it goes, in whole pages.
    const small = await run(1_900_000);
    expect(small.banks.length).toBeGreaterThan(5);
    for (const bankBytes of [1_900_000, 1_950_000, 2_000_000, 2_050_000]) {
      const { banks } = bankBytes === 1_900_000 ? small : await run(bankBytes);
      expect(Math.max(...banks.map(({ bytes }) => bytes))).toBeLessThanOrEqual(bankBytes);
    }
    expect(small.banks.flatMap(({ units }) => units)).toEqual(one.banks[0].units);
    expect(small.logits).toEqual(one.logits);
  });

  it("are refused before a weight is read when one layer alone does not fit", async () => {
    await expect(
      load(await open("nano", "lfm2-nano-Q4_0.gguf"), { bankBytes: 1_100_000, contextLength: 64 }),
    ).rejects.toThrow(/^model.*: expected at most \d+ bytes \(a bank of 1100000 less working space\), found \d+/);
  });
});

describe("a step that fails", () => {
  it("leaves the sequence as it was", async () => {
    for (const backend of ["reference", "wasm"] as const) {
      const loaded = await load(await open("gguf-dense", "Q8_0.gguf"), { backend, mode: "exact", contextLength: 8 });
      const { model } = loaded;
      const [sequence] = loaded.sequences;
      const read = (...ids: number[]) => advance(model, [{ sequence, ids }]);
      const last = (): Float32Array => model.memory.read(read(30));
      read(10, 20);
      const want = last();
      // The same again, with a failure in the middle of a step.
      restart(model, sequence);
      read(10, 20);
      const failing = Object.create(model.ops);
      failing.attention = () => {
        throw new Error("on purpose");
      };
      expect(() => advance({ ...model, ops: failing }, [{ sequence, ids: [99, 98] }])).toThrow("on purpose");
      expect(() => read(1, 2, 3, 4, 5, 6, 7)).toThrow(ContextError);
      expect(sequence.ids).toEqual([10, 20]);
      expect(last()).toEqual(want);
    }
  });
});
