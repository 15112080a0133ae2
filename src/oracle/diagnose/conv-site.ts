// The gated short convolution: what it would give with its slices exchanged, its taps flipped, or its state mistaken.
import { mul } from "../../reference/elementwise.ts";
import { linear, weightRow } from "../../reference/linear.ts";
import { swiglu } from "../../reference/swiglu.ts";
import { createTensor, type ReferenceTensor, type ReferenceWeight, rowOf } from "../../reference/tensor.ts";
import {
  dense,
  type Hypothesis,
  type Results,
  readRows,
  rowsOf,
  type Side,
  type Site,
  weightOf,
} from "./hypothesis.ts";

/** Where a row finds an input of the convolution `back` rows before it; undefined for nothing. */
type Past = (row: number, back: number) => number | undefined;

const asSpecified: Past = (row, back) => row - back;

/**
 * @param layer  "model.layers.7"
 * @param first  the first row that differs
 * @param most   rows of the run
 * @param isInner  from the recorded result of in_proj, where true; from what the operator reads, where false
 */
export async function convSite(
  side: Side,
  other: Side,
  layer: string,
  first: number,
  most: number,
  isInner: boolean,
): Promise<Site | undefined> {
  const path = `${layer}.conv`;
  // Rows before the first one that differs, for the taps to reach back to; rows after it, for a state to show.
  const begin = Math.max(0, first - 16);
  const count = Math.min(most - begin, 48);
  const slices = await slicesOf(side, path, layer, begin, count, isInner);
  if (slices === undefined) return undefined;
  const taps = await tapsOf(side, other, path, layer, begin, count);
  if (taps === undefined) return undefined;
  const { inputs, parts } = slices;
  const outProj = await side.weights?.read(`${path}.out_proj`);
  // The first rows of a window reach back to rows that are not in it.
  const shown = begin === 0 && side.run.start === 0 ? 0 : taps.cols;

  const results = (gate: number, mixing: (g: ReferenceTensor, x: ReferenceTensor) => ReferenceTensor): Results => {
    const [p, q] = [0, 1, 2].filter((slice) => slice !== gate);
    const mixed = mixing(mul(parts[p], parts[q]), parts[q]);
    const found = new Map([[`${path}.conv`, rowsOf(mixed, shown, count - shown)]]);
    const gated = mul(parts[gate], mixed);
    found.set(`${path}.out_proj.input`, rowsOf(gated, shown, count - shown));
    if (outProj !== undefined) found.set(path, rowsOf(linear(gated, outProj), shown, count - shown));
    return found;
  };
  const mix =
    (past: Past, w = taps) =>
    (g: ReferenceTensor) =>
      convolve(g, w, past);
  const hypothesis = (cause: string, says: string, compute: () => Results): Hypothesis => ({
    cause,
    says,
    kind: "bug",
    compute,
  });

  const hypotheses = [
    hypothesis("swapped-c-b", "B and C exchanged", () => results(0, mix(asSpecified))),
    hypothesis("swapped-c-x", "C and x exchanged", () => results(2, mix(asSpecified))),
    hypothesis("flipped-taps", "the taps of the convolution flipped", () =>
      results(1, mix(asSpecified, flipped(taps))),
    ),
    hypothesis("conv-delayed", "the convolution one position late", () =>
      results(
        1,
        mix((row, back) => row - back - 1),
      ),
    ),
    hypothesis("conv-activation", "silu after the convolution", () =>
      results(1, (g) => silu(convolve(g, taps, asSpecified))),
    ),
    ...stateHypotheses(first - begin).flatMap(({ steps, startOf }) => [
      hypothesis("conv-state-off-by-one", `the convolution's state one position old at ${steps}`, () =>
        results(
          1,
          mix((row, back) => (row - back < startOf(row) ? row - back - 1 : row - back)),
        ),
      ),
      hypothesis("conv-state-lost", `the convolution's state empty at ${steps}`, () =>
        results(
          1,
          mix((row, back) => (row - back < startOf(row) ? undefined : row - back)),
        ),
      ),
    ]),
  ];
  return { inputs, from: begin + shown, specified: () => results(1, mix(asSpecified)), hypotheses };
}

/** How a sequence may have been cut into steps, if the second step is where the runs part. */
function stateHypotheses(first: number) {
  if (first < 1) return [];
  const all = [{ steps: "every position", startOf: (row: number) => (row < first ? 0 : row) }];
  const every = `the beginning of every ${first} positions`;
  if (first > 1) all.push({ steps: every, startOf: (row: number) => Math.floor(row / first) * first });
  return all;
}

async function slicesOf(side: Side, path: string, layer: string, begin: number, count: number, isInner: boolean) {
  const traced = isInner ? await readRows(side.run, `${path}.in_proj`, begin, count) : undefined;
  if (isInner) return traced && { inputs: [`${path}.in_proj`], parts: thirds(traced) };
  const x = await readRows(side.run, `${layer}.operator_norm`, begin, count);
  const inProj = await side.weights?.read(`${path}.in_proj`);
  if (x === undefined || inProj === undefined) return undefined;
  return { inputs: [`${layer}.operator_norm`], parts: thirds(linear(x, inProj)) };
}

function thirds(x: ReferenceTensor): ReferenceTensor[] {
  const cols = x.cols / 3;
  return [0, 1, 2].map((i) => dense({ ...x, cols, offset: x.offset + i * cols }));
}

/** The model's taps; without a model, those that make the other side's result of its inputs. */
async function tapsOf(side: Side, other: Side, path: string, layer: string, begin: number, count: number) {
  const known = await side.weights?.read(`${path}.conv`);
  if (known !== undefined) return known;
  const width = side.config?.convLCache ?? 3;
  const slices = await slicesOf(other, path, layer, begin, count, true);
  const y = await readRows(other.run, `${path}.conv`, begin, count);
  if (slices === undefined || y === undefined || count < 2 * width) return undefined;
  return estimateTaps(mul(slices.parts[0], slices.parts[2]), y, width);
}

/** Least squares over the rows that reach back far enough, one channel at a time. */
export function estimateTaps(g: ReferenceTensor, y: ReferenceTensor, width: number): ReferenceWeight {
  const taps = new Float32Array(g.cols * width);
  for (let c = 0; c < g.cols; c++) {
    const system = Array.from({ length: width }, () => new Float64Array(width + 1));
    for (let t = width - 1; t < g.rows; t++) {
      for (let i = 0; i < width; i++) {
        const input = rowOf(g, t - width + 1 + i)[c];
        for (let j = 0; j < width; j++) system[i][j] += input * rowOf(g, t - width + 1 + j)[c];
        system[i][width] += input * rowOf(y, t)[c];
      }
    }
    taps.set(solve(system), c * width);
  }
  return weightOf(g.cols, width, taps);
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

function convolve(g: ReferenceTensor, w: ReferenceWeight, past: Past): ReferenceTensor {
  const y = createTensor(g.rows, g.cols);
  for (let c = 0; c < g.cols; c++) {
    const taps = weightRow(w, c);
    for (let t = 0; t < g.rows; t++) {
      let sum = 0;
      for (let i = 0; i < w.cols; i++) {
        const from = past(t, w.cols - 1 - i);
        if (from !== undefined && from >= 0) sum = Math.fround(sum + Math.fround(taps[i] * g.data[from * g.cols + c]));
      }
      y.data[t * g.cols + c] = sum;
    }
  }
  return y;
}

function flipped(w: ReferenceWeight): ReferenceWeight {
  const taps = new Float32Array(w.rows * w.cols);
  for (let c = 0; c < w.rows; c++) taps.set(weightRow(w, c).reverse(), c * w.cols);
  return weightOf(w.rows, w.cols, taps);
}

function silu(x: ReferenceTensor): ReferenceTensor {
  return swiglu(x, { ...x, data: new Float32Array(x.data.length).fill(1) });
}
