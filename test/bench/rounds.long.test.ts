// A run of the embedded model: every setting, every test, every round; stopped, it tells what there is.
import { beforeAll, describe, expect, it } from "vitest";
import { machineLine } from "../../src/bench/product/machine.ts";
import { BenchError, type BenchPlan, planBench } from "../../src/bench/product/plan.ts";
import { runBench } from "../../src/bench/product/rounds.ts";
import type { Run } from "../../src/bench/product/run.ts";
import { nameOf } from "../../src/bench/product/settings.ts";
import { reportRun } from "../../src/bench/product/table.ts";

const request = {
  source: undefined,
  prefill: [16],
  decode: [4],
  acceptance: [],
  depths: [0, 40, 5000],
  threads: [1],
  kvType: ["f16", "int8"],
  filling: "prompt",
  rounds: 2,
} as const;

const never = new AbortController().signal;

describe("a plan", () => {
  it("says what it leaves out, and why", async () => {
    const { notes, tests, model, together } = await planBench(request);
    expect(tests.map(nameOf)).toEqual(["prefill 16", "decode 4", "prefill 16 at 40", "decode 4 at 40"]);
    expect(notes[0]).toContain("Left out: prefill 16 at 5,000, decode 4 at 5,000. The model's context ends at 4,096");
    expect(model).toMatchObject({ name: "lfm2-nano", formats: ["Q4_0", "F32", "Q8_0"], contextLimit: 4096 });
    expect(together).toBe(true);
  });

  it("with nothing in it is refused", async () => {
    await expect(planBench({ ...request, depths: [5000] })).rejects.toThrow(BenchError);
    await expect(planBench({ ...request, prefill: [0], decode: [0] })).rejects.toThrow(/found none/);
  });

  it("asks the library about every option", async () => {
    await expect(planBench({ ...request, threads: [1000] })).rejects.toThrow(
      /threads: expected an integer in \[1, 64\]/,
    );
  });
});

describe("a run", () => {
  let plan: BenchPlan;
  let run: Run;
  const seen: string[] = [];
  beforeAll(async () => {
    plan = await planBench(request);
    ({ run } = await runBench(plan, { signal: never, onProgress: (text) => seen.push(text) }));
  });

  it("has a row for every test of every setting, with a figure for every round", () => {
    expect(run.complete).toBe(true);
    expect(run.rows.map((row) => `${row.kvType} ${nameOf(row)}`)).toEqual(
      ["f16", "int8"].flatMap((kvType) => plan.tests.map((test) => `${kvType} ${nameOf(test)}`)),
    );
    for (const row of run.rows) {
      const { median, min, max, rounds } = row.tokensPerSecond;
      expect(rounds.length).toBe(2);
      expect(min).toBeGreaterThan(0);
      expect(median).toBeGreaterThanOrEqual(min);
      expect(max).toBeGreaterThanOrEqual(median);
      expect(row.peakBytes).toBeGreaterThan(1e6);
      if (row.kind === "decode") expect(row.ofReadLimit?.median).toBeGreaterThan(0);
      else expect(row.ofReadLimit).toBeUndefined();
    }
    expect(run.readLimits).toMatchObject([{ threads: 1 }]);
    expect(run.settings).toMatchObject([
      { kvType: "f16", threads: 1, contextLength: 56 },
      { kvType: "int8", threads: 1, contextLength: 56 },
    ]);
  });

  it("lets settings take turns within a round", () => {
    const turns = seen.filter((text) => !text.includes("%")).map((text) => text.replace(/int8, .*KV |KV /, ""));
    expect(turns.slice(2, 6)).toEqual([
      "round 1 of 2, f16, decode 4",
      "round 1 of 2, int8, decode 4",
      "round 1 of 2, f16, prefill 16 at 40",
      "round 1 of 2, int8, prefill 16 at 40",
    ]);
  });

  it("counts keys and values by depth", () => {
    const [near, far] = run.rows.filter(({ kind, kvType }) => kind === "decode" && kvType === "f16");
    // 40 positions of 3 attention layers, 2 KV heads of 32 in half precision, keys and values.
    const perPosition = ((far.bytesPerToken as number) - (near.bytesPerToken as number)) / 40;
    expect(perPosition % 2).toBe(0);
    expect(near.bytesPerToken).toBeCloseTo(run.model.bytesPerToken.total + 2.5 * perPosition);
  });

  it("is printed as a table with all its settings", () => {
    const report = reportRun(run, machineLine(run.machine));
    expect(report.match(/^\| int8 \| relaxed|^\| int8 \| baseline/gm)?.length).toBe(run.rows.length);
    expect(report).toMatch(/Read limit, measured beside every decode: .* GB\/s on 1 thread/);
    expect(report).toContain(plan.notes[0]);
    expect(report).not.toMatch(/NaN|undefined/);
  });

  it("gives the same rows where models have to take turns in memory", async () => {
    const small = { ...plan, together: false, tests: plan.tests.slice(1, 2), rounds: 1, filling: "cache" as const };
    const { run: alternating } = await runBench(small, { signal: never, onProgress() {} });
    expect(alternating.rows.map(({ kvType }) => kvType)).toEqual(["f16", "int8"]);
    expect(alternating.complete).toBe(true);
  });

  it("that is stopped tells what it has", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const { run: partial, stopped } = await runBench(plan, {
      signal: controller.signal,
      onProgress: (text) => text.includes("decode") && controller.abort(reason),
    });
    expect(stopped?.cause).toBe(reason);
    expect(partial.complete).toBe(false);
    expect(partial.rows.map(nameOf)).toEqual(["prefill 16", "prefill 16"]);
    expect(reportRun(partial, machineLine(partial.machine))).toContain("Stopped before its end");
  });

  it("whose model is damaged tells why", async () => {
    const { run: empty, stopped } = await runBench({ ...plan, source: "no.gguf" }, { signal: never, onProgress() {} });
    expect(String(stopped?.cause)).toContain("no.gguf: expected a GGUF file or a model folder");
    expect(empty.rows).toEqual([]);
  });
});
