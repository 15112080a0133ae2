// Weights that nobody gave, learned from a run: the gains and taps that make its results of what they were made of.
import type { Tensor, Weight } from "../../../ops/ops.ts";
import { type ReferenceTensor, type ReferenceWeight, rowOf } from "../../../reference/tensor.ts";
import type { PointComparison } from "../../compare/compare.ts";
import { ones, weightOf } from "../../mistakes/columns.ts";
import { isKnown } from "../lazy-ops.ts";
import { openSite, placeOf, type Side } from "../site.ts";

/** Of the module that `first` belongs to. Norms and convolutions give their results under the paths of their weights. */
export async function learnedWeights(first: PointComparison, side: Side): Promise<Map<string, ReferenceWeight>> {
  const learned = new Map<string, ReferenceWeight>();
  const site = await openSite(first, { ...side, weights: async () => learned }, side, "projections");
  const uses: { readonly w: Weight; readonly x: Tensor; readonly taps: number }[] = [];
  site?.results({
    ops: (ops) => ({
      rmsNorm(x, w, eps) {
        uses.push({ w, x: ops.rmsNorm(x, { ...w, ...weightOf(1, w.cols, ones(w).data) }, eps), taps: 1 });
        return ops.rmsNorm(x, w, eps);
      },
      causalConv(x, w, spans) {
        uses.push({ w, x, taps: w.cols });
        return ops.causalConv(x, w, spans);
      },
    }),
  });
  for (const { w, x, taps } of uses) {
    const point = side.run.points.get(w.path);
    if (site === undefined || placeOf(w.path, side.config)?.module !== site.place.module) continue;
    if (point === undefined || point.cols !== x.cols || x.rows < 2 * taps || !isKnown(x)) continue;
    const y = (await point.read(site.begin, x.rows)) as Float32Array;
    const numbers = leastSquares(x as ReferenceTensor, y, (w.rows * w.cols) / taps, taps);
    learned.set(w.path, weightOf(w.rows, w.cols, numbers, w.path));
  }
  return learned;
}

/**
 * `width` numbers to a channel, the last of which meets a row itself and those before it the rows before. `x` may hold
 * several heads beside each other, all with the same channels.
 */
export function leastSquares(x: ReferenceTensor, y: Float32Array, channels: number, width: number): Float32Array {
  const found = new Float32Array(channels * width);
  for (let channel = 0; channel < channels; channel++) {
    const system = Array.from({ length: width }, () => new Float64Array(width + 1));
    for (let t = width - 1; t < x.rows; t++) {
      for (let c = channel; c < x.cols; c += channels) {
        const input = Array.from({ length: width }, (_, i) => rowOf(x, t - width + 1 + i)[c]);
        for (let i = 0; i < width; i++) {
          for (let j = 0; j < width; j++) system[i][j] += input[i] * input[j];
          system[i][width] += input[i] * y[t * x.cols + c];
        }
      }
    }
    found.set(solve(system), channel * width);
  }
  return found;
}

/** Gauss; no pivots, for the systems are symmetric and none of their numbers on the diagonal is below zero. */
function solve(system: Float64Array[]): Float64Array {
  for (const [col, pivot] of system.entries()) {
    if (pivot[col] === 0) return new Float64Array(system.length); // says nothing
    for (const [row, other] of system.entries()) {
      const factor = row === col ? 0 : other[col] / pivot[col];
      for (let k = col; k < other.length; k++) other[k] -= factor * pivot[k];
    }
  }
  return Float64Array.from(system, (row, i) => row[row.length - 1] / row[i]);
}
