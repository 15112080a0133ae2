// Layouts that can be read in two ways: what fits as it is, is taken as it is, and only what is evidence counts.
import { describe, expect, it } from "vitest";
import type { TensorToWrite } from "../../src/formats/hf/safetensors.ts";
import { writeSafetensors } from "../../src/formats/hf/safetensors.ts";
import { compareRuns } from "../../src/oracle/compare/compare.ts";
import { layOut, lineUp } from "../../src/oracle/recorded/line-up.ts";
import { openArrays } from "../../src/oracle/recorded/open-arrays.ts";
import type { AboutRun, RecordedRun } from "../../src/oracle/recorded/recorded-run.ts";
import { blobSource } from "../../src/sources/blob.ts";
import type { ByteSource } from "../../src/sources/source.ts";
import { memoryRun, pointOfNumbers } from "./memory-run.ts";

const NAME = "model.layers.0.self_attn.q_layernorm";
const numbers = Float32Array.from({ length: 4 * 4 * 16 }, (_, i) => i);

it("as many heads as positions", async () => {
  const ours = memoryRun("A", [[NAME, pointOfNumbers(NAME, numbers, 64)]]);
  const theirs = memoryRun("B", [[NAME, { ...pointOfNumbers(NAME, numbers, 64), axes: [1, 4, 4, 16] }]]);
  const laidOut = layOut(ours, theirs);
  expect(laidOut.notes).toEqual([]);
  expect(await laidOut.points.get(NAME)?.read(0, 4)).toEqual(numbers);
});

it("as many heads as positions, beside a point whose heads stand first", async () => {
  const keys = NAME.replace("q_", "k_");
  const joined = (heads: number): Float32Array => {
    const place = (row: number, col: number): number => (Math.floor(col / 16) * 4 + row) * 16 + (col % 16);
    return Float32Array.from({ length: 4 * heads * 16 }, (_, i) => place(Math.floor(i / heads / 16), i % (heads * 16)));
  };
  const ours = memoryRun("A", [
    [NAME, pointOfNumbers(NAME, joined(4), 64)],
    [keys, pointOfNumbers(keys, joined(2), 32)],
  ]);
  const theirs = memoryRun("B", [
    [NAME, { ...pointOfNumbers(NAME, numbers, 64), axes: [1, 4, 4, 16] }],
    [keys, { ...pointOfNumbers(keys, numbers.slice(0, 2 * 4 * 16), 64), axes: [1, 2, 4, 16] }],
  ]);
  const laidOut = layOut(ours, theirs);
  expect(laidOut.notes).toEqual([
    `4 heads before positions, joined: ${NAME}`,
    `2 heads before positions, joined: ${keys}`,
  ]);
  expect(await laidOut.points.get(NAME)?.read(0, 4)).toEqual(joined(4));
});

it("one position of several heads", async () => {
  const row = numbers.slice(0, 64);
  const ours = memoryRun("A", [[NAME, pointOfNumbers(NAME, row, 64)]]);
  const theirs = memoryRun("B", [[NAME, { ...pointOfNumbers(NAME, row, 16), axes: [1, 1, 4, 16] }]]);
  const point = layOut(ours, theirs).points.get(NAME);
  expect([point?.rows, point?.cols]).toEqual([1, 64]);
  expect(await point?.read(0, 1)).toEqual(row);
});

it("a run that has the embedding under its own name, and lacks its first layer", async () => {
  const [embedding, first, second] = ["model.embed_tokens", "model.layers.0", "model.layers.1"];
  const rows = (name: string, by: number) =>
    pointOfNumbers(
      name,
      Array.from({ length: 24 }, (_, i) => Math.sin(by * (i + 1))),
      6,
    );
  const ours = memoryRun(
    "A",
    [embedding, first, second].map((name, i) => [name, rows(name, i + 1)]),
  );
  const theirs = memoryRun("B", [
    [embedding, rows(embedding, 1)],
    [first, rows(first, 1)], // the embedding, as a layer left out gives it
  ]);
  const [a, b] = await lineUp(ours, theirs);
  expect([...b.points.keys()]).toEqual([embedding, first]);
  expect((await compareRuns(a, b)).first?.name).toBe(first);
});

it("an expert twice is no other choice of the same experts", async () => {
  const name = "model.layers.1.feed_forward.gate.experts";
  const two = pointOfNumbers(name, [0, 1, 2, 3], 2);
  const three = pointOfNumbers(name, [0, 1, 1, 2, 3, 3], 3);
  const comparison = await compareRuns(memoryRun("A", [[name, two]]), memoryRun("B", [[name, three]]));
  expect(comparison.equal).toBe(false);
  expect(comparison.first).toMatchObject({ name, firstRow: 0, rowsOutside: 2 });
});

const about: AboutRun = {
  config: { pad_token_id: 0, bos_token_id: 1, num_hidden_layers: 4 },
  model: "small",
  backend: "wasm",
  mode: "exact",
  kvType: "f32",
};
const LAYER = "model.layers.2";
const COLS = 6;

/** A row of numbers of its own for each of `keys`. */
function rowsOf(keys: readonly number[], cols = COLS): Float32Array {
  return Float32Array.from({ length: keys.length * cols }, (_, i) =>
    Math.sin(1 + keys[Math.floor(i / cols)] * 7 + (i % cols)),
  );
}

function runOf(keys: readonly number[], more: Partial<RecordedRun> = {}, name = LAYER): RecordedRun {
  return memoryRun("run", [[name, pointOfNumbers(name, rowsOf(keys), COLS)]], more);
}

async function compared(a: RecordedRun, b: RecordedRun) {
  const lined = await lineUp(a, b);
  const { equal, idsDifferAt, first } = await compareRuns(...lined);
  return { equal, idsDifferAt, first: first?.name, notes: lined[1].notes };
}

describe("rows that one side has more", () => {
  const ours = runOf([5, 6, 7], { about, ids: [5, 6, 7] });

  it("of padding to twice the length are no batch", async () => {
    const stated = runOf([90, 91, 92, 5, 6, 7], { ids: [0, 0, 0, 5, 6, 7] });
    expect(await compared(ours, stated)).toMatchObject({
      equal: true,
      notes: ["3 padded positions left out: pad_token_id 0"],
    });
    const unstated = runOf([90, 91, 92, 5, 6, 7]);
    expect(await compared(ours, unstated)).toMatchObject({
      equal: true,
      notes: [`6 rows for 3: 3 at the beginning left out (${LAYER})`],
    });
    const after = runOf([5, 6, 7, 90, 91], { ids: [5, 6, 7, 0, 0] });
    expect(await compared(ours, after)).toMatchObject({ equal: true, idsDifferAt: -1 });
  });

  it("are no padding where they are of a token that was read", async () => {
    const theirs = runOf([1, 5, 6, 7], { ids: [1, 5, 6, 7] });
    expect(await compared(ours, theirs)).toMatchObject({ equal: false, idsDifferAt: 0 });
    // Repeated, it is still no pad_token_id.
    const repeated = runOf([1, 1, 5, 6, 7], { ids: [1, 1, 5, 6, 7] });
    expect(await compared(ours, repeated)).toMatchObject({ equal: false, idsDifferAt: 0 });
  });

  it("are told by the table of embeddings, where the ids are not stated", async () => {
    const name = "model.embed_tokens";
    const embedded = runOf([5, 6, 7], { about, ids: [5, 6, 7] }, name);
    const embeddingOf = async (id: number) => rowsOf([id]);
    const padded = await lineUp(embedded, runOf([0, 0, 5, 6, 7], {}, name), embeddingOf);
    expect(padded[1]).toMatchObject({ ids: [5, 6, 7], notes: ["2 padded positions left out: pad_token_id 0"] });
    const withBos = await lineUp(embedded, runOf([1, 5, 6, 7], {}, name), embeddingOf);
    expect(withBos[1].ids).toEqual([1, 5, 6, 7]);
    // A token that nobody trained may have the padding's row: the stated id counts.
    const alike = await lineUp(embedded, runOf([6, 5, 6, 7], { ids: [0, 5, 6, 7] }, name), async () => rowsOf([6]));
    expect(alike[1]).toMatchObject({ ids: [5, 6, 7], notes: ["1 padded positions left out: pad_token_id 0"] });
  });

  it("of logits are held against the last, though they are another position's", async () => {
    const logits = runOf([5, 6, 7], { about, ids: [5, 6, 7] }, "lm_head");
    expect(await compared(logits, runOf([7], {}, "lm_head"))).toMatchObject({ equal: true });
    expect(await compared(logits, runOf([5], {}, "lm_head"))).toMatchObject({
      equal: false,
      notes: ["one row for 3: held against the last, though it is nearer to the first (lm_head)"],
    });
  });

  it("of two traces are those of the same positions", async () => {
    const later = runOf([6, 7, 8], { about, ids: [5, 6, 7, 8], start: 1 });
    const whole = runOf([5, 6, 7, 8], { about, ids: [5, 6, 7, 8] });
    expect(await compared(whole, later)).toMatchObject({ equal: true });
    const [a, b] = await lineUp(runOf([5, 6, 7], { about }), later);
    expect([a.start, b.start, a.points.get(LAYER)?.rows]).toEqual([1, 1, 2]);
    // As many rows, of other positions.
    expect(await compared(runOf([5, 6, 7], { about }), later)).toMatchObject({ equal: true });
    await expect(lineUp(runOf([5], { about }), later)).rejects.toThrow(
      "run: expected some of the positions 0 to 0, which run holds, found 1 to 3. Record the same positions.",
    );
  });

  it("of a trace of some positions, held against a whole recording", async () => {
    const middle = runOf([6, 7], { about, ids: [5, 6, 7, 8], start: 1 });
    expect(await compared(middle, runOf([5, 6, 7, 8]))).toMatchObject({ equal: true });
  });
});

it("logits beyond the vocabulary are left out only where no id there is chosen", async () => {
  const name = "lm_head";
  const numbers = rowsOf([5, 6]);
  const wide = (last: number): RecordedRun => {
    const rows = [...Array(2).keys()].flatMap((row) => [...numbers.subarray(row * COLS, (row + 1) * COLS), -1, last]);
    return memoryRun("theirs", [[name, pointOfNumbers(name, rows, COLS + 2)]]);
  };
  const ours = memoryRun("ours", [[name, pointOfNumbers(name, numbers, COLS)]], { about });
  expect(await compared(ours, wide(-3))).toMatchObject({
    equal: true,
    notes: ["a vocabulary padded to 8, cut to 6: lm_head"],
  });
  expect(await compared(ours, wide(40))).toMatchObject({
    equal: false,
    notes: [
      "a vocabulary padded to 8, left as it is, for 2 of 2 rows have their largest number beyond the 6 ids: lm_head",
    ],
  });
});

describe("weights of experts", () => {
  const [weights, experts] = ["weights", "experts"].map((part) => `model.layers.1.feed_forward.gate.${part}`);
  const chosen = (ids: number[], numbers: number[]): RecordedRun =>
    memoryRun("run", [
      [experts, pointOfNumbers(experts, ids, 2)],
      [weights, pointOfNumbers(weights, numbers, 2)],
    ]);

  it("are not compared without the experts they belong to", async () => {
    const select = (name: string): boolean => name === weights;
    const other = await compareRuns(chosen([0, 1], [0.6, 0.4]), chosen([2, 3], [0.6, 0.4]), { select });
    expect([other.equal, other.first?.name]).toEqual([false, experts]);
    const turned = await compareRuns(chosen([0, 1], [0.6, 0.4]), chosen([1, 0], [0.4, 0.6]), { select });
    expect(turned.equal).toBe(true);
  });

  it("that come without them are held against ours by size", async () => {
    const theirs = memoryRun("theirs", [[weights, pointOfNumbers(weights, [0.6, 0.4], 2)]]);
    const ours = { ...chosen([3, 7], [0.4, 0.6]), about };
    expect(await compared(ours, theirs)).toMatchObject({
      equal: true,
      notes: [`weights without the ids of their experts, by size: ${weights}`],
    });
  });
});

describe("a file", () => {
  const tensor = (shape: number[], keys: number[]): TensorToWrite => ({ dtype: "F32", shape, data: rowsOf(keys) });
  const opened = (tensors: Record<string, TensorToWrite>): Promise<RecordedRun> =>
    openArrays(blobSource("theirs.safetensors", writeSafetensors(new Map(Object.entries(tensors)))));
  const ids = (shape: number[], data: number[]): TensorToWrite => ({
    dtype: "I64",
    shape,
    data: BigInt64Array.from(data, BigInt),
  });

  it("of some hidden states has none of the norm", async () => {
    const states = { "hidden_states.1": tensor([2, COLS], [1, 2]), "hidden_states.2": tensor([2, COLS], [3, 4]) };
    expect([...(await opened(states)).points.keys()]).toEqual(["model.layers.0", "model.layers.1"]);
    // The first ones look like all of a smaller model's, until the other side says how many layers there are.
    const first = await opened({ "hidden_states.0": tensor([2, COLS], [1, 2]), ...states });
    const ours = memoryRun("ours", [[LAYER, pointOfNumbers(LAYER, rowsOf([5, 6]), COLS)]], { about });
    const [, lined] = await lineUp(ours, first);
    expect([...lined.points.keys()].sort()).toEqual(["model.embed_tokens", "model.layers.0", "model.layers.1"]);
  });

  const [seen, unseen] = [0, -3.4028234663852886e38];
  const added = (data: number[], shape: number[]): TensorToWrite => ({
    dtype: "F32",
    shape,
    data: Float32Array.from(data),
  });
  const masks: readonly (readonly [what: string, mask: TensorToWrite, kept: number[]])[] = [
    [
      "added to attention, of every query",
      added([seen, unseen, unseen, seen, seen, unseen, unseen, seen, seen], [1, 1, 3, 3]),
      [6, 7],
    ],
    ["added, of one row", added([unseen, seen, seen], [1, 3]), [6, 7]],
    ["of booleans", { dtype: "BOOL", shape: [1, 1, 1, 3], data: Uint8Array.of(1, 1, 0) } as TensorToWrite, [5, 6]],
    ["of another kind", added([0.5, 1, 2], [1, 3]), [5, 6, 7]],
  ];
  it.each(masks)("with a mask %s", async (_, mask, kept) => {
    const run = await opened({
      [LAYER]: tensor([1, 3, COLS], [5, 6, 7]),
      input_ids: ids([1, 3], [5, 6, 7]),
      attention_mask: mask,
    });
    expect([run.ids, run.points.get(LAYER)?.rows]).toEqual([kept, kept.length]);
  });

  it("of a padded batch has the first sequence of whatever axes", async () => {
    const heads = "model.layers.2.self_attn.q_layernorm";
    const run = await opened({
      input_ids: ids([2, 3], [0, 5, 6, 7, 8, 9]),
      attention_mask: ids([2, 3], [0, 1, 1, 1, 1, 1]),
      "model.layers.1.feed_forward.gate.0": tensor([6, COLS], [0, 5, 6, 7, 8, 9]),
      [heads]: tensor([2, 2, 3, COLS / 2], [0, 5, 6, 7, 8, 9]),
      lm_head: tensor([2, COLS], [6, 9]),
    });
    const gate = run.points.get("model.layers.1.feed_forward.gate.logits");
    expect(await gate?.read(0, 2)).toEqual(rowsOf([5, 6]));
    expect(await run.points.get("lm_head")?.read(0, 1)).toEqual(rowsOf([6]));
    const ours = memoryRun("ours", [[heads, pointOfNumbers(heads, rowsOf([1, 2]), COLS)]], { about });
    const laidOut = layOut(ours, run);
    const flat = rowsOf([0, 5, 6]);
    const half = COLS / 2;
    // [heads, positions, headDim] without the first position.
    const expected = [1, 2].flatMap((row) =>
      [0, 1].flatMap((head) => [...flat.subarray((head * 3 + row) * half, (head * 3 + row + 1) * half)]),
    );
    expect(await laidOut.points.get(heads)?.read(0, 2)).toEqual(Float32Array.from(expected));
  });

  it("of as many sequences as positions has a row of logits for each", async () => {
    const run = await opened({ input_ids: ids([2, 2], [5, 6, 7, 8]), lm_head: tensor([2, COLS], [6, 8]) });
    expect(run.points.get("lm_head")?.rows).toBe(1);
    expect(await run.points.get("lm_head")?.read(0, 1)).toEqual(rowsOf([6]));
  });

  it("of raw numbers may be longer than any row, and is read by range", async () => {
    const count = 18_000_000;
    const reads: number[] = [];
    const source: ByteSource = {
      ...blobSource("logits.bin", new Uint8Array()),
      size: 4 * count,
      async read(_: number, length: number) {
        reads.push(length);
        return new Uint8Array(length);
      },
    };
    const run = await openArrays(source);
    const ours = memoryRun("ours", [["lm_head", pointOfNumbers("lm_head", new Float32Array(1000), 1000)]], { about });
    const point = layOut(ours, run).points.get("lm_head");
    expect([point?.rows, point?.cols]).toEqual([count / 1000, 1000]);
    await point?.read(17_000, 2);
    expect(Math.max(...reads)).toBe(8000);
  });
});
