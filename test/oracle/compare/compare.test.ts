// Clean pairs raise no alarm; precision is told from mistakes; flips and shapes are named.
import { describe, expect, it } from "vitest";
import type { ModelOptions } from "../../../src/load/model-options.ts";
import { CompareError, compareRuns, type PointComparison } from "../../../src/oracle/compare/compare.ts";
import { measureGap } from "../../../src/oracle/compare/gap.ts";
import { createRouterMeter } from "../../../src/oracle/compare/router-gap.ts";
import { toleranceOfPrecision } from "../../../src/oracle/compare/tolerance.ts";
import { diagnose } from "../../../src/oracle/diagnose/diagnose.ts";
import { fitOf } from "../../../src/oracle/diagnose/fit.ts";
import { modelWeights } from "../../../src/oracle/diagnose/model-weights.ts";
import { isPrecision } from "../../../src/oracle/diagnose/precision.ts";
import { tensorOf } from "../../../src/oracle/mistakes/columns.ts";
import { openArrays } from "../../../src/oracle/recorded/open-arrays.ts";
import type { RecordedPoint } from "../../../src/oracle/recorded/recorded-run.ts";
import { openFile } from "../../../src/sources/disk.ts";
import { golden, goldenTensors, load, open } from "../../model/run.ts";
import { seeded } from "../../ops/harness.ts";
import { memoryRun, pointOfNumbers, recordRun } from "../memory-run.ts";
import { randomIds, randomModel, shapeX, shapeY } from "../random-model.ts";

const models = ["moe-small", "moe-wide-heads", "moe-no-norm", "moe-no-bias", "dense-small"];

describe("a clean pair is equal at every point", () => {
  it.each(models.flatMap((name) => [1, 3, 17].map((length) => [name, length] as const)))(
    "transformers and both backends: %s, %i positions",
    async (name, length) => {
      const path = `transformers/${name}/len${length}.safetensors`;
      const ids = (await goldenTensors(path)).get("input_ids")?.data as Int32Array;
      const theirs = await openArrays(await openFile(golden(path)));
      const runs = [];
      for (const backend of ["reference", "wasm"] as const) {
        const { model, sequences } = await load(await open(`transformers/${name}`), { backend, mode: "exact" });
        runs.push(recordRun(model, sequences[0], ids));
      }
      const [reference, wasm] = runs;
      for (const [a, b] of [
        [theirs, reference],
        [theirs, wasm],
        [reference, wasm],
      ]) {
        const comparison = await compareRuns(a, b);
        expect(comparison.first?.name).toBeUndefined();
        expect(comparison).toMatchObject({ equal: true, idsDifferAt: -1 });
      }
      // Every tensor that transformers gave was met.
      const common = (await compareRuns(theirs, reference)).points.length;
      expect(common).toBe(theirs.points.size);
      expect(common).toBeGreaterThan(20);
      await theirs.close();
    },
  );

  it.each([
    ["X", shapeX, 3],
    ["Y", shapeY, 4],
  ] as const)("whole, in steps, and in the kernels: shape %s", async (_, shape, seed) => {
    const checkpoint = await randomModel(shape, seed);
    const ids = randomIds(120, 40, seed);
    for (const backend of ["reference", "wasm"] as const) {
      const { model, sequences } = await load(checkpoint, { backend, mode: "exact" });
      const whole = recordRun(model, sequences[0], ids);
      for (const step of [1, 7]) {
        const comparison = await compareRuns(whole, recordRun(model, sequences[0], ids, { step }));
        expect(comparison.equal).toBe(true);
        // Not nearly: the same bits.
        expect(Math.max(...comparison.points.map(({ gap }) => gap?.maxAbs ?? 0))).toBe(0);
      }
    }
  });
});

describe("precision is no mistake", () => {
  const precisions: readonly [what: string, options: ModelOptions, cause: RegExp][] = [
    ["an f16 cache", { mode: "exact", kvType: "f16" }, /^kv-f16$/],
    ["an int8 cache", { mode: "exact", kvType: "int8" }, /^kv-int8$/],
    ["Q8_0 weights and 8-bit activations", { mode: "int8", kvType: "f32", quantize: "Q8_0" }, /^(precision|near-tie)$/],
  ];
  it.each(precisions)("%s", async (_, options, cause) => {
    for (const [shape, seed] of [
      [{ ...shapeX, num_experts: 4 }, 5],
      [shapeY, 6],
    ] as const) {
      const checkpoint = await randomModel(shape, seed);
      const run = async (own: ModelOptions) => {
        const { model, sequences } = await load(checkpoint, { backend: "wasm", ...own });
        // Nothing is said of the mode: a foreign file says nothing either.
        return recordRun(model, sequences[0], randomIds(120, 20, seed), { about: { config: checkpoint.config } });
      };
      const comparison = await compareRuns(await run({ mode: "exact" }), await run(options));
      expect(comparison.equal).toBe(false);
      const { guess } = await diagnose(comparison, modelWeights(checkpoint));
      expect(guess?.cause).toMatch(cause);
      expect(guess?.kind).toBe("precision");
    }
  });

  it("is not what a mistake is called that nobody has thought of", async () => {
    const checkpoint = await randomModel(shapeX, 12);
    const { model, sequences } = await load(checkpoint, { backend: "reference" });
    const ids = randomIds(120, 20, 12);
    const ops = Object.create(model.ops);
    ops.swiglu = (gate: never, up: never) => model.ops.mul(model.ops.swiglu(gate, up), model.ops.sigmoid(up));
    const about = { config: checkpoint.config };
    const runs = [model, { ...model, ops }].map((own) => recordRun(own, sequences[0], ids, { about }));
    const comparison = await compareRuns(runs[0], runs[1]);
    expect(comparison.first?.name).toBe("model.layers.0.feed_forward.w2.input");
    expect((await diagnose(comparison, modelWeights(checkpoint))).guess).toBeUndefined();
  });

  it("is not called an f16 cache because that is near: the error must be gone", async () => {
    const checkpoint = await randomModel(shapeX, 13);
    const { model, sequences } = await load(checkpoint, { backend: "reference" });
    const run = recordRun(model, sequences[0], randomIds(120, 20, 13), { about: { config: checkpoint.config } });
    const name = "model.layers.1.self_attn.out_proj.input";
    const point = run.points.get(name) as RecordedPoint;
    const random = seeded(14);
    const noisy = ((await point.read(0, point.rows)) as Float32Array).map(
      (value) => value * (1 + 0.01 * (random() - 0.5)),
    );
    const other = { ...run, points: new Map(run.points).set(name, pointOfNumbers(name, noisy, point.cols)) };
    const { guess } = await diagnose(await compareRuns(run, other), modelWeights(checkpoint));
    expect(guess?.cause).toBe("precision");
  });

  it.each([
    ["what begins too large", [0.08, 0.09], [0.99, 0.99], false],
    ["what jumps", [0.002, 0.003, 0.04], [0.999, 0.999, 0.999], false],
    ["what turns things round", [0.04, 0.1, 0.3], [0.99, 0.95, 0.85], false],
    ["what is small, grows slowly and points the same way", [0.002, 0.009, 0.05], [0.999, 0.999, 0.998], true],
  ])("told by the shape of its errors: %s", (_, errors, cosines, is) => {
    const points = errors.map((rmsRelative, i) => ({
      ...{ name: `model.layers.${i}`, kind: "tensor", shapeA: [1, 1], shapeB: [1, 1], within: false, tolerance: 0 },
      ...{ firstRow: 0, rowsOutside: 1, gap: { ...measureGap([1], [2]), rmsRelative, cosine: cosines[i] } },
    })) as unknown as PointComparison[];
    expect(isPrecision(points) !== undefined).toBe(is);
  });

  it("widens the tolerance where the runs say so themselves", async () => {
    const checkpoint = await randomModel(shapeX, 9);
    const run = async (kvType: "f32" | "f16") => {
      const { model, sequences } = await load(checkpoint, { backend: "reference", kvType });
      const about = { config: checkpoint.config, backend: "reference", mode: "exact", kvType };
      return recordRun(model, sequences[0], randomIds(120, 12, 9), { about });
    };
    const [f32, f16] = [await run("f32"), await run("f16")];
    expect((await compareRuns(f32, f16)).equal).toBe(true);
    expect((await compareRuns(f32, f16)).tolerance.factor).toBeGreaterThan(1e-3);
    // Two that round alike have no such excuse.
    expect((await compareRuns(f16, f16)).tolerance.factor).toBe(4e-5);
    expect((await compareRuns(f32, f16, { tolerance: 4e-5 })).equal).toBe(false);
  });
});

describe("routers", () => {
  const gate = "model.layers.9.feed_forward.gate";
  const logit = (score: number): number => Math.log(score / (1 - score));
  /** One token to each row: scores of four experts, of which two are chosen. */
  const router = (scores: number[][], experts: number[][], bias = [0, 0, 0, 0]) => {
    const points = [
      [`${gate.replace(".gate", "")}.expert_bias`, bias, 4],
      [`${gate}.logits`, scores.flat().map(logit), 4],
      [`${gate}.experts`, experts.flat(), 2],
    ] as const;
    return memoryRun(
      "router",
      points.map(([name, data, cols]) => [name, pointOfNumbers(name, data, cols)] as const),
    );
  };

  it("tell a near tie with the experts and how far apart they stood", async () => {
    const a = router([[0.9, 0.500002, 0.5, 0.1]], [[0, 1]]);
    const b = router([[0.9, 0.499999, 0.500001, 0.1]], [[2, 0]]);
    const comparison = await compareRuns(a, b);
    expect(comparison.first?.router).toMatchObject({ flips: 1, nearTies: 1, flippedPositions: 1 });
    const [flip] = comparison.first?.router?.examples ?? [];
    expect(flip).toMatchObject({ position: 0, expertA: 1, expertB: 2, isBound: false, judgement: "near tie" });
    expect(flip.apart).toBeCloseTo(2e-6, 6);
    expect((await diagnose(comparison)).guess).toMatchObject({ cause: "near-tie", kind: "precision" });
  });

  it("tell an error where the same logits lead to another choice", async () => {
    const scores = [[0.9, 0.6, 0.5, 0.1]];
    const comparison = await compareRuns(router(scores, [[0, 1]]), router(scores, [[0, 2]]));
    const [flip] = comparison.first?.router?.examples ?? [];
    expect(flip).toMatchObject({ expertA: 1, expertB: 2, judgement: "real error" });
    expect(flip.apart).toBeCloseTo(0.1, 5);
  });

  it("tell a choice that follows from what the router was given", async () => {
    const comparison = await compareRuns(
      router([[0.9, 0.6, 0.5, 0.1]], [[0, 1]]),
      router([[0.9, 0.5, 0.6, 0.1]], [[0, 2]]),
    );
    expect(comparison.points.at(-1)?.router?.examples[0].judgement).toBe("differing logits");
  });

  it("rank with the bias: what is far apart in scores may be a tie", async () => {
    const bias = [0, 0, 0.3, 0];
    const a = router([[0.9, 0.6, 0.3, 0.1]], [[0, 1]], bias);
    const b = router([[0.9, 0.6, 0.3000005, 0.1]], [[0, 2]], bias);
    expect((await compareRuns(a, b)).first?.router?.nearTies).toBe(1);
    expect(
      (await compareRuns(router([[0.9, 0.6, 0.3, 0.1]], [[0, 1]]), router([[0.9, 0.6, 0.3000005, 0.1]], [[0, 2]])))
        .first?.router?.nearTies,
    ).toBe(0);
  });

  it("do not mind the order in which experts are listed, and hold weights against those of the same expert", async () => {
    const name = `${gate}.weights`;
    const run = (experts: number[], weights: number[]) =>
      memoryRun("run", [
        [`${gate}.experts`, pointOfNumbers(`${gate}.experts`, experts, 2)],
        [name, pointOfNumbers(name, weights, 2)],
      ]);
    expect((await compareRuns(run([3, 1], [0.7, 0.3]), run([1, 3], [0.3, 0.7]))).equal).toBe(true);
    expect((await compareRuns(run([3, 1], [0.7, 0.3]), run([1, 3], [0.7, 0.3]))).first?.name).toBe(name);
  });

  it("hold no weight against another where the experts differ, for each depends on all", async () => {
    const name = `${gate}.weights`;
    const run = (experts: number[], weights: number[]) =>
      memoryRun("run", [
        [`${gate}.experts`, pointOfNumbers(`${gate}.experts`, experts, 2)],
        [name, pointOfNumbers(name, weights, 2)],
      ]);
    const { points } = await compareRuns(run([3, 1], [0.7, 0.3]), run([3, 2], [0.6, 0.4]));
    expect(points.map(({ within }) => within)).toEqual([false, true]);
  });

  it("compare what an expert gives with what the same expert gives, where both chose it", async () => {
    const name = "model.layers.9.feed_forward.experts.w1";
    const run = (experts: number[], results: number[]) =>
      memoryRun("run", [
        [`${gate}.experts`, pointOfNumbers(`${gate}.experts`, experts, 2)],
        [name, pointOfNumbers(name, results, 4)],
      ]);
    const a = run([3, 1], [30, 31, 10, 11]);
    expect((await compareRuns(a, run([1, 3], [10, 11, 30, 31]))).equal).toBe(true);
    expect((await compareRuns(a, run([1, 3], [10, 11, 30, 32]))).first?.name).toBe(name);
    // Expert 2 has no counterpart; expert 3 has.
    const flipped = await compareRuns(a, run([2, 3], [20, 21, 30, 31]));
    expect(flipped.points.map(({ within }) => within)).toEqual([false, true]);
    expect((await compareRuns(a, run([2, 3], [20, 21, 30, 32]))).points[1].within).toBe(false);
  });

  it("count how often each expert was chosen", async () => {
    const rows = [
      [0.9, 0.6, 0.5, 0.1],
      [0.9, 0.6, 0.5, 0.1],
    ];
    const comparison = await compareRuns(
      router(rows, [
        [0, 1],
        [0, 1],
      ]),
      router(rows, [
        [0, 1],
        [0, 2],
      ]),
    );
    expect(comparison.first?.router?.usage).toEqual({ a: [2, 2, 0, 0], b: [2, 1, 1, 0], both: [2, 1, 0, 0] });
  });
});

describe("a comparison", () => {
  const run = (data: number[], cols: number, name = "model.layers.0") =>
    memoryRun("run", [[name, pointOfNumbers(name, data, cols)]]);

  it("names the first row outside tolerance, which grows with the largest number", async () => {
    const a = run([1, 2, 3, 4, 5, 100], 2);
    expect((await compareRuns(a, run([1, 2, 3, 4.003, 5, 100], 2))).equal).toBe(true);
    const { first } = await compareRuns(a, run([1, 2, 3, 4.005, 5, 100], 2));
    expect(first).toMatchObject({ firstRow: 1, rowsOutside: 1, tolerance: expect.closeTo(4e-3, 9) });
  });

  it("finds a NaN on both sides unequal", async () => {
    const { first } = await compareRuns(run([1, Number.NaN], 1), run([1, Number.NaN], 1));
    expect(first).toMatchObject({ firstRow: 1, gap: { notFinite: { actual: 1, expected: 1, index: 1 } } });
  });

  it("of other shapes is different, and says which", async () => {
    const { first } = await compareRuns(run([1, 2], 1), run([1, 2, 3], 1));
    expect(first).toMatchObject({ within: false, shapeA: [2, 1], shapeB: [3, 1] });
    expect(first?.gap).toBeUndefined();
  });

  it("of nothing in common is refused", async () => {
    await expect(compareRuns(run([1], 1), run([1], 1, "blocks.0"))).rejects.toThrow(CompareError);
    await expect(compareRuns(run([1], 1), run([1], 1, "blocks.0"))).rejects.toThrow('its first is "blocks.0"');
  });

  it("finds one factor for everything", async () => {
    const { guess } = await diagnose(await compareRuns(run([1, 2, -3, 4], 2), run([8, 16, -24, 32], 2)));
    expect(guess).toMatchObject({ cause: "scaled", says: "B's model.layers.0 is A's times 8" });
  });

  it("says how near a hypothesis comes where what is specified is farthest off", async () => {
    const two = memoryRun("run", [
      ["a", pointOfNumbers("a", [1, 1], 1)],
      ["b", pointOfNumbers("b", [1, 1], 1)],
    ]);
    const results = (a: number, b: number) =>
      new Map([
        ["a", tensorOf(2, 1, Float32Array.of(a, a))],
        ["b", tensorOf(2, 1, Float32Array.of(b, b))],
      ]);
    const mistaken = { point: "a", rmsRelative: 1 };
    expect(await fitOf(two, results(2, 1), results(3, 2), 0)).toMatchObject({
      mistaken,
      specified: { rmsRelative: 2 },
    });
    expect(await fitOf(two, results(2, 1), new Map(), 0)).toMatchObject({ mistaken: { point: "b", rmsRelative: 0 } });
    expect(await fitOf(two, new Map([["c", results(1, 1).get("a")!]]), results(1, 1), 0)).toBeUndefined();
  });

  it("does not guess where nothing fits", async () => {
    const { guess, hints } = await diagnose(await compareRuns(run([1, 2, -3, 4], 2), run([2, -1, 7, 0], 2)));
    expect(guess).toBeUndefined();
    expect(hints.join()).toContain("-m");
  });
});

it("a rounding of one sign is no scale", async () => {
  const name = "model.layers.0";
  const numbers = Float32Array.from({ length: 64 }, (_, i) => 1 + Math.sin(i));
  const [a, b] = [numbers, numbers.map((value) => value * (1 + 4e-6))].map((data, i) =>
    memoryRun(`${i}`, [[name, pointOfNumbers(name, data, 8)]]),
  );
  const comparison = await compareRuns(a, b, { tolerance: 0 });
  expect(comparison.first?.name).toBe(name);
  expect((await diagnose(comparison)).guess).toBeUndefined();
});

it("a near tie is what the arithmetic of the scores can have turned round", () => {
  const logits = Float32Array.of(0.5, 0.51); // sigmoids 0.0024 apart; bfloat16 has 0.6211 and 0.625
  const rows = { a: Int32Array.of(1), b: Int32Array.of(0), kA: 1, kB: 1, logits: [logits, logits] as const };
  const judged = [undefined, 2 ** -11, 2 ** -8].map((ofResult) => {
    const meter = createRouterMeter(2, new Float32Array(), [0.2], ofResult);
    meter.add(rows);
    return meter.result().examples[0].judgement;
  });
  expect(judged).toEqual(["real error", "real error", "near tie"]);
});

it("and what another comparison allows says so, too", async () => {
  const path = "model.layers.1.feed_forward.gate";
  const run = (ids: number[]) =>
    memoryRun("run", [
      [`${path}.logits`, pointOfNumbers(`${path}.logits`, [0.5, 0.51], 2)],
      [`${path}.experts`, pointOfNumbers(`${path}.experts`, ids, 1)],
    ]);
  const bias = async () => new Float32Array();
  const tolerance = toleranceOfPrecision("bf16");
  const { points } = await compareRuns(run([1]), run([0]), { tolerance, bias });
  expect(points.find(({ router }) => router)?.router).toMatchObject({ flips: 1, nearTies: 1 });
});
