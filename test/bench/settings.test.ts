// What is measured: lists multiply out, and what does not fit is left out.
import { describe, expect, it } from "vitest";
import { labelOf, nameOf, planTests, settingsOf } from "../../src/bench/product/settings.ts";
import { median, spreadOf } from "../../src/bench/product/statistics.ts";

describe("settings", () => {
  it("are every combination, and one where nothing is asked", () => {
    const settings = settingsOf({ threads: [1, 2], kvType: ["f16", "int8"], kernels: ["baseline", "relaxed"] });
    expect(settings.length).toBe(8);
    expect(new Set(settings.map(labelOf)).size).toBe(8);
    expect(settings[0]).toEqual({ mode: undefined, kernels: "baseline", threads: 1, kvType: "f16" });
    expect(settingsOf({})).toEqual([{ mode: undefined, kernels: undefined, threads: undefined, kvType: undefined }]);
    expect(labelOf(settingsOf({})[0])).toBe("defaults");
  });
});

describe("tests", () => {
  it("go by depth, and leave out what 0 tokens ask for and what the model's context cannot hold", () => {
    const plan = planTests({ prefill: [0, 512], decode: [128], depths: [4096, 0, 65536], acceptance: [] }, 8192);
    expect(plan.tests.map(nameOf)).toEqual([
      "prefill 512",
      "decode 128",
      "prefill 512 at 4,096",
      "decode 128 at 4,096",
    ]);
    expect(plan.skipped.map(nameOf)).toEqual(["prefill 512 at 65,536", "decode 128 at 65,536"]);
    expect(plan.contextLength).toBe(4096 + 512);
  });

  it("that run ahead come first, behind nothing", () => {
    const plan = planTests({ prefill: [16], decode: [0, 48], depths: [0], acceptance: [0.9, "forced"] }, 8192);
    expect(plan.contextLength).toBe(2 * 64); // for two sequences of 49 positions, in whole pages
    expect(plan.tests.map(nameOf)).toEqual([
      "decode 48, guesses right 0.9",
      "decode 48, forced",
      "prefill 16",
      "decode 48",
    ]);
  });

  it("count the token that decode goes on from", () => {
    const lists = { prefill: [], decode: [128], depths: [1000], acceptance: [] };
    expect(planTests(lists, 1129)).toMatchObject({ tests: [{ kind: "decode" }], contextLength: 1129 });
    expect(planTests(lists, 1128).tests).toEqual([]);
  });
});

describe("the median", () => {
  it("is the middle figure, or lies between the two middle ones", () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([4, 1, 2, 9])).toBe(3);
    expect(spreadOf([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5, rounds: [5, 1, 3] });
  });
});
