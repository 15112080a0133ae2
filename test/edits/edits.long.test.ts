// Edits of a running model: each changes what it says and nothing before; on every backend, in every cut into steps, the same.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { editKinds } from "../../src/edits/edit.ts";
import { type LanguageModel, open } from "../../src/index.ts";

const ids = Array.from({ length: 23 }, (_, i) => 8 + ((i * 37) % 1900));

/** One of each kind, where the embedded model has what it changes. */
const each = [
  "expert-off:24,21@2-5",
  "expert-forced:3@4",
  "weight-zeroed:0-15@6",
  "k:2@3",
  "k:8@3-9",
  "softmax@7",
  "no-bias@8",
  "no-normalization@9",
  "no-norm:operator_norm@3",
  "no-norm:ffn_norm@4",
  "no-norm:q_layernorm@6",
  "no-norm:k_layernorm@6",
  "no-norm:embedding_norm",
  "no-convolution@5",
];

let nano: LanguageModel;
let reference: LanguageModel;
beforeAll(async () => {
  nano = await open(undefined, { mode: "exact", contextLength: 256 });
  reference = await open(undefined, { backend: "reference", contextLength: 64 });
});
afterAll(async () => {
  await nano.close();
  await reference.close();
});

async function traced(model: LanguageModel, edits: readonly string[], of = ids): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>();
  for await (const { name, data } of model.trace(of, { edits })) found.set(name, [...(found.get(name) ?? []), ...data]);
  return found;
}

const names = (found: Map<string, number[]>): string[] => [...found.keys()];

describe("an edit", () => {
  it("of every kind is tried here", () => {
    expect(new Set(each.map((text) => text.split(/[:@]/)[0]))).toEqual(new Set(editKinds));
  });

  it("changes the logits, and no number of a layer before it", async () => {
    const plain = await traced(nano, []);
    for (const edit of each) {
      const changed = await traced(nano, [edit]);
      expect(changed.get("lm_head"), edit).not.toEqual(plain.get("lm_head"));
      const first = Number(/@(\d+)/.exec(edit)?.[1] ?? 24);
      const before = names(plain).filter((name) => Number(/layers\.(\d+)\./.exec(name)?.[1] ?? 99) < first);
      expect(
        before.filter((name) => String(changed.get(name)) !== String(plain.get(name))),
        edit,
      ).toEqual([]);
    }
    // Nothing of an edit is left behind.
    expect(await traced(nano, [])).toEqual(plain);
  });

  it("is the same for the reference", async () => {
    const few = ids.slice(0, 5);
    for (const edit of each) {
      const [ours, definition] = [
        await nano.logits(few, { edits: [edit] }),
        await reference.logits(few, { edits: [edit] }),
      ];
      const most = Math.max(...definition.data.map(Math.abs));
      const off = Math.max(...ours.data.map((value, i) => Math.abs(value - definition.data[i])));
      expect(off, edit).toBeLessThan(4e-5 * Math.max(1, most));
    }
  });

  it("gives the same bits in one step and token by token, after any other run", async () => {
    const edits = ["k:8@3-9", "softmax@7", "expert-off:1@10"];
    const { data, cols } = await nano.logits(ids, { edits });
    const generated: number[] = [];
    for await (const id of nano.generate(ids, { edits, maxTokens: 4 })) generated.push(id);
    await nano.logits(ids);
    const again = await nano.logits([...ids, ...generated.slice(0, 3)], { edits });
    expect(again.data.slice(0, data.length)).toEqual(data);
    for (const [i, id] of generated.entries()) {
      const row = again.data.subarray((ids.length - 1 + i) * cols, (ids.length + i) * cols);
      expect(row.indexOf(Math.max(...row))).toBe(id);
    }
  });

  it("of experts does what it says", async () => {
    const k = nano.config.numExpertsPerTok;
    const rows = (found: Map<string, number[]>, what: string, width = k): number[][] => {
      const all = found.get(`model.layers.4.feed_forward.gate.${what}`) ?? [];
      return ids.map((_, t) => all.slice(t * width, (t + 1) * width));
    };
    const plain = await traced(nano, []);
    const off = rows(plain, "experts")[0][0];
    expect(rows(await traced(nano, [`expert-off:${off}@4`]), "experts").flat()).not.toContain(off);
    const forced = await traced(nano, ["expert-forced:3@4"]);
    for (const [t, experts] of rows(forced, "experts").entries()) {
      expect(experts).toContain(3);
      const scores = rows(forced, "scores", 32)[t];
      const sum = experts.reduce((total, expert) => total + scores[expert], 0);
      expect(rows(forced, "weights")[t][experts.indexOf(3)]).toBeCloseTo(scores[3] / (sum + 1e-6), 5);
    }
    const zeroed = await traced(nano, [`weight-zeroed:${off}@4`]);
    expect(rows(zeroed, "experts")).toEqual(rows(plain, "experts"));
    const expected = rows(plain, "weights")[0].with(rows(plain, "experts")[0].indexOf(off), 0);
    expect(rows(zeroed, "weights")[0]).toEqual(expected);
    expect(rows(await traced(nano, ["k:7@4"]), "experts", 7).every((experts) => new Set(experts).size === 7)).toBe(
      true,
    );
  });
});

describe("head", () => {
  it("gives the logits of the last layer's states to the bit, and refuses what is no rows of them", async () => {
    const plain = await traced(nano, []);
    const hidden = Float32Array.from(plain.get("model.layers.23") as number[]);
    const { data, rows } = await nano.head(hidden);
    expect(rows).toBe(ids.length);
    expect([...data]).toEqual(plain.get("lm_head"));
    await expect(nano.head(new Float32Array(5))).rejects.toThrow("expected a Float32Array of rows of 128 numbers");
  });
});
