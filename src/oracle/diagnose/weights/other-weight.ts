// A product of the same rows that is another: its weight is not the other run's, or was read otherwise.
import type { Config } from "../../../model/config.ts";
import type { Comparison, PointComparison } from "../../compare/compare.ts";
import { HEAD } from "../../recorded/point-names.ts";
import { outputOf } from "../../trace/observed.ts";
import type { Diagnosis } from "../guesses.ts";
import type { Side } from "../site.ts";
import { inputOf } from "./known-products.ts";

/** The least that lies between the products, in part of their numbers: no rounding of a weight or a row makes as much. */
const LARGE = 0.2;
/** Logits that a table of embeddings gives point the same way as these do, whatever is done to them. */
const UNLIKE = 0.5;

/**
 * Given: no mistake explains `first`.
 * @param side  the one that is wrong, where the model tells
 * @returns undefined where it is not known that both read the same
 */
export async function otherWeightGuess(
  { a, b, points, tolerance }: Comparison,
  { name, gap }: PointComparison,
  config: Config | undefined,
  side: Side | undefined,
): Promise<Diagnosis | undefined> {
  const weight = weightOf(name);
  if (weight === undefined || tolerance.wide || !(gap && gap.rmsRelative >= LARGE)) return undefined;
  const input = inputOf(weight);
  if (points.find((point) => point.name === input)?.within !== true) return undefined;
  const evidence =
    `what is read at ${input} is the same, and what is made of it is ${Math.round(100 * gap.rmsRelative)} % of its size ` +
    "apart, in no way that is known";
  const told = { kind: "bug", side: side?.label, evidence } as const;
  if (name !== HEAD) {
    const says = `other weights in ${weight}, or the same ones read in another way`;
    return { ...told, cause: "other-weight", says };
  }
  if (config?.tieWordEmbeddings !== true || !(await isUnlike(a, b))) return undefined;
  return { ...told, cause: "head-not-tied", says: "logits of other weights than the embedding's" };
}

/** The weight whose product a point is. */
function weightOf(name: string): string | undefined {
  if (name === HEAD || /\.(in_proj|[qkv]_proj|feed_forward\.w[13])$/.test(name)) return name;
  const candidates = [`${name}.out_proj`, `${name}.w2`, name.replace(/\.logits$/, "")];
  return candidates.find((path) => path !== name && outputOf(path) === name && /\.(out_proj|w2|gate)$/.test(path));
}

/** Whether rows of logits are neither the other run's in another order nor anything that is made of them one by one. */
async function isUnlike(a: Comparison["a"], b: Comparison["b"]): Promise<boolean> {
  const [x, y] = [a.points.get(HEAD), b.points.get(HEAD)];
  if (x === undefined || y === undefined) return false;
  const rows = Math.min(ROWS, x.rows, y.rows);
  const [own, other] = (await Promise.all([x.read(0, rows), y.read(0, rows)])) as Float32Array[];
  const rowIn = (all: Float32Array, row: number) => all.slice(row * x.cols, (row + 1) * x.cols);
  return Array.from({ length: rows }, (_, row) => row).every((row) => {
    const [p, q] = [rowIn(own, row), rowIn(other, row)];
    const isReordered = cosine(p.slice().sort(), q.slice().sort()) > 1 - 1e-6;
    return !isReordered && Math.abs(cosine(p, q)) < UNLIKE;
  });
}

/** Rows of logits that are looked at. */
const ROWS = 16;

/** Of what they differ from their means by. */
function cosine(p: Float32Array, q: Float32Array): number {
  const mean = (row: Float32Array): number => row.reduce((sum, value) => sum + value, 0) / row.length;
  const [mp, mq] = [mean(p), mean(q)];
  let [product, pp, qq] = [0, 0, 0];
  for (const [i, value] of p.entries()) {
    product += (value - mp) * (q[i] - mq);
    pp += (value - mp) ** 2;
    qq += (q[i] - mq) ** 2;
  }
  return product / Math.sqrt(pp * qq);
}
