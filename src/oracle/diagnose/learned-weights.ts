// Weights that nobody gave, learned from a run: the gains and taps that make its results of what they were made of.
import type { Tensor, Weight } from "../../ops/ops.ts";
import { type ReferenceTensor, type ReferenceWeight, rowOf } from "../../reference/tensor.ts";
import type { PointComparison } from "../compare/compare.ts";
import { weightOf } from "../mistakes/columns.ts";
import { UnknownNumbers } from "./lazy-ops.ts";
import { openSite, placeOf, type Side } from "./site.ts";

/** Of the module that `first` belongs to. Norms and convolutions give their results under the paths of their weights. */
export async function learnedWeights(first: PointComparison, side: Side): Promise<Map<string, ReferenceWeight>> {
  const site = await openSite(first, { ...side, weights: async () => new Map() }, side, "projections");
  if (site === undefined) return new Map();
  const used: { readonly w: Weight; readonly x: Tensor; readonly taps: number }[] = [];
  site.results({
    ops: (ops) => ({
      rmsNorm(x, w, eps) {
        const ones = weightOf(1, w.cols, new Float32Array(w.cols).fill(1));
        used.push({ w, x: ops.rmsNorm(x, ones, eps), taps: 1 });
        return ops.rmsNorm(x, w, eps);
      },
      causalConv(x, w, spans) {
        used.push({ w, x, taps: w.cols });
        return ops.causalConv(x, w, spans);
      },
    }),
  });
  const learned = new Map<string, ReferenceWeight>();
  for (const { w, x, taps } of used) {
    const point = side.run.points.get(w.path);
    const isInside = placeOf(w.path, side.config)?.module === site.place.module;
    if (!isInside || point === undefined || point.cols !== x.cols || x.rows < 2 * taps) continue;
    try {
      const y = (await point.read(site.begin, x.rows)) as Float32Array;
      learned.set(
        w.path,
        weightOf(w.rows, w.cols, leastSquares(x as ReferenceTensor, y, (w.rows * w.cols) / taps, taps), w.path),
      );
    } catch (error) {
      if (!(error instanceof UnknownNumbers)) throw error;
    }
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

/** Gauss with pivots; zeros where the system says nothing. */
function solve(system: Float64Array[]): Float64Array {
  const n = system.length;
  for (let col = 0; col < n; col++) {
    let pivot = col;
    for (let row = col + 1; row < n; row++) if (Math.abs(system[row][col]) > Math.abs(system[pivot][col])) pivot = row;
    [system[col], system[pivot]] = [system[pivot], system[col]];
    if (system[col][col] === 0) return new Float64Array(n);
    for (let row = 0; row < n; row++) {
      if (row === col) continue;
      const factor = system[row][col] / system[col][col];
      for (let k = col; k <= n; k++) system[row][k] -= factor * system[col][k];
    }
  }
  return Float64Array.from(system, (row, i) => row[n] / row[i]);
}
