// RMS norms: what their results would be with another eps, without gain, or without a norm at all.
import { log } from "../../float.ts";
import { rmsNorm } from "../../reference/rms-norm.ts";
import { type ReferenceTensor, type ReferenceWeight, rowOf } from "../../reference/tensor.ts";
import { EMBEDDING, FINAL_NORM, layerPoint, placeInLayer } from "../recorded/point-names.ts";
import { type Hypothesis, readRows, type Side, type Site, tensorOf, weightOf } from "./hypothesis.ts";
import { numbersOf } from "./model-weights.ts";

/** Of every LFM2; only where no config says otherwise. */
const USUAL_EPS = 1e-5;

export async function normSite(
  side: Side,
  other: Side,
  name: string,
  from: number,
  count: number,
): Promise<Site | undefined> {
  const found = await normInput(side, name, from, count);
  if (found === undefined) return undefined;
  const { x, inputs } = found;
  const eps = side.config?.normEps ?? USUAL_EPS;
  const gain = await gainOf(side, other, name, from, count, x.cols, eps);
  const y = await readRows(side.run, name, from, count);
  if (gain === undefined || y === undefined) return undefined;
  const results = (value: ReferenceTensor) => new Map([[name, value]]);
  const ones = weightOf(1, x.cols, new Float32Array(x.cols).fill(1));
  const isFinal = name === FINAL_NORM;
  const hypotheses: Hypothesis[] = [
    {
      cause: isFinal ? "missing-final-norm" : "missing-norm",
      says: isFinal ? "no norm after the last layer" : "no norm",
      kind: "bug",
      compute: () => results(x),
    },
    {
      cause: "missing-norm-gain",
      says: "the norm's weight left out",
      kind: "bug",
      compute: () => results(rmsNorm(x, ones, eps)),
    },
    {
      cause: "norm-gain-plus-one",
      says: "1 added to the norm's weight",
      kind: "bug",
      compute: () =>
        results(
          rmsNorm(
            x,
            weightOf(
              1,
              x.cols,
              numbersOf(gain).map((value) => value + 1),
            ),
            eps,
          ),
        ),
    },
    {
      cause: "layer-norm",
      says: "the mean subtracted, as LayerNorm does",
      kind: "bug",
      compute: () => results(rmsNorm(centred(x), gain, eps)),
    },
  ];
  const solved = solveEps(x, y, gain);
  if (solved !== undefined) {
    const says = `eps ${Number(solved.toPrecision(2))} instead of ${eps}`;
    hypotheses.unshift({ cause: "wrong-eps", says, kind: "bug", compute: () => results(rmsNorm(x, gain, solved)) });
  }
  return { inputs, from, specified: () => results(rmsNorm(x, gain, eps)), hypotheses };
}

/** What a norm reads: the embedding or the layer before; before a feed-forward, that and what the operator added. */
export async function normInput(side: Side, name: string, from: number, count: number) {
  const inputs = normInputs(side, name);
  if (inputs === undefined) return undefined;
  const parts = await Promise.all(inputs.map((input) => readRows(side.run, input, from, count)));
  if (parts.includes(undefined)) return undefined;
  const [first, second] = parts as ReferenceTensor[];
  const x =
    second === undefined
      ? first
      : tensorOf(
          count,
          first.cols,
          first.data.map((value, i) => value + second.data[i]),
        );
  return { x, inputs };
}

function normInputs({ run: { points } }: Side, name: string): string[] | undefined {
  const layers = Math.max(-1, ...[...points.keys()].map((point) => placeInLayer(point)?.layer ?? -1));
  if (name === FINAL_NORM) return [layerPoint(layers, "")];
  const place = placeInLayer(name);
  if (place === undefined) return undefined;
  const before = place.layer === 0 ? EMBEDDING : layerPoint(place.layer - 1, "");
  if (place.part === "operator_norm") return [before];
  if (place.part !== "ffn_norm") return undefined;
  const operator = ["conv", "self_attn"]
    .map((part) => layerPoint(place.layer, part))
    .find((point) => points.has(point));
  return operator === undefined ? undefined : [before, operator];
}

/** The model's gain; without a model, the one that makes the other side's result of its input. */
async function gainOf(side: Side, other: Side, name: string, from: number, count: number, cols: number, eps: number) {
  const known = await side.weights?.read(name);
  if (known !== undefined) return known.cols === cols ? known : undefined;
  const input = await normInput(other, name, from, count);
  const y = await readRows(other.run, name, from, count);
  return input && y && input.x.cols === cols && y.cols === cols ? estimateGain(input.x, y, cols, eps) : undefined;
}

/** Least squares, one number to a column of the norm; `x` may hold several heads beside each other. */
export function estimateGain(x: ReferenceTensor, y: ReferenceTensor, width: number, eps: number): ReferenceWeight {
  const normed = rmsNorm(x, weightOf(1, width, new Float32Array(width).fill(1)), eps);
  const [product, square] = [new Float64Array(width), new Float64Array(width)];
  for (let i = 0; i < normed.data.length; i++) {
    product[i % width] += y.data[i] * normed.data[i];
    square[i % width] += normed.data[i] ** 2;
  }
  return weightOf(
    1,
    width,
    Float32Array.from(product, (value, c) => (square[c] === 0 ? 0 : value / square[c])),
  );
}

/** The eps that y = x / √(mean(x²) + eps) · gain says it was made with: the median over the rows. */
function solveEps(x: ReferenceTensor, y: ReferenceTensor, gain: ReferenceWeight): number | undefined {
  const numbers = numbersOf(gain);
  const found: number[] = [];
  for (let t = 0; t < x.rows; t++) {
    const [row, result] = [rowOf(x, t), rowOf(y, t)];
    let [product, square, sum] = [0, 0, 0];
    for (let c = 0; c < row.length; c++) {
      const scaled = row[c] * numbers[c];
      product += scaled * result[c];
      square += scaled * scaled;
      sum += row[c] * row[c];
    }
    found.push((square / product) ** 2 - sum / row.length);
  }
  found.sort((a, b) => a - b);
  const eps = found[found.length >> 1];
  if (!(eps > 1e-15 && eps < 1)) return undefined;
  // Written as a power of ten in every config, and close to one here unless the numbers are large beside it.
  const power = 10 ** Math.round(log(eps) / log(10));
  return Math.abs(eps / power - 1) < 0.1 ? power : eps;
}

function centred(x: ReferenceTensor): ReferenceTensor {
  const y = tensorOf(x.rows, x.cols, Float32Array.from(x.data));
  for (let t = 0; t < x.rows; t++) {
    const row = rowOf(y, t);
    const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
    for (let c = 0; c < row.length; c++) row[c] -= mean;
  }
  return y;
}
