// Products with weights that nobody has: where the other run read the same row, or a multiple of it, they are what it gave.
import type { ExpertIds, Ops, Tensor, Weight } from "../../../ops/ops.ts";
import { referenceOps } from "../../../reference/backend.ts";
import { createTensor, type ReferenceExpertIds, type ReferenceTensor, rowOf } from "../../../reference/tensor.ts";
import { FINAL_NORM } from "../../recorded/point-names.ts";
import { outputOf } from "../../trace/observed.ts";
import { lazyTensor, UnknownNumbers } from "../lazy-ops.ts";

/** What the other run recorded of the rows at hand, by path. */
export type Recordings = ReadonlyMap<string, Tensor | ExpertIds>;

/** Rows that differ by less than this part of their largest number are one: what sums in another order leave of float32. */
const SAME = 1e-4;

/** @param isGiven  by what a product gives: whether it is given as it is, where it is not known what was read */
export function productsOf(
  recorded: Recordings,
  isGiven: (path: string) => boolean,
): Pick<Ops, "linear" | "expertLinear"> {
  const at = (path: string) => recorded.get(path) as ReferenceTensor | undefined;
  return {
    linear: (x, w) =>
      lazyTensor(x.rows, w.rows, () => {
        const [given, result] = [at(inputOf(w.path)), at(outputOf(w.path))];
        if (!hasShape(result, x.rows, w.rows)) throw new UnknownNumbers();
        if (given === undefined && isGiven(outputOf(w.path))) return result;
        if (!hasShape(given, x.rows, x.cols)) throw new UnknownNumbers();
        return looked(x as ReferenceTensor, w, (t) => [rowOf(given, t), rowOf(result, t)]);
      }),
    expertLinear: (x, w, experts) =>
      lazyTensor(experts.rows * experts.k, w.rows, () => {
        const feedForward = w.path.replace(/\.experts\.w[123]$/, "");
        const [w1, w3] = [at(`${feedForward}.experts.w1`), at(`${feedForward}.experts.w3`)];
        const ofGate = w.path.endsWith(".w2") ? w1 && w3 && referenceOps.swiglu(w1, w3) : at(inputOf(w.path));
        const theirs = recorded.get(`${feedForward}.gate.experts`);
        const rows = rowsOfExperts(ofGate as ReferenceTensor, at(w.path), theirs as ReferenceExpertIds, w, experts);
        return looked(perChoice(x, experts), w, rows);
      }),
  };
}

function hasShape(x: ReferenceTensor | undefined, rows: number, cols: number): x is ReferenceTensor {
  return x?.rows === rows && x.cols === cols;
}

/** What is read by the module that has a weight. */
export function inputOf(path: string): string {
  const layer = path.replace(/^(model\.layers\.\d+)\..*$/, "$1");
  if (/\.(out_proj|w2)$/.test(path)) return `${path}.input`;
  if (layer === path) return FINAL_NORM;
  return `${layer}.${path.includes(".feed_forward.") ? "ffn_norm" : "operator_norm"}`;
}

/** Rows of the result, each from what the other run read and gave there. */
function looked(
  x: ReferenceTensor,
  w: Weight,
  recorded: (row: number) => readonly [given: Float32Array, result: Float32Array] | undefined,
): ReferenceTensor {
  const y = createTensor(x.rows, w.rows);
  for (let row = 0; row < x.rows; row++) {
    const own = rowOf(x, row);
    if (own.every((value) => value === 0)) continue;
    const [given, result] = recorded(row) ?? [];
    const times = given && multipleOf(given, own);
    if (result === undefined || times === undefined) throw new UnknownNumbers();
    rowOf(y, row).set(result.map((value) => value * times));
  }
  return y;
}

/** By which factor `own` is `given`; undefined where it is no multiple. */
function multipleOf(given: Float32Array, own: Float32Array): number | undefined {
  let [product, square, most] = [0, 0, 0];
  for (const [c, value] of given.entries()) {
    product += value * own[c];
    square += value * value;
    most = Math.max(most, Math.abs(own[c]));
  }
  const isSame = (times: number): boolean => own.every((value, c) => Math.abs(value - times * given[c]) <= SAME * most);
  return [1, product / square].find(isSame);
}

/** Rows of `x` with one to each choice. */
function perChoice(x: Tensor, { rows, k }: ExpertIds): ReferenceTensor {
  const given = x as ReferenceTensor;
  if (given.rows === rows * k) return given;
  const y = createTensor(rows * k, given.cols);
  for (let row = 0; row < y.rows; row++) rowOf(y, row).set(rowOf(given, Math.floor(row / k)));
  return y;
}

/** Of each choice, what its expert read there and gave. */
function rowsOfExperts(
  given: ReferenceTensor | undefined,
  result: ReferenceTensor | undefined,
  theirs: ReferenceExpertIds | undefined,
  w: Weight,
  experts: ExpertIds,
) {
  const { ids, k } = experts as ReferenceExpertIds;
  const rowIn = ({ data }: ReferenceTensor, i: number, cols: number) => data.subarray(i * cols, (i + 1) * cols);
  return (row: number): readonly [Float32Array, Float32Array] | undefined => {
    if (given === undefined || result === undefined || theirs === undefined) return undefined;
    if (result.data.length !== theirs.rows * theirs.k * w.rows) return undefined;
    const t = Math.floor(row / k);
    const at = theirs.ids.subarray(t * theirs.k, (t + 1) * theirs.k).indexOf(ids[row]);
    if (at < 0) return undefined;
    const chosen = t * theirs.k + at;
    const isPerToken = given.data.length === theirs.rows * w.cols;
    return [rowIn(given, isPerToken ? t : chosen, w.cols), rowIn(result, chosen, w.rows)];
  };
}
