// A weight that is not the model's in one place: seen in what the product with it lacks.
import type { ExpertIds, Tensor } from "../../../ops/ops.ts";
import { createTensor, type ReferenceExpertIds, type ReferenceTensor, rowOf } from "../../../reference/tensor.ts";
import { outputOf } from "../../trace/observed.ts";
import { isKnown } from "../lazy-ops.ts";
import type { Recomputed } from "../left-over.ts";
import { specifiedAt } from "../recompute.ts";

export interface Damage {
  readonly cause: "zeroed-rows" | "damaged-weight";
  /** "element [5, 7] of model.layers.2.conv.in_proj". */
  readonly place: string;
  /** The part of the difference that the place does not explain. */
  readonly left: number;
}

/** Rows of the recording that it takes to tell one column from another. */
const ENOUGH = 4;
/** Of the difference. */
const LEFT = 1e-2;

/** Given: no known mistake explains the point. */
export function damageAt(one: Recomputed, name: string): Damage | undefined {
  const at = specifiedAt(one, name);
  const products = at === undefined ? [] : [...productAt(one, name), ...productsOfExperts(one, name)];
  if (at === undefined || products.length === 0 || at.own.length < ENOUGH * at.cols) return undefined;
  const { own, specified, cols, close } = at;
  const lacks = own.map((value, i) => value - specified[i]);
  const differs = new Uint8Array(cols);
  lacks.forEach((value, i) => {
    if (Math.abs(value) > close(i)) differs[i % cols] = 1;
  });
  const differing = [...differs.keys()].filter((c) => differs[c] === 1);
  if (differing.length < cols && own.every((value, i) => value === 0 || differs[i % cols] === 0)) {
    return { cause: "zeroed-rows", place: `rows ${differing.join(", ")} of ${products[0].path}`, left: 0 };
  }
  const found = products.flatMap((product) => ofOneColumn(lacks, cols, product, differing) ?? []);
  return found.sort((a, b) => a.left - b.left)[0];
}

/** What is lacking is one column of what the product reads, times a number to each of its rows. */
function ofOneColumn(
  lacks: Float32Array,
  cols: number,
  { path, x }: Product,
  differing: readonly number[],
): Damage | undefined {
  const rows = lacks.length / cols;
  const total = lacks.reduce((sum, value) => sum + value * value, 0);
  // What two rows lack, times each other: of an input to each row, what it explains follows from these alone.
  const products = Float64Array.from({ length: rows * rows }, (_, i) => {
    const [s, t] = [Math.floor(i / rows) * cols, (i % rows) * cols];
    return differing.reduce((sum, c) => sum + lacks[s + c] * lacks[t + c], 0);
  });
  let best: { readonly column: number; readonly left: number } | undefined;
  for (let column = 0; column < x.cols; column++) {
    const input = Float64Array.from({ length: rows }, (_, t) => rowOf(x, t)[column]);
    const square = input.reduce((sum, value) => sum + value * value, 0);
    // Takes no part in the product, or in so few rows that any column would do.
    if (input.filter((value) => value !== 0).length < ENOUGH) continue;
    const explained = products.reduce(
      (sum, value, i) => sum + value * input[Math.floor(i / rows)] * input[i % rows],
      0,
    );
    const left = Math.sqrt(Math.max(0, 1 - explained / square / total));
    if (best === undefined || left < best.left) best = { column, left };
  }
  if (best === undefined || !(best.left <= LEFT)) return undefined;
  const place = differing.length === 1 ? `element [${differing[0]}, ${best.column}]` : `column ${best.column}`;
  return { cause: "damaged-weight", place: `${place} of ${path}`, left: best.left };
}

interface Product {
  readonly path: string;
  /** The rows at hand of what it reads. */
  readonly x: ReferenceTensor;
}

/** The product that gives the point; none where it is not known what it reads. */
function productAt({ site }: Recomputed, name: string): Product[] {
  let found: { readonly path: string; readonly x: Tensor } | undefined;
  site.results({
    ops: (ops) => ({
      linear(x, w) {
        if (outputOf(w.path) === name) found = { path: w.path, x };
        return ops.linear(x, w);
      },
    }),
  });
  if (found === undefined || !isKnown(found.x)) return [];
  // Rows that reach back to others are not among those compared.
  const hidden = site.from - site.begin;
  const { rows, cols, data } = found.x as ReferenceTensor;
  return [{ path: found.path, x: { rows: rows - hidden, cols, data, offset: hidden * cols, stride: cols } }];
}

/** Of the experts that the rows that differ have in common, what each one's w2 reads, times what it counts. */
function productsOfExperts({ site }: Recomputed, name: string): Product[] {
  let given: { readonly x: Tensor; readonly ids: ExpertIds; readonly path: string } | undefined;
  let weights: Tensor | undefined;
  site.results({
    ops: (ops) => ({
      expertLinear(x, w, ids) {
        if (w.path === `${name}.experts.w2`) given = { x, ids, path: w.path };
        return ops.expertLinear(x, w, ids);
      },
      weightedSum(x, w) {
        weights = w;
        return ops.weightedSum(x, w);
      },
    }),
  });
  if (given === undefined || weights === undefined || !isKnown(given.x) || !isKnown(given.ids) || !isKnown(weights))
    return [];
  const { ids, k, rows } = given.ids as ReferenceExpertIds;
  const [read, counts, { cols }] = [given.x as ReferenceTensor, weights as ReferenceTensor, given.x];
  return site.experts.map((expert) => {
    const x = createTensor(rows, cols);
    for (const [i, id] of ids.entries()) {
      const t = Math.floor(i / k);
      if (id === expert) rowOf(x, t).set(rowOf(read, i).map((value) => value * rowOf(counts, t)[i % k]));
    }
    return { path: `${given?.path} of expert ${expert}`, x };
  });
}
