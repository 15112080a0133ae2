// What two recordings say they rounded, and how much is allowed for it.
import { describe, expect, it } from "vitest";
import { blockFormats } from "../../../src/blocks/formats.ts";
import { compareRuns } from "../../../src/oracle/compare/compare.ts";
import { INTEGER_PRODUCTS, toleranceOf } from "../../../src/oracle/compare/tolerance.ts";
import { verdictOf } from "../../../src/oracle/compare/verdict.ts";
import type { AboutRun, RecordedRun } from "../../../src/oracle/recorded/recorded-run.ts";
import { hasIntegerDot } from "../../../src/wasm/sizes.ts";
import { memoryRun, pointOfNumbers } from "../memory-run.ts";

const run = (about?: Partial<AboutRun>, more: Partial<RecordedRun> = {}): RecordedRun => {
  const nothing = { config: {}, model: undefined, backend: "wasm", mode: "exact", kvType: "f32" };
  return memoryRun("theirs", [], { about: about && { ...nothing, ...about }, ...more });
};
const FLOAT32 = 4e-5;

describe("tolerance", () => {
  it("is float32's where a run says nothing, and where nothing is computed in 8 bits", () => {
    expect(toleranceOf(run({}), run())).toMatchObject({ factor: FLOAT32 });
    expect(toleranceOf(run(), run()).wide).toBeUndefined();
    for (const blockFormats of [["BF16"], ["F16", "F32"], ["Q4_1", "F32"], ["IQ4_NL"]]) {
      expect(toleranceOf(run({ mode: "int8", blockFormats }), run()).factor).toBe(FLOAT32);
    }
  });

  it("is 8 bits' where weights have integer products, by file or by --quantize, or may have", () => {
    for (const about of [{ blockFormats: ["F32", "Q4_K"] }, { blockFormats: ["BF16"], quantize: "Q5_K_M" }, {}]) {
      const { factor, wide } = toleranceOf(run({ mode: "int8", ...about }), run());
      expect([factor, wide?.rounding]).toEqual([0.25, "8-bit activations in A"]);
      expect(wide?.remedy).toBe("Leave A to lfm2 compare -m MODEL theirs");
    }
    const packed = Object.values(blockFormats).filter(({ ggmlType }) => hasIntegerDot(ggmlType));
    expect(packed.map(({ name }) => name).sort()).toEqual([...INTEGER_PRODUCTS].sort());
  });

  it("is the widest that either says", () => {
    const [f16, int8] = [run({ kvType: "f16" }), run({ kvType: "int8" })];
    expect(toleranceOf(f16, int8)).toMatchObject({ factor: 0.08, wide: { rounding: "an int8 KV cache in B" } });
    expect(toleranceOf(int8, run())).toMatchObject({ factor: 0.08, wide: { rounding: "an int8 KV cache in A" } });
    // Two that round alike have no such excuse.
    expect(toleranceOf(int8, int8).wide).toBeUndefined();
  });

  it("of numbers stored in 16 bits is what storing costs, not computing", () => {
    const bf16 = toleranceOf(run({}), run(undefined, { stored: "bf16" }));
    // torch makes 1 of 1 + 2⁻⁸: its significand has 8 bits, so a number is off by up to 2⁻⁸ of itself.
    expect(bf16.factor).toBeCloseTo(2 ** -8 + FLOAT32, 12);
    expect(bf16.wide?.remedy).toContain("--precision");
    expect(toleranceOf(run(undefined, { stored: "f16" }), run()).factor).toBeCloseTo(2 ** -11 + FLOAT32, 12);
  });
});

describe("a verdict", () => {
  const name = "model.layers.0";
  const pair = (by: number) =>
    [
      [1, 2, 3, 4],
      [1, 2, 3, 4 + by],
    ].map((data) => memoryRun("r", [[name, pointOfNumbers(name, data, 2)]]));
  const verdict = async (by: number, options: Parameters<typeof compareRuns>[2] = {}) => {
    const [a, b] = pair(by);
    const comparison = await compareRuns(a, b, options);
    return verdictOf(comparison, { guess: undefined, next: [], hints: [], products: 0 });
  };

  it("is equal within float32, and within a tolerance that was asked for", async () => {
    expect(await verdict(1e-4)).toEqual({ is: "equal" });
    expect(await verdict(1e-4, { precision: "bf16" })).toEqual({ is: "equal" });
    expect(await verdict(0.1, { tolerance: 0.1 })).toEqual({ is: "equal" });
  });

  it("names the rounding that more than float32 was allowed for", async () => {
    expect(await verdict(0.1, { precision: "bf16" })).toEqual({ is: "rounding", which: "bfloat16 arithmetic" });
    expect((await verdict(0.1, { precision: "f16" })).is).toBe("different");
    expect((await verdict(2, { precision: "q8" })).is).toBe("different");
  });
});
