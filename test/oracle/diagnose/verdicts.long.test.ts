// What a diagnosis may not say: that a mistake is rounding, or nothing; and what it names. On models of their own.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { mistakesMarkdown } from "../../../docs/mistakes.ts";
import { blockFormats } from "../../../src/blocks/formats.ts";
import type { Model } from "../../../src/engine/sequence.ts";
import type { Ops, Tensor, Weight } from "../../../src/ops/ops.ts";
import { compareRuns } from "../../../src/oracle/compare/compare.ts";
import { wording } from "../../../src/oracle/compare/comparison-text.ts";
import { verdictOf } from "../../../src/oracle/compare/verdict.ts";
import { diagnose } from "../../../src/oracle/diagnose/diagnose.ts";
import { modelWeights, numbersOf } from "../../../src/oracle/diagnose/model-weights.ts";
import { weightOf } from "../../../src/oracle/mistakes/columns.ts";
import type { RecordedPoint, RecordedRun } from "../../../src/oracle/recorded/recorded-run.ts";
import { createTensor, type ReferenceTensor, type ReferenceWeight, rowOf } from "../../../src/reference/tensor.ts";
import { load } from "../../model/run.ts";
import { seeded } from "../../ops/harness.ts";
import { pointOfNumbers, recordRun } from "../memory-run.ts";
import { randomIds, randomModel, shapeY } from "../random-model.ts";

const shape = { ...shapeY, num_hidden_layers: 3, layer_types: ["conv", "full_attention", "conv"], hidden_size: 64 };
const SEED = 31;
const prepared = prepare();

async function prepare() {
  const checkpoint = await randomModel({ ...shape, num_attention_heads: 4 }, SEED);
  const about = { config: checkpoint.config, backend: "reference", mode: "exact", kvType: "f32" };
  const [f32, f16] = await Promise.all(
    (["f32", "f16"] as const).map((kvType) => load(checkpoint, { backend: "reference", kvType })),
  );
  const run = (change: Partial<Ops> = {}, { model, sequences } = f32, step?: number): RecordedRun => {
    const ops: Ops = Object.assign(Object.create(model.ops), change);
    return recordRun({ ...model, ops } as Model, sequences[0], randomIds(150, 24, SEED), { about, step });
  };
  return { ops: f32.model.ops, run, f16, weights: modelWeights(checkpoint) };
}

/** Every number of a tensor changed. */
function mapped(x: Tensor, change: (value: number, t: number, c: number) => number): Tensor {
  const y = createTensor(x.rows, x.cols);
  for (let t = 0; t < x.rows; t++)
    rowOf(y, t).set(rowOf(x as ReferenceTensor, t).map((value, c) => change(value, t, c)));
  return y;
}

function replaced(run: RecordedRun, name: string, point: RecordedPoint): RecordedRun {
  return { ...run, points: new Map(run.points).set(name, point) };
}

async function changed(run: RecordedRun, name: string, change: (value: number, i: number, cols: number) => number) {
  const point = run.points.get(name) as RecordedPoint;
  const numbers = (await point.read(0, point.rows)) as Float32Array;
  const other = numbers.map((value, i) => change(value, i, point.cols));
  return replaced(run, name, pointOfNumbers(name, other, point.cols));
}

/** Of the router: which row has two experts next to each other in the ranking, one chosen, whose logits lie closest. */
async function closest(run: RecordedRun, feedForward: string) {
  const point = (of: string) => run.points.get(`${feedForward}.${of}`) as RecordedPoint;
  const [experts, logits, bias] = [point("gate.experts"), point("gate.logits"), point("expert_bias")];
  const [ids, numbers, added] = await Promise.all([
    experts.read(0, experts.rows),
    logits.read(0, logits.rows),
    bias.read(0, 1),
  ]);
  let best = { apart: Number.POSITIVE_INFINITY, row: 0, chosen: 0, other: 0 };
  const score = (row: number, expert: number) =>
    1 / (1 + Math.exp(-numbers[row * logits.cols + expert])) + added[expert];
  for (let row = 1; row < experts.rows; row++) {
    const ofRow = ids.subarray(row * experts.cols, (row + 1) * experts.cols);
    for (const chosen of ofRow) {
      for (let other = 0; other < logits.cols; other++) {
        const apart = score(row, chosen) - score(row, other);
        if (!ofRow.includes(other) && apart < best.apart) best = { apart, row, chosen, other };
      }
    }
  }
  return best;
}

/** A run whose router's logits of one row are moved by as much as it takes for another expert to be chosen. */
async function nearTie(
  { ops, run }: Awaited<typeof prepared>,
  feedForward: string,
): Promise<[run: RecordedRun, tied: RecordedRun, row: number]> {
  const own = run();
  const { row, other, apart } = await closest(own, feedForward);
  const linear: Ops["linear"] = (x, w) =>
    w.path === `${feedForward}.gate`
      ? mapped(ops.linear(x, w), (value, t, c) => (t === row && c === other ? value + 6 * apart : value))
      : ops.linear(x, w);
  return [own, run({ linear }), row];
}

describe("a mistake is not cleared", () => {
  it("by the other run's rounding, which is a thousandth of it", async () => {
    const { ops, run, f16, weights } = await prepared;
    const squared: Partial<Ops> = {
      attention: (q, k, v, spans, headDim) => mapped(ops.attention(q, k, v, spans, headDim), (x) => x * Math.abs(x)),
    };
    const comparison = await compareRuns(run({}, f16), run(squared), { tolerance: 4e-5 });
    expect(comparison.first?.name).toMatch(/self_attn/);
    expect((await diagnose(comparison, weights)).guess?.kind).not.toBe("precision");
  });

  it("as rounding where the weights differ by a thousandth, or one column does", async () => {
    const { ops, run, weights } = await prepared;
    const random = seeded(5);
    const noise = Array.from({ length: 4096 }, () => 2e-3 * (random() - 0.5));
    for (const change of [
      (x: Tensor): Tensor => mapped(x, (value, t, c) => value + noise[(64 * t + c) % 4096]),
      (x: Tensor): Tensor => mapped(x, (value, _, c) => (c === 5 ? value * 1.001 : value)),
    ]) {
      const changes: Partial<Ops> = {
        linear: (x, w) => (w.path.endsWith("conv.out_proj") ? change(ops.linear(x, w)) : ops.linear(x, w)),
      };
      const comparison = await compareRuns(run(), run(changes));
      expect(comparison.equal).toBe(false);
      expect((await diagnose(comparison, weights)).guess?.kind).not.toBe("precision");
    }
  });

  it("behind a rounding that explains where the runs part", async () => {
    const { run, f16, weights } = await prepared;
    const rounded = run({}, f16);
    const clean = await compareRuns(run(), rounded, { tolerance: 4e-5 });
    expect((await diagnose(clean, weights)).guess).toMatchObject({ cause: "kv-f16", kind: "precision" });
    const other = await changed(rounded, "lm_head", (value) => -3 * value);
    const { guess, next } = await diagnose(await compareRuns(run(), other, { tolerance: 4e-5 }), weights);
    expect(guess).toMatchObject({ cause: "scaled", kind: "bug", side: "B" });
    expect(next.map(({ cause }) => cause)).toEqual(["kv-f16"]);
  });

  it("behind a near tie, where it shows before that", async () => {
    const { weights } = await prepared;
    const [own, tied, row] = await nearTie(await prepared, "model.layers.1.feed_forward");
    expect(row).toBeGreaterThan(0);
    const clean = await compareRuns(own, tied, { precision: "bf16" });
    expect((await diagnose(clean, weights)).guess).toMatchObject({ cause: "near-tie" });
    const other = await changed(tied, "lm_head", (value) => -3 * value);
    const { guess, next } = await diagnose(await compareRuns(own, other, { precision: "bf16" }), weights);
    expect(guess).toMatchObject({ cause: "scaled", kind: "bug", side: "B" });
    expect(next.map(({ cause }) => cause)).toEqual(["near-tie"]);
  });

  it("without the model, which could show what rounding is", async () => {
    const { run } = await prepared;
    const random = seeded(14);
    const name = "model.layers.1.self_attn.out_proj.input";
    const noisy = await changed(run(), name, (value) => value * (1 + 0.01 * (random() - 0.5)));
    const { guess, hints } = await diagnose(await compareRuns(run(), noisy));
    expect(guess).toBeUndefined();
    expect(hints.join()).toContain("-m");
  });
});

describe("ties of the router", () => {
  const run = (ids: number[]): RecordedRun => ({
    ...{ name: "run", isOrdered: true, ids: undefined, start: 0, close: async () => {} },
    about: {
      config: { use_expert_bias: false },
      model: undefined,
      backend: undefined,
      mode: undefined,
      kvType: undefined,
    },
    points: new Map(
      [
        pointOfNumbers("model.layers.0.feed_forward.gate.logits", [2, 2, 0, 0, 1, 1], 3),
        pointOfNumbers("model.layers.0.feed_forward.gate.experts", ids, 1),
      ].map((point) => [point.name, point]),
    ),
  });

  it("between equal scores are told by the id that each run takes", async () => {
    const comparison = await compareRuns(run([0, 1]), run([1, 2]));
    const diagnosed = await diagnose(comparison);
    expect(diagnosed.guess).toMatchObject({ cause: "exact-tie", kind: "precision", side: undefined });
    expect(verdictOf(comparison, diagnosed)).toMatchObject({
      is: "near-ties",
      which: expect.stringContaining("B takes the higher id, A the lower"),
    });
  });
});

describe("several mistakes at once", () => {
  const gelu =
    (ops: Ops): Ops["swiglu"] =>
    (gate, up) =>
      ops.mul(ops.mul(gate, ops.sigmoid(ops.scale(gate, 1.702))), up);

  it("are named one after the other, and the rest is said to agree", async () => {
    const { ops, run, weights } = await prepared;
    const flipped: Ops["causalConv"] = (x, w, spans) =>
      ops.causalConv(x, weightOf(w.rows, w.cols, rowsReversed(numbersOf(w as ReferenceWeight), w.cols), w.path), spans);
    const comparison = await compareRuns(run(), run({ swiglu: gelu(ops), causalConv: flipped }));
    const found = await diagnose(comparison, weights);
    const { guess, next, hints } = found;
    expect([guess, ...next].map((one) => one?.cause)).toEqual(["flipped-taps", "quick-gelu"]);
    expect(hints).toEqual([]);
    expect(wording(comparison, found).verdict).toMatch(/flipped-taps.*; then .*quick-gelu/);
    const alone = await diagnose(await compareRuns(run(), run({ swiglu: gelu(ops) })), weights);
    expect(alone.guess?.evidence).toContain("every later operation gives what is specified");
  });

  it("are not searched for without end, and what was left out is said", async () => {
    const { ops, run, weights } = await prepared;
    const comparison = await compareRuns(run(), run({ swiglu: gelu(ops) }));
    const { products } = await diagnose(comparison, weights);
    const { guess, hints } = await diagnose(comparison, weights, 0.9 * products);
    expect(guess?.cause).toBe("quick-gelu");
    expect(guess?.evidence).not.toContain("every later operation");
    expect(hints.join()).toMatch(
      /without everything from B's model\.\S+ on: --max-products \S+ allows ten times as much/,
    );
    const atOnce = await diagnose(comparison, weights, 0);
    expect(atOnce.guess).toBeUndefined();
    expect(atOnce.hints.join()).toMatch(/without \d+ of \d+ known mistakes in B's model\.layers\.\d+\.feed_forward/);
  });
});

function rowsReversed(numbers: Float32Array, cols: number): Float32Array {
  return numbers.map((_, i) => numbers[i - (i % cols) + cols - 1 - (i % cols)]);
}

describe("what no cause is known of", () => {
  it("is told by the side, the tokens and the columns", async () => {
    const { run, weights } = await prepared;
    const name = "model.layers.0.operator_norm";
    const other = await changed(run(), name, (value, i, cols) =>
      i % cols === 7 && i >= 20 * cols ? value + 1 : value,
    );
    const { guess, hints } = await diagnose(await compareRuns(run(), other), weights);
    expect(guess).toBeUndefined();
    expect(hints.join("; ")).toMatch(/B's model\.layers\.0\.operator_norm.*tokens 20 to 23, in column 7 of 64/);
    expect(hints.join("; ")).toMatch(/A's model\.layers\.0\.operator_norm.*gives what A recorded/);
  });

  it("is told by how far it goes, where every matrix is a little off", async () => {
    const { ops, run, weights } = await prepared;
    const noisy = (w: Weight): Weight => {
      const noise = seeded(w.path.length);
      const numbers = numbersOf(w as ReferenceWeight).map((value) => value * (1 + 4e-3 * (noise() - 0.5)));
      return { ...weightOf(w.rows, w.cols, numbers, w.path), experts: w.experts };
    };
    const other = run({
      linear: (x, w) => ops.linear(x, noisy(w)),
      expertLinear: (x, w, ids) => ops.expertLinear(x, noisy(w), ids),
    });
    const { guess, hints } = await diagnose(await compareRuns(run(), other), weights);
    expect(guess).toBeUndefined();
    expect(hints.join()).toMatch(
      /computed from what B itself recorded, 2 of 2 short convolutions, 1 of 1 attentions.* do not give what is specified, by 0\.\d+ to 0\.\d+ % .*norms, sums, final norm do\. Matrices/,
    );
  });

  it("is a fault of a norm's weights only where every column is off by a factor", async () => {
    const { run, weights } = await prepared;
    const name = "model.layers.1.ffn_norm";
    const random = seeded(5);
    const gains = Array.from({ length: 64 }, () => 1 + 0.02 * (random() - 0.5));
    const causeOf = async (change: (value: number, i: number) => number) => {
      const { guess } = await diagnose(await compareRuns(run(), await changed(run(), name, change)), weights);
      return guess?.cause;
    };
    expect(await causeOf((value, i) => value * gains[i % 64])).toBe("perturbed-weight");
    expect(await causeOf((value) => value * (1 + 0.06 * (random() - 0.5)))).toBeUndefined();
  });

  it("is no fault of weights in a sum, which has none", async () => {
    const { run, weights } = await prepared;
    const random = seeded(5);
    const other = await changed(run(), "model.layers.1.feed_forward", (value) => value + 0.2 * (random() - 0.5));
    const { guess, next, hints } = await diagnose(await compareRuns(run(), other), weights);
    expect([guess, ...next].filter(Boolean)).toEqual([]);
    expect(hints.join()).toMatch(/1 of \d feed-forwards, 1 of \d sums do not give what is specified/);
  });

  it.each([
    ["NaN", Number.NaN, "not-a-number"],
    ["infinity", Number.POSITIVE_INFINITY, "overflow"],
  ])("but for %s, which has a name", async (_, value, cause) => {
    const { run, weights } = await prepared;
    const name = "model.layers.1.ffn_norm";
    const other = await changed(run(), name, (number, i, cols) => (i === 3 * cols + 1 ? value : number));
    const { guess } = await diagnose(await compareRuns(run(), other), weights);
    expect(guess).toMatchObject({ cause, kind: "bug", side: "B" });
    expect(guess?.evidence).toContain("token 3");
  });
});

it("keys that half precision has no room for are what made NaN of attention", async () => {
  const { run, weights } = await prepared;
  const keys = await changed(run(), "model.layers.1.self_attn.k_proj", (value, i) => (i === 5 ? 7e4 : value));
  const attended = await changed(keys, "model.layers.1.self_attn.out_proj.input", () => Number.NaN);
  const own = await changed(run(), "model.layers.1.self_attn.k_proj", (value, i) => (i === 5 ? 7e4 : value));
  const { guess } = await diagnose(await compareRuns(own, attended), weights);
  expect(guess).toMatchObject({ cause: "overflow", side: "B", says: expect.stringContaining("cache") });
});

it("the logits of a head of its own are not the embedding's", async () => {
  const { ops, run, weights } = await prepared;
  const random = seeded(3);
  const head = weightOf(
    150,
    64,
    Float32Array.from({ length: 150 * 64 }, () => random() - 0.5),
    "model.embed_tokens",
  );
  const linear: Ops["linear"] = (x, w) => ops.linear(x, w.path === head.path ? head : w);
  const { guess } = await diagnose(await compareRuns(run(), run({ linear })), weights);
  expect(guess).toMatchObject({ cause: "head-not-tied", kind: "bug", side: "B" });
});

it("weights are those that the model has when it is quantized at load", async () => {
  const checkpoint = await randomModel({ ...shape, num_attention_heads: 4 }, SEED);
  const read = await modelWeights(checkpoint, "Q8_0").read("model.layers.0.conv.in_proj");
  const { model } = await load(checkpoint, { backend: "reference", quantize: "Q8_0" });
  const [{ operator }] = model.weights.layers;
  expect(read).toMatchObject({ format: blockFormats.Q8_0 });
  expect(read?.bytes).toEqual(operator.type === "conv" && (operator.inProj as ReferenceWeight).bytes);
});

/** Written for this test, in other words than the table's. */
const planted: readonly (readonly [cause: string, plant: (ops: Ops) => Partial<Ops>, step?: number])[] = [
  [
    "relu",
    (ops) => ({
      swiglu: (gate, up) =>
        ops.mul(
          mapped(gate, (x) => (x > 0 ? x : 0)),
          up,
        ),
    }),
  ],
  ["quick-gelu", (ops) => ({ swiglu: (gate, up) => ops.mul(ops.mul(gate, ops.sigmoid(ops.scale(gate, 1.702))), up) })],
  [
    "missing-c",
    (ops) => ({
      mul: (a, b) =>
        b.cols === a.cols && "stride" in b && (a as ReferenceTensor).offset === a.cols ? b : ops.mul(a, b),
    }),
  ],
  [
    "rope-reversed",
    (ops) => ({
      angles: (p, rotation) =>
        ops.angles(p, { ...rotation, inverseFrequency: rotation.inverseFrequency.map((f) => -f) }),
    }),
  ],
  [
    "rope-restarted",
    (ops) => ({
      angles: (p, rotation) =>
        ops.angles(
          p.map((_, t) => t),
          rotation,
        ),
    }),
    7,
  ],
  [
    "missing-k-norm",
    (ops) => ({ rmsNorm: (x, w, eps) => (w.path.includes("k_layernorm") ? x : ops.rmsNorm(x, w, eps)) }),
  ],
  [
    "bias-doubled",
    (ops) => ({ addBias: (x, bias) => ops.add(ops.addBias(x, bias), ops.addBias(ops.scale(x, 0), bias)) }),
  ],
  [
    "weights-squared",
    (ops) => ({
      weightedSum: (x, weights) =>
        ops.weightedSum(
          x,
          mapped(weights, (w) => w ** 2),
        ),
    }),
  ],
  ["root-of-k", () => ({ normalize: (x) => mapped(x, (w) => w / Math.sqrt(x.cols)) })],
  ["layer-norm", (ops) => ({ rmsNorm: (x, w, eps) => ops.rmsNorm(less(x), w, eps) })],
  [
    "capped-logits",
    (ops) => ({
      linear: (x, w) =>
        w.path.endsWith("embed_tokens") ? mapped(ops.linear(x, w), (z) => 30 * Math.tanh(z / 30)) : ops.linear(x, w),
    }),
  ],
];

function less(x: Tensor): Tensor {
  const means = Array.from(
    { length: x.rows },
    (_, t) => rowOf(x as ReferenceTensor, t).reduce((a, b) => a + b, 0) / x.cols,
  );
  return mapped(x, (value, t) => value - means[t]);
}

describe("a damaged weight is named with its place", () => {
  it.each([
    [
      "an element",
      "damaged-weight",
      "element [9, 4] of",
      (w: number, row: number, col: number) => (row === 9 && col === 4 ? w + 40 : w),
    ],
    ["a column", "damaged-weight", "column 4 of", (w: number, _: number, col: number) => (col === 4 ? w - 1 : w)],
    ["two rows", "zeroed-rows", "rows 9, 11 of", (w: number, row: number) => (row === 9 || row === 11 ? 0 : w)],
  ] as const)("%s", async (_, cause, place, change) => {
    const { ops, run, weights } = await prepared;
    const damaged = (w: Weight): Weight => {
      const numbers = numbersOf(w as ReferenceWeight).map((value, i) =>
        change(value, Math.floor(i / w.cols), i % w.cols),
      );
      return weightOf(w.rows, w.cols, numbers, w.path);
    };
    const linear: Ops["linear"] = (x, w) => ops.linear(x, w.path.endsWith("conv.in_proj") ? damaged(w) : w);
    const { guess } = await diagnose(await compareRuns(run(), run({ linear })), weights);
    expect(guess).toMatchObject({ cause, kind: "bug", side: "B" });
    expect(guess?.says).toContain(`${place} model.layers.0.conv.in_proj`);
  });
});

describe("a planted mistake is named", () => {
  it.each(planted.map((one) => [one[0], one] as const))("%s", async (_, [cause, plant, step]) => {
    const { ops, run, weights } = await prepared;
    const comparison = await compareRuns(run(), run(plant(ops), undefined, step));
    expect((await diagnose(comparison, weights)).guess).toMatchObject({ cause, kind: "bug", side: "B" });
  });

  it("and stands in docs/mistakes.md (npm run docs)", () => {
    const written = readFileSync(new URL("../../../docs/mistakes.md", import.meta.url), "utf8");
    expect(written).toBe(mistakesMarkdown());
    for (const [cause] of planted) expect(written).toContain(`\`${cause}\``);
  });
});
