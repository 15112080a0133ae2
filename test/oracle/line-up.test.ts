// Layouts that can be read in two ways: what fits as it is, is taken as it is.
import { expect, it } from "vitest";
import { compareRuns } from "../../src/oracle/compare/compare.ts";
import { layOut, lineUp } from "../../src/oracle/recorded/line-up.ts";
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
