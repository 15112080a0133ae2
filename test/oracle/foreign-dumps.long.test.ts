// Recordings as other people make them: read, lined up with a run of ours, and found equal, or said what they are.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readSafetensors } from "../../src/formats/hf/safetensors.ts";
import { compareRuns } from "../../src/oracle/compare/compare.ts";
import { verdictOf } from "../../src/oracle/compare/verdict.ts";
import { diagnose } from "../../src/oracle/diagnose/diagnose.ts";
import { lineUp } from "../../src/oracle/recorded/line-up.ts";
import { openArrays } from "../../src/oracle/recorded/open-arrays.ts";
import { EMBEDDING, FINAL_NORM, HEAD } from "../../src/oracle/recorded/point-names.ts";
import type { RecordedPoint, RecordedRun } from "../../src/oracle/recorded/recorded-run.ts";
import { blobSource } from "../../src/sources/blob.ts";
import { openFile } from "../../src/sources/disk.ts";
import { golden, load, open } from "../model/run.ts";
import { memoryRun, pointOfNumbers, recordRun } from "./memory-run.ts";

const IDS = [1, 17, 201, 33, 96, 8, 250, 61, 144];
const loaded = open("transformers/moe-small").then((checkpoint) =>
  load(checkpoint, { backend: "wasm", mode: "exact" }),
);
const about = { backend: "wasm", mode: "exact", kvType: "f32" };

async function ours(ids = IDS): Promise<RecordedRun> {
  const { model, sequences } = await loaded;
  return recordRun(model, sequences[0], Int32Array.from(ids), { about });
}

async function dump(name: string, tokens?: Uint8Array<ArrayBuffer>): Promise<RecordedRun> {
  return openArrays(await openFile(golden(`dumps/${name}`)), undefined, undefined, tokens);
}

async function compared(own: RecordedRun, theirs: RecordedRun) {
  const [a, b] = await lineUp(own, theirs);
  const comparison = await compareRuns(a, b);
  const verdict = verdictOf(comparison, await diagnose(comparison));
  await theirs.close();
  return { comparison, verdict, notes: b.notes };
}

it("logits that a model made of its head's output are not passed over for that output", async () => {
  const bytes = new Uint8Array(readFileSync(golden("dumps/hooks.safetensors")));
  const header = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const { logits } = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + header)));
  const [from, to] = logits.data_offsets.map((offset: number) => 8 + header + offset);
  const numbers = Float32Array.from(new Float32Array(bytes.slice(from, to).buffer), (value) => 2 * value);
  bytes.set(new Uint8Array(numbers.buffer), from);
  const scaled = await openArrays(blobSource("scaled.safetensors", bytes));
  const { verdict, comparison } = await compared(await ours(), scaled);
  expect(verdict.is).toBe("different");
  expect(comparison.first?.name).toBe(HEAD);
});

describe("a recording of transformers", () => {
  const equal: readonly [file: string, ids: number[], points: number, notes: (string | RegExp)[]][] = [
    ["hooks.safetensors", IDS, 71, []],
    [
      "batch.safetensors",
      IDS.slice(0, 5),
      21,
      ["of a batch of 2, the first sequence", "4 padded positions left out, as its attention_mask says"],
    ],
    ["right.safetensors", IDS.slice(0, 5), 21, ["8 rows for 5: 3 at the end left out (model.embed_tokens)"]],
    ["hidden-states.npz", IDS, 7, [/^layers numbered one early, as output_hidden_states has them/]],
    ["llamacpp-model.bin", IDS, 1, ["one row for 9: held against the last (lm_head)"]],
    [
      "log-probabilities.npy",
      IDS,
      1,
      [/^one row for 9/, "log-probabilities for logits: held against the log-softmax of ours (lm_head)"],
    ],
    [
      "channels.safetensors",
      IDS,
      8,
      ["channels before positions, turned round: model.layers.0 and 5 more", /^4 heads before positions, joined: /],
    ],
  ];
  it.each(equal)("is equal to ours, and what was lined up is said: %s", async (file, ids, points, notes) => {
    const found = await compared(await ours(ids), await dump(file));
    expect(found.verdict).toEqual({ is: "equal" });
    expect(found.comparison.points).toHaveLength(points);
    expect(found.notes).toEqual(notes.map((note) => (typeof note === "string" ? note : expect.stringMatching(note))));
  });

  it("made by the recipe of the docs has the recipe's text", async () => {
    const file = await openFile(golden("dumps/hooks.safetensors"));
    const { metadata } = await readSafetensors(file);
    await file.close();
    const docs = readFileSync(fileURLToPath(new URL("../../docs/oracle.md", import.meta.url)), "utf8");
    const [, recipe] = /```python\n([^`]*)```/.exec(docs) ?? [];
    expect(metadata.get("recipe")).toBe(recipe);
    expect(recipe.trimEnd().split("\n").length).toBeLessThanOrEqual(17);
  });

  it("in bfloat16 is not equal, and says what it is stored in; its ids are read", async () => {
    const theirs = await dump("bfloat16.safetensors");
    expect(theirs).toMatchObject({ stored: "bf16", ids: IDS });
    const { comparison, verdict } = await compared(await ours(), theirs);
    expect(comparison.tolerance.wide?.rounding).toBe("numbers stored as bfloat16 in B");
    expect(verdict.is).not.toBe("equal");
  });

  it("of llama-debug has the ids that stand beside it", async () => {
    const tokens = readFileSync(golden("dumps/llamacpp-model-tokens.bin"));
    const theirs = await dump("llamacpp-model.bin", Uint8Array.from(tokens));
    expect(theirs.ids).toEqual(IDS);
    const { verdict } = await compared(await ours(), theirs);
    expect(verdict).toEqual({ is: "equal" });
    // Another last row is another.
    const other = await compared(await ours(IDS.slice(0, 8)), await dump("llamacpp-model.bin"));
    expect(other.verdict.is).toBe("different");
  });
});

describe("rows and columns laid out in other ways", () => {
  const changed = async (
    change: (name: string, point: RecordedPoint, data: Float32Array) => RecordedPoint | undefined,
    ids = IDS,
  ) => {
    const run = await ours(ids);
    const points: [string, RecordedPoint][] = [];
    for (const [name, point] of run.points) {
      if (point.kind === "ids" || /gate|experts|expert_bias/.test(name)) continue;
      const found = change(name, point, (await point.read(0, point.rows)) as Float32Array);
      if (found !== undefined) points.push([name, found]);
    }
    return memoryRun("theirs", points);
  };
  const equal = { is: "equal" };

  it("of a batch folded into the rows, the first sequence counts", async () => {
    const theirs = await changed((name, { cols }, data) =>
      pointOfNumbers(name, [...data, ...data.map((x) => x + 1)], cols),
    );
    const { verdict, notes } = await compared(await ours(), theirs);
    expect([verdict, notes]).toEqual([
      equal,
      [expect.stringMatching(/^of a batch of 2 folded into rows, the first sequence: /)],
    ]);
  });

  it("of a padded vocabulary, what ids there are counts", async () => {
    const theirs = await changed((name, { rows, cols }, data) => {
      if (name !== HEAD) return undefined;
      const wide = Array.from({ length: rows }, (_, t) => [...data.subarray(t * cols, (t + 1) * cols), -1e9, -1e9]);
      return pointOfNumbers(name, wide.flat(), cols + 2);
    });
    const { verdict, notes } = await compared(await ours(), theirs);
    expect([verdict, notes]).toEqual([equal, ["a vocabulary padded to 322, cut to 320: lm_head"]]);
  });

  it("of the last layer taken after the norm, that is said", async () => {
    const norm = await changed((name, { cols }, data) =>
      name === FINAL_NORM ? pointOfNumbers(name, data, cols) : undefined,
    );
    const after = norm.points.get(FINAL_NORM) as RecordedPoint;
    const theirs = await changed((name, point) => {
      if (name === "model.layers.5") return { ...after, name };
      return name === FINAL_NORM || name === HEAD ? undefined : point;
    });
    const { verdict, notes, comparison } = await compared(await ours(), theirs);
    expect(verdict).toEqual(equal);
    expect(notes).toEqual(["the last layer's output taken after the norm: its model.layers.5 is model.embedding_norm"]);
    expect(comparison.points.map(({ name }) => name)).toContain(FINAL_NORM);
  });

  it("of a first layer that was skipped, the layers keep their numbers", async () => {
    const run = await ours();
    const embedded = run.points.get(EMBEDDING) as RecordedPoint;
    const second = run.points.get("model.layers.1") as RecordedPoint;
    const theirs = memoryRun("theirs", [
      [EMBEDDING, embedded],
      ["model.layers.0", { ...embedded, name: "model.layers.0" }],
      ["model.layers.1", second],
    ]);
    const { verdict, comparison, notes } = await compared(run, theirs);
    expect([verdict.is, notes, comparison.first?.name]).toEqual(["different", [], "model.layers.0"]);
  });

  const shifts: readonly [what: string, ids: number[], cause: object][] = [
    ["without BOS", IDS.slice(1), { cause: "missing-bos", side: "B", says: "the first token 1 is missing" }],
    ["with two", [1, ...IDS], { cause: "doubled-bos", side: "B", says: "the first token 1 stands there twice" }],
    ["with three", [1, 1, ...IDS], { cause: "doubled-bos", side: "B", says: "the first token 1 stands there 3 times" }],
    [
      "with a system prompt's beginning",
      [8, 33, ...IDS],
      { cause: "shifted-ids", side: "B", says: "2 tokens stand before the text that the other side does not have" },
    ],
  ];
  it.each(shifts)("of other ids are found by their embeddings, though none are stated: %s", async (_, ids, cause) => {
    const { verdict } = await compared(await ours(), await changed((_name, point) => point, ids));
    expect(verdict).toEqual({ is: "different", cause: expect.objectContaining(cause) });
  });

  it("of other ids than are stated are said", async () => {
    const theirs = { ...(await changed((_name, point) => point, [1, ...IDS])), ids: IDS };
    const { notes, comparison } = await compared(await ours(), theirs);
    expect(notes?.[0]).toBe(`its rows of ${EMBEDDING} are those of other ids than it states`);
    expect(comparison.idsDifferAt).toBe(1);
  });

  it("are left alone where nothing says what they are", async () => {
    const theirs = await changed((name, _, data) =>
      name === "model.layers.1" ? pointOfNumbers(name, data.subarray(0, 9 * 60), 60) : undefined,
    );
    const { verdict, comparison, notes } = await compared(await ours(), theirs);
    expect([verdict.is, notes]).toEqual(["different", []]);
    expect(comparison.first).toMatchObject({ shapeA: [9, 64], shapeB: [9, 60] });
  });
});
