// Products of a search for a cause: what the reference gives, of all columns, of some, or of one token.
import { expect, it } from "vitest";
import { createProducts, isWide, sampleOf } from "../../../src/oracle/diagnose/products.ts";
import { createWork } from "../../../src/oracle/diagnose/work.ts";
import { weightOf } from "../../../src/oracle/mistakes/columns.ts";
import { referenceOps } from "../../../src/reference/backend.ts";
import { createTensor, type ReferenceTensor } from "../../../src/reference/tensor.ts";
import { seeded } from "../../ops/harness.ts";

const random = seeded(17);
const numbers = (count: number): Float32Array => Float32Array.from({ length: count }, () => 2 * random() - 1);
const x: ReferenceTensor = { ...createTensor(3, 40), data: numbers(3 * 40) };
const w = { ...weightOf(301, 40, numbers(4 * 301 * 40)), experts: 4 };
const ids = { rows: 3, k: 2, ids: Int32Array.from([0, 2, 1, 2, 0, 3]) };
const farthest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i])).filter((apart) => !Number.isNaN(apart)));

it("are the reference's, of all columns or of some; the others are NaN, and what was computed is counted", () => {
  const [all, some] = [createWork(1), createWork(1)];
  const columns = (cols: number) => sampleOf(cols, [7, 300, 301 + 5]);
  for (const [work, products] of [
    [all, createProducts(all)],
    [some, createProducts(some, { columns })],
  ] as const) {
    const [y, ofExperts] = [products.linear(x, w), products.expertLinear(x, w, ids)] as ReferenceTensor[];
    expect(farthest(y.data, (referenceOps.linear(x, w) as ReferenceTensor).data)).toBeLessThan(1e-5);
    const expected = referenceOps.expertLinear(x, w, ids) as ReferenceTensor;
    expect(farthest(ofExperts.data, expected.data)).toBeLessThan(1e-5);
    const computed = [...y.data.subarray(0, 301).entries()].flatMap(([c, value]) => (Number.isNaN(value) ? [] : [c]));
    expect(computed).toEqual(work === all ? [...Array(301).keys()] : columns(301));
  }
  expect(all.spent).toBe(301 * 40 * (3 + 1) + 301 * 40 * (6 + 4));
  expect(some.spent).toBeLessThan(all.spent / 3);
});

it("of one token, of its experts alone", () => {
  const products = createProducts(createWork(1), { token: 1 });
  const y = products.expertLinear(x, w, ids) as ReferenceTensor;
  const expected = (referenceOps.expertLinear(x, w, ids) as ReferenceTensor).data;
  expect(y.data.findIndex((value) => !Number.isNaN(value))).toBe(2 * 301);
  expect(farthest(y.data, expected)).toBeLessThan(1e-5);
  expect(y.data.filter((value) => !Number.isNaN(value)).length).toBe(2 * 301);
});

it("narrow ones are computed whole", () => {
  expect(isWide(256)).toBe(false);
  expect(sampleOf(256, [3])).toHaveLength(256);
  expect(sampleOf(257, [3]).length).toBeLessThan(70);
});
