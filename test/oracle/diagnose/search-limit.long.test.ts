// What a search for a cause may compute, in a model whose products are wide: counted, for time differs between machines.
import { describe, expect, it } from "vitest";
import type { Model } from "../../../src/engine/sequence.ts";
import type { Ops } from "../../../src/ops/ops.ts";
import { compareRuns } from "../../../src/oracle/compare/compare.ts";
import { diagnose } from "../../../src/oracle/diagnose/diagnose.ts";
import { modelWeights } from "../../../src/oracle/diagnose/model-weights.ts";
import type { RecordedPoint, RecordedRun } from "../../../src/oracle/recorded/recorded-run.ts";
import { load } from "../../model/run.ts";
import { seeded } from "../../ops/harness.ts";
import { isOuter, pointOfNumbers, recordRun } from "../memory-run.ts";
import { randomIds, randomModel, shapeX } from "../random-model.ts";

const shape = {
  ...shapeX,
  ...{ hidden_size: 320, moe_intermediate_size: 272, num_experts: 6, num_dense_layers: 0 },
  ...{ num_hidden_layers: 2, layer_types: ["conv", "full_attention"], num_attention_heads: 5, num_key_value_heads: 1 },
};
const NOISY = "model.layers.0.feed_forward";
/** Products of the experts of one sparse layer, over the 12 tokens. */
const ONCE = 12 * 2 * 3 * 320 * 272;
const prepared = prepare();

async function prepare() {
  const checkpoint = await randomModel(shape, 5);
  const about = { config: checkpoint.config, backend: "reference", mode: "exact", kvType: "f32" };
  const { model, sequences } = await load(checkpoint, { backend: "reference" });
  const run = (change: Partial<Ops> = {}): RecordedRun => {
    const ops: Ops = Object.assign(Object.create(model.ops), change);
    return recordRun({ ...model, ops } as Model, sequences[0], randomIds(120, 12, 9), { about, select: isOuter });
  };
  const random = seeded(3);
  const clean = run();
  const point = clean.points.get(NOISY) as RecordedPoint;
  const numbers = ((await point.read(0, point.rows)) as Float32Array).map((value) => value + 0.2 * random());
  const noisy = { ...clean, points: new Map(clean.points).set(NOISY, pointOfNumbers(NOISY, numbers, point.cols)) };
  return { ops: model.ops, run, clean, noisy, weights: modelWeights(checkpoint) };
}

describe("a search without a cause", () => {
  it("computes most mistakes in a few columns alone", async () => {
    const { clean, noisy, weights } = await prepared;
    const { guess, products, hints } = await diagnose(await compareRuns(clean, noisy), weights);
    expect(guess).toBeUndefined();
    expect(hints.join()).not.toContain("--max-products");
    // Some sixty mistakes, and each of them together with others.
    expect(products).toBeLessThan(25 * ONCE);
  });

  it("ends at its limit, at the same place every time, and says what it left out and how it goes on", async () => {
    const { clean, noisy, weights } = await prepared;
    const comparison = await compareRuns(clean, noisy);
    const limit = 2e7;
    const found = await diagnose(comparison, weights, limit);
    expect(found.guess).toBeUndefined();
    // What is begun is finished.
    expect(found.products).toBeGreaterThan(limit);
    expect(found.products).toBeLessThan(limit + 4 * ONCE);
    expect(found.hints.at(-1)).toMatch(
      /^the search ended after 2e7 products of two numbers, without .*mistakes in B's/,
    );
    expect(found.hints.at(-1)).toMatch(/everything from B's .* on.*: --max-products 2e8 allows ten times as much$/);
    expect(await diagnose(comparison, weights, limit)).toEqual(found);
  });
});

describe("a mistake in a wide model", () => {
  const mistakes: readonly (readonly [cause: string, change: (ops: Ops) => Partial<Ops>])[] = [
    ["quick-gelu", (ops) => ({ swiglu: (a, b) => ops.mul(ops.mul(a, ops.sigmoid(ops.scale(a, 1.702))), b) })],
    ["swapped-w1-w3", (ops) => ({ swiglu: (gate, up) => ops.swiglu(up, gate) })],
    ["weights-squared", (ops) => ({ weightedSum: (x, weights) => ops.weightedSum(x, ops.mul(weights, weights)) })],
    [
      "missing-qk-norm",
      (ops) => ({ rmsNorm: (x, w, eps) => (/[qk]_layernorm$/.test(w.path) ? x : ops.rmsNorm(x, w, eps)) }),
    ],
  ];

  it.each(mistakes)("is named, and costs little: %s", async (cause, change) => {
    const { ops, run, clean, weights } = await prepared;
    const found = await diagnose(await compareRuns(clean, run(change(ops))), weights);
    expect(found.guess).toMatchObject({ cause, side: "B" });
    expect(found.products).toBeLessThan(40 * ONCE);
  });

  it("two at once in one module are named", async () => {
    const { ops, run, clean, weights } = await prepared;
    const both = run({
      swiglu: (gate, up) => ops.swiglu(up, gate),
      weightedSum: (x, given) => ops.weightedSum(x, ops.mul(given, given)),
    });
    const { guess, products } = await diagnose(await compareRuns(clean, both), weights);
    expect(guess?.cause.split("+").sort()).toEqual(["swapped-w1-w3", "weights-squared"]);
    expect(products).toBeLessThan(40 * ONCE);
  });
});
