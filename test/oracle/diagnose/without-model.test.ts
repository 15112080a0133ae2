// What two recordings tell without the model's weights, and what they must not be taken for with them.
import { describe, expect, it } from "vitest";
import type { Model } from "../../../src/engine/sequence.ts";
import type { Ops, Tensor, Weight } from "../../../src/ops/ops.ts";
import { compareRuns } from "../../../src/oracle/compare/compare.ts";
import { diagnose } from "../../../src/oracle/diagnose/diagnose.ts";
import { modelWeights } from "../../../src/oracle/diagnose/model-weights.ts";
import type { RecordedRun } from "../../../src/oracle/recorded/recorded-run.ts";
import { createTensor, type ReferenceTensor, rowOf } from "../../../src/reference/tensor.ts";
import { load } from "../../model/run.ts";
import { seeded } from "../../ops/harness.ts";
import { recordRun } from "../memory-run.ts";
import { randomIds, randomModel, shapeY } from "../random-model.ts";

const shape = {
  ...shapeY,
  ...{ num_hidden_layers: 3, layer_types: ["conv", "full_attention", "conv"], hidden_size: 64, num_attention_heads: 4 },
};
const prepared = prepare();

async function prepare() {
  const checkpoint = await randomModel(shape, 19);
  const about = { config: checkpoint.config, backend: "reference", mode: "exact", kvType: "f32" };
  const { model, sequences } = await load(checkpoint, { backend: "reference" });
  const run = (change: Partial<Ops> = {}): RecordedRun => {
    const ops: Ops = Object.assign(Object.create(model.ops), change);
    return recordRun({ ...model, ops } as Model, sequences[0], randomIds(150, 24, 19), { about });
  };
  const { layers, embeddingNorm } = model.weights;
  return { ops: model.ops, run, layers, embeddingNorm, weights: modelWeights(checkpoint) };
}

function mapped(x: Tensor, change: (value: number, t: number, c: number) => number): Tensor {
  const y = createTensor(x.rows, x.cols);
  for (let t = 0; t < x.rows; t++)
    rowOf(y, t).set(rowOf(x as ReferenceTensor, t).map((value, c) => change(value, t, c)));
  return y;
}

describe("without a model is named", () => {
  it("what is done to logits: the other run's are what they are made of", async () => {
    const { ops, run } = await prepared;
    const isHead = (w: Weight): boolean => w.path === "model.embed_tokens";
    const capped = run({
      linear: (x, w) => (isHead(w) ? mapped(ops.linear(x, w), (v) => 5 * Math.tanh(v / 5)) : ops.linear(x, w)),
    });
    expect((await diagnose(await compareRuns(run(), capped))).guess).toMatchObject({
      cause: "capped-logits",
      side: "B",
    });
    const moved = run({
      linear(x, w) {
        const y = ops.linear(x, w);
        return isHead(w) ? mapped(y, (_, t, c) => rowOf(y as ReferenceTensor, t)[(c + 1) % y.cols]) : y;
      },
    });
    expect((await diagnose(await compareRuns(run(), moved))).guess?.cause).toBe("moved-vocabulary");
  });

  /** As hooks see it: of convolutions, attention and experts not what is inside them. */
  const hooked = ({ points, ...run }: RecordedRun): RecordedRun => ({
    ...run,
    points: new Map(
      [...points].filter(([name]) => !/(conv\.conv|_rope|experts\.w[123]|scores|expert_bias)$/.test(name)),
    ),
  });

  it("what out_proj, w2 and the experts would make of it, by what the other run's made of the same rows", async () => {
    const { ops, run } = await prepared;
    const named = async (change: Partial<Ops>) =>
      (await diagnose(await compareRuns(run(), hooked(run(change))))).guess?.cause;
    const gelu: Ops["swiglu"] = (gate, up) => ops.mul(ops.mul(gate, ops.sigmoid(ops.scale(gate, 1.702))), up);
    expect(await named({ swiglu: gelu })).toBe("quick-gelu");
    expect(
      await named({ attention: (q, k, v, spans, headDim) => ops.attention(ops.scale(q, 4), k, v, spans, headDim) }),
    ).toBe("missing-attention-scale");
    expect(
      await named({
        weightedSum: (x, weights) =>
          ops.weightedSum(
            x,
            mapped(weights, (w) => w * w),
          ),
      }),
    ).toBe("weights-squared");
  });

  it("a weight that is another, where both read the same", async () => {
    const { ops, run } = await prepared;
    const path = "model.layers.0.conv.out_proj";
    const turned: Ops["linear"] = (x, w) => {
      const y = ops.linear(x, w);
      return w.path === path ? mapped(y, (_, t, c) => rowOf(y as ReferenceTensor, t)[(7 * c + 3) % y.cols]) : y;
    };
    const { guess } = await diagnose(await compareRuns(run(), hooked(run({ linear: turned }))));
    expect(guess).toMatchObject({ cause: "other-weight", kind: "bug", side: undefined });
    expect(guess?.says).toContain(path);
    expect(guess?.evidence).not.toContain("every later operation");
  });

  it("k for v", async () => {
    const { ops, run, layers } = await prepared;
    const attention = layers.flatMap(({ operator }) => (operator.type === "conv" ? [] : [operator]));
    const exchanged = run({
      linear(x, w) {
        const found = attention.find(({ kProj, vProj }) => [kProj.path, vProj.path].includes(w.path));
        if (found === undefined) return ops.linear(x, w);
        return ops.linear(x, { ...(w.path === found.kProj.path ? found.vProj : found.kProj), path: w.path });
      },
    });
    expect((await diagnose(await compareRuns(run(), exchanged))).guess?.cause).toBe("swapped-k-v");
  });

  it("another norm's gain, learned where it stands; and another layer's bias", async () => {
    const { ops, run, layers, embeddingNorm } = await prepared;
    const byPath = new Map(
      layers.flatMap((layer) => [layer.operatorNorm, layer.ffnNorm].map((w) => [w.path, w] as const)),
    );
    const swapped = run({
      rmsNorm(x, w, eps) {
        const other = w.path.replace(/(operator|ffn)_norm$/, (_, of) => `${of === "ffn" ? "operator" : "ffn"}_norm`);
        return ops.rmsNorm(x, { ...(byPath.get(other) ?? w), path: w.path }, eps);
      },
    });
    expect((await diagnose(await compareRuns(run(), swapped))).guess?.cause).toBe("swapped-norms");
    const later = run({
      rmsNorm(x, w, eps) {
        const other = w.path.replace(/(\d+)\.operator_norm$/, (_, layer) => `${(Number(layer) + 1) % 3}.operator_norm`);
        return ops.rmsNorm(x, { ...(byPath.get(other) ?? w), path: w.path }, eps);
      },
    });
    expect((await diagnose(await compareRuns(run(), later))).guess?.cause).toBe("weights-of-other-layer");
    const early = run({
      rmsNorm: (x, w, eps) =>
        ops.rmsNorm(w.path === "model.layers.0.operator_norm" ? ops.rmsNorm(x, embeddingNorm, eps) : x, w, eps),
    });
    expect((await diagnose(await compareRuns(run(), early))).guess?.cause).toBe("embedding-norm-first");
    const biases = layers.flatMap(({ feedForward: ff }) =>
      ff.type === "sparse" && ff.expertBias ? [ff.expertBias] : [],
    );
    const next = run({
      addBias(x, bias) {
        const other = biases[(biases.findIndex(({ path }) => path === bias.path) + 1) % biases.length];
        return ops.addBias(x, { ...other, path: bias.path });
      },
    });
    expect((await diagnose(await compareRuns(run(), next))).guess?.cause).toBe("bias-of-other-layer");
  });
});

it("gains that are others at random are no rounding, however small: they are off by the same at every token", async () => {
  const { ops, run, weights } = await prepared;
  for (const size of [0.015, 0.005]) {
    const random = seeded(4);
    const noise = Array.from({ length: 64 }, () => 1 + size * (2 * random() - 1));
    const other = run({
      rmsNorm: (x, w, eps) => {
        const y = ops.rmsNorm(x, w, eps);
        return w.path.endsWith("operator_norm") ? mapped(y, (value, _, c) => value * noise[c]) : y;
      },
    });
    const { guess } = await diagnose(await compareRuns(run(), other), weights);
    expect(guess?.kind).not.toBe("precision");
  }
});
