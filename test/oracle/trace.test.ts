// A trace is what the graph computed: planned before, recorded in steps, whatever the steps.
import { describe, expect, it } from "vitest";
import { loadFloats, readSafetensors } from "../../src/formats/hf/safetensors.ts";
import { type LanguageModel, open } from "../../src/index.ts";
import { readConfig } from "../../src/model/config.ts";
import { GlobError } from "../../src/oracle/glob.ts";
import { margins } from "../../src/oracle/trace/record.ts";
import { planTrace } from "../../src/oracle/trace/trace-plan.ts";
import { openFile } from "../../src/sources/disk.ts";
import { closeAll } from "../formats/golden-files.ts";
import { golden, goldenTensors, open as openGolden } from "../model/run.ts";

type Recorded = Map<string, { shape: [number, number]; data: (Float32Array | Int32Array)[]; positions: number[] }>;

async function recorded(model: LanguageModel, ids: readonly number[], options = {}): Promise<Recorded> {
  const found: Recorded = new Map();
  for await (const { name, position, rows, data } of model.trace(ids, options)) {
    const entry = found.get(name) ?? { shape: [0, data.length / rows], data: [], positions: [] };
    entry.shape[0] += rows;
    entry.data.push(data);
    entry.positions.push(position);
    found.set(name, entry);
  }
  return found;
}

const numbers = (found: Recorded, name: string): number[] => found.get(name)?.data.flatMap((piece) => [...piece]) ?? [];

async function withModel<T>(source: string | undefined, options: object, use: (model: LanguageModel) => Promise<T>) {
  const model = await open(source, options);
  try {
    return await use(model);
  } finally {
    await model.close();
  }
}

const models = ["moe-small", "moe-wide-heads", "moe-no-norm", "moe-no-bias", "dense-small"];
const ids17 = Array.from({ length: 17 }, (_, i) => 8 + ((i * 37) % 200));

describe.each(models)("a trace of %s", (name) => {
  it.each(["reference", "wasm"] as const)(
    "has every tensor of its plan and no other, each whole: %s",
    async (backend) => {
      await withModel(golden(`transformers/${name}`), { backend }, async (model) => {
        const plan = planTrace(model.config, ids17.length);
        const found = await recorded(model, ids17);
        const shapes = Object.fromEntries([...found].map(([point, { shape }]) => [point, shape]));
        expect(shapes).toEqual(Object.fromEntries(plan.points.map((point) => [point.name, point.shape])));
        const bytes = [...found.values()].reduce(
          (sum, { data }) => sum + data.reduce((n, d) => n + d.byteLength, 0),
          0,
        );
        expect(bytes).toBe(plan.bytes);
        for (const { name: point, dtype, kind } of plan.points) {
          expect(found.get(point)?.data[0], point).toBeInstanceOf(dtype === "I32" ? Int32Array : Float32Array);
          expect(kind).toBe(point === "lm_head" ? "logits" : point.endsWith(".experts") ? "ids" : "tensor");
        }
      });
    },
  );

  it("is planned under every name that transformers' hooks gave, in the order in which the graph computes", async () => {
    const checkpoint = await openGolden(`transformers/${name}`);
    await closeAll(checkpoint);
    const config = readConfig(checkpoint.config);
    const names = planTrace(config, 17).points.map((point) => point.name);
    const theirs = [...(await goldenTensors(`transformers/${name}/len17.safetensors`)).keys()];
    const missing = theirs.filter((path) => !names.includes(path));
    expect(missing.sort()).toEqual(["input_ids", "logits"]); // the second is lm_head here
    expect(names.slice(0, 2)).toEqual(["model.embed_tokens", "model.layers.0.operator_norm"]);
    expect(names.slice(-3)).toEqual([`model.layers.${config.numHiddenLayers - 1}`, "model.embedding_norm", "lm_head"]);
    expect(new Set(names).size).toBe(names.length);
    const layer = config.numDenseLayers < config.numHiddenLayers ? config.numHiddenLayers - 1 : undefined;
    if (layer !== undefined) {
      const inside = names.filter((path) => path.startsWith(`model.layers.${layer}.feed_forward`));
      const bias = config.useExpertBias ? ["expert_bias"] : [];
      const order = ["gate.logits", "gate.scores", ...bias, "gate.experts", "gate.margin", "gate.weights"];
      const prefix = `model.layers.${layer}.feed_forward`;
      const experts = ["experts.w1", "experts.w3", "experts.w2"];
      expect(inside).toEqual([...[...order, ...experts].map((part) => `${prefix}.${part}`), prefix]);
    }
  });
});

describe("points of a convolution and of attention", () => {
  it("hold what the layer's equations say of them", async () => {
    await withModel(golden("transformers/moe-small"), { backend: "reference" }, async (model) => {
      const found = await recorded(model, ids17);
      const hidden = model.config.hiddenSize;
      // out_proj.input = C ⊙ conv(B ⊙ x), with in_proj = [B, C, x].
      const inProj = numbers(found, "model.layers.0.conv.in_proj");
      const mixed = numbers(found, "model.layers.0.conv.conv");
      const gated = mixed.map((value, i) => {
        const row = Math.floor(i / hidden);
        return Math.fround(inProj[row * 3 * hidden + hidden + (i % hidden)] * value);
      });
      expect(numbers(found, "model.layers.0.conv.out_proj.input")).toEqual(gated);
      // Position 0 is not rotated, and sees itself alone: its attention is its values.
      const head = found.get("model.layers.2.self_attn.q_rope")?.shape[1] as number;
      const first = (name: string, count: number) => numbers(found, `model.layers.2.self_attn.${name}`).slice(0, count);
      expect(first("q_rope", head)).toEqual(first("q_layernorm", head));
      const { headDim, numAttentionHeads, numKeyValueHeads } = model.config;
      const values = first("v_proj", numKeyValueHeads * headDim);
      const shared = numAttentionHeads / numKeyValueHeads;
      const repeated = Array.from({ length: numAttentionHeads * headDim }, (_, i) => {
        return values[Math.floor(Math.floor(i / headDim) / shared) * headDim + (i % headDim)];
      });
      expect(first("out_proj.input", head)).toEqual(repeated);
    });
  });
});

describe("routers", () => {
  it("are told whole: scores, the file's bias, the chosen, their weights, and the margin to the next", async () => {
    const folder = golden("transformers/moe-small");
    const file = await openFile(`${folder}/model.safetensors`);
    const { tensors } = await readSafetensors(file);
    await withModel(folder, { backend: "wasm", mode: "int8" }, async (model) => {
      const found = await recorded(model, ids17, { points: ["**.gate.*", "**.expert_bias"] });
      const { numExperts, numExpertsPerTok: k, numHiddenLayers, numDenseLayers } = model.config;
      for (let layer = numDenseLayers; layer < numHiddenLayers; layer++) {
        const path = `model.layers.${layer}.feed_forward`;
        const stored = await loadFloats(file, tensors.get(`${path}.expert_bias`) as never);
        expect(numbers(found, `${path}.expert_bias`)).toEqual([...stored]);
        const scores = numbers(found, `${path}.gate.scores`);
        for (let t = 0; t < ids17.length; t++) {
          const own = scores.slice(t * numExperts, (t + 1) * numExperts);
          const ranked = own.map((score, e) => Math.fround(score + stored[e]));
          const order = ranked.map((_, e) => e).sort((a, b) => ranked[b] - ranked[a] || a - b);
          const chosen = order.slice(0, k).sort((a, b) => a - b);
          expect(numbers(found, `${path}.gate.experts`).slice(t * k, (t + 1) * k)).toEqual(chosen);
          const margin = Math.fround(ranked[order[k - 1]] - ranked[order[k]]);
          expect(numbers(found, `${path}.gate.margin`)[t]).toBe(margin);
          const sum = chosen.reduce((total, e) => total + own[e], 0);
          const weights = numbers(found, `${path}.gate.weights`).slice(t * k, (t + 1) * k);
          for (const [j, e] of chosen.entries()) expect(weights[j]).toBeCloseTo(own[e] / (sum + 1e-6), 6);
        }
      }
    }).finally(() => file.close());
  });

  it("have a margin of the k-th largest number less the next", () => {
    expect([...margins(Float32Array.of(5, 1, 3, 2, 0.5, 0.5, 0.25, 0), 4, 2)]).toEqual([1, 0.25]);
  });
});

describe("positions", () => {
  it.each([[{ from: 5, to: 9 }], [{ from: 16, to: 17 }], [{ from: 20 }], [{ to: 1 }]])(
    "%o are the same rows that a trace of all has, bit by bit",
    async (positions) => {
      await withModel(undefined, {}, async (model) => {
        const ids = Array.from({ length: 40 }, (_, i) => (i * 91) % 2048);
        const points = ["model.layers.{0,2,9}.**", "lm_head"];
        const whole = await recorded(model, ids, { points });
        const part = await recorded(model, ids, { points, positions });
        const { from = 0, to = ids.length } = positions as { from?: number; to?: number };
        expect([...part.keys()].sort()).toEqual([...whole.keys()].sort());
        for (const [name, { shape, positions: starts }] of part) {
          const isBias = name.endsWith(".expert_bias");
          const [first, last] = isBias ? [0, 1] : [from, to];
          expect(numbers(part, name), name).toEqual(numbers(whole, name).slice(first * shape[1], last * shape[1]));
          expect(starts[0]).toBe(from);
        }
      });
    },
  );

  it("do not depend on the steps: logits make them short, other points long", async () => {
    await withModel(undefined, {}, async (model) => {
      const ids = Array.from({ length: 160 }, (_, i) => (i * 91) % 2048);
      const short = await recorded(model, ids, { points: ["model.layers.3", "lm_head"] });
      const long = await recorded(model, ids, { points: ["model.layers.3"] });
      expect(short.get("model.layers.3")?.data.length).toBeGreaterThan(
        long.get("model.layers.3")?.data.length as number,
      );
      expect(numbers(long, "model.layers.3")).toEqual(numbers(short, "model.layers.3"));
      expect(numbers(short, "lm_head")).toEqual([...(await model.logits(ids)).data]);
    });
  });

  it("that are not among the ids are refused", async () => {
    const { config } = await withModel(undefined, {}, async (model) => model);
    for (const positions of [{ from: 3, to: 3 }, { from: -1 }, { to: 5 }, { from: 0.5 }]) {
      expect(() => planTrace(config, 4, { positions })).toThrow(
        "positions: expected 0 ≤ from < to ≤ 4, the number of ids",
      );
    }
    expect(() => planTrace(config, 4, { points: ["nothing"] })).toThrow(GlobError);
  });
});

describe("a trace under way", () => {
  it("leaves the model as any request does: what comes next is what it always was", async () => {
    await withModel(undefined, {}, async (model) => {
      const before = (await model.logits([1, 2, 3])).data;
      for await (const _ of model.trace(Array.from({ length: 300 }, (_, i) => i))) break;
      const controller = new AbortController();
      const aborted = async () => {
        for await (const _ of model.trace([1, 2, 3], { signal: controller.signal }))
          controller.abort(new Error("enough"));
      };
      await expect(aborted()).rejects.toThrow("enough");
      expect((await model.logits([1, 2, 3])).data).toEqual(before);
    });
  });

  it("tells how far it has got", async () => {
    await withModel(undefined, {}, async (model) => {
      const seen: [number, number][] = [];
      const onProgress = ({ done, total }: { done: number; total: number }) => seen.push([done, total]);
      const ids = Array.from({ length: 50 }, (_, i) => i);
      for await (const _ of model.trace(ids, { points: ["lm_head"], positions: { to: 40 }, onProgress }));
      expect(seen.at(-1)).toEqual([40, 40]);
      expect(seen.length).toBeGreaterThan(2);
    });
  });
});
