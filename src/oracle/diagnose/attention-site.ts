// Grouped-query attention: what it would give with another rotation, another order, other heads, or a rounded cache.
import type { Config } from "../../model/config.ts";
import { rotationOf } from "../../model/rope.ts";
import type { KvType } from "../../ops/backend.ts";
import { attention } from "../../reference/attention.ts";
import { scale } from "../../reference/elementwise.ts";
import { linear } from "../../reference/linear.ts";
import { rmsNorm } from "../../reference/rms-norm.ts";
import { angles, rope } from "../../reference/rope.ts";
import {
  createTensor,
  type ReferenceKvCache,
  type ReferenceTensor,
  type ReferenceWeight,
} from "../../reference/tensor.ts";
import { type Hypothesis, type Results, readRows, type Side, type Site } from "./hypothesis.ts";
import { estimateGain } from "./norm-site.ts";

/** One position costs as much as all before it; past this many a diagnosis would take minutes. */
const MAX_POSITIONS = 512;
/** RoPE bases of published models. */
const THETAS = [1e4, 1e5, 5e5, 1e6, 5e6, 1e7];

const FOR_PAIRS = "the rows of q and k in the order for neighbouring pairs";
const FOR_HALVES = "the rows of q and k reordered for halves once too often";

interface Projected {
  readonly q: ReferenceTensor;
  readonly k: ReferenceTensor;
  readonly v: ReferenceTensor;
}

/** The steps between projections and attention, each of which may be mistaken. */
interface Steps {
  norm(x: ReferenceTensor, gain: ReferenceWeight): ReferenceTensor;
  rotate(x: ReferenceTensor): ReferenceTensor;
  /** Rotation first, norm second. */
  readonly isRotatedFirst?: true;
  readonly kvType?: KvType;
  attend?(q: ReferenceTensor, k: ReferenceTensor, v: ReferenceTensor): ReferenceTensor;
}

/**
 * @param layer  "model.layers.2"
 * @param first  the first row that differs
 * @param most   rows of the run
 * @param isInner  from the recorded projections, where true; from what the operator reads, where false
 */
export async function attentionSite(
  side: Side,
  other: Side,
  layer: string,
  first: number,
  most: number,
  isInner: boolean,
): Promise<Site | undefined> {
  const path = `${layer}.self_attn`;
  const { config } = side;
  const count = Math.min(most, first + 16);
  // What stands before the first traced position is not known.
  if (config === undefined || count > MAX_POSITIONS || side.run.start > 0) return undefined;
  const projected = await projections(side, path, layer, count, isInner);
  const gains = await gainsOf(side, other, path, count, config);
  if (projected === undefined || gains === undefined) return undefined;
  const outProj = await side.weights?.read(`${path}.out_proj`);
  const { inputs } = projected;

  const results = (
    { norm, rotate, isRotatedFirst, kvType = "f32", attend }: Steps,
    p: Projected = projected,
  ): Results => {
    const [q, k] = (
      [
        [p.q, gains.q],
        [p.k, gains.k],
      ] as const
    ).map(([x, gain]) => (isRotatedFirst ? norm(rotate(x), gain) : rotate(norm(x, gain))));
    const attended = attend?.(q, k, p.v) ?? attentionOf(q, k, p.v, config.headDim, kvType);
    const found = new Map([
      [`${path}.q_rope`, q],
      [`${path}.k_rope`, k],
      [`${path}.out_proj.input`, attended],
    ]);
    if (outProj !== undefined) found.set(path, linear(attended, outProj));
    return found;
  };
  const right: Steps = {
    norm: (x, gain) => rmsNorm(x, gain, config.normEps),
    rotate: (x) => rotated(x, config),
  };
  const hypothesis = (cause: string, says: string, change: Partial<Steps>, p?: Projected): Hypothesis => ({
    cause,
    says,
    kind: "bug",
    compute: () => results({ ...right, ...change }, p),
  });
  const { headDim } = config;
  const permuted = (permute: (x: ReferenceTensor) => ReferenceTensor): Projected => ({
    q: permute(projected.q),
    k: permute(projected.k),
    v: projected.v,
  });
  const hypotheses = [
    hypothesis("rope-interleaved", "RoPE of neighbouring pairs instead of halves", {
      rotate: (x) => halves(rotated(pairs(x, headDim), config), headDim),
    }),
    hypothesis("rope-before-norm", "RoPE before the norm of q and k", { isRotatedFirst: true }),
    hypothesis("missing-qk-norm", "no norm of q and k", { norm: (x) => x }),
    hypothesis("missing-rope", "no RoPE", { rotate: (x) => x }),
    ...(config.ropeScaling === null
      ? []
      : [
          hypothesis("missing-rope-scaling", `no ${config.ropeScaling.ropeType} scaling of RoPE`, {
            rotate: (x) => rotated(x, { ...config, ropeScaling: null }),
          }),
        ]),
    ...THETAS.filter((theta) => theta !== config.ropeTheta).map((theta) =>
      hypothesis("wrong-rope-theta", `a RoPE base of ${theta} instead of ${config.ropeTheta}`, {
        rotate: (x) => rotated(x, { ...config, ropeTheta: theta }),
      }),
    ),
    hypothesis("wrong-kv-head-map", "query head h reading KV head h mod the number of KV heads", {
      attend: (q, k, v) => otherHeads(q, k, v, headDim),
    }),
    hypothesis("missing-attention-scale", "no division by √headDim", {
      attend: (q, k, v) => attentionOf(scale(q, Math.sqrt(headDim)), k, v, headDim, "f32"),
    }),
    // The converters of LLaMA-like models reorder the rows of q and k for runtimes that rotate neighbours.
    hypothesis(
      "rope-unpermuted",
      FOR_PAIRS,
      {},
      permuted((x) => halves(x, headDim)),
    ),
    hypothesis(
      "rope-unpermuted",
      FOR_HALVES,
      {},
      permuted((x) => pairs(x, headDim)),
    ),
    ...(["f16", "int8"] as const).map(
      (kvType): Hypothesis => ({
        cause: `kv-${kvType}`,
        says: `keys and values stored as ${kvType}`,
        kind: "precision",
        compute: () => results({ ...right, kvType }),
      }),
    ),
  ];
  return { inputs, from: 0, specified: () => results(right), hypotheses };
}

/** Rows of q or k in another order, seen in the projection itself, held against the other run's. */
export async function projectionSite(
  side: Side,
  other: Side,
  name: string,
  from: number,
  count: number,
): Promise<Site | undefined> {
  const theirs = await readRows(other.run, name, from, count);
  const { config } = side;
  if (theirs === undefined || config === undefined) return undefined;
  const results = (value: ReferenceTensor): Results => new Map([[name, value]]);
  const hypothesis = (says: string, permute: typeof pairs): Hypothesis => ({
    cause: "rope-unpermuted",
    says,
    kind: "bug",
    compute: () => results(permute(theirs, config.headDim)),
  });
  const hypotheses = [hypothesis(FOR_PAIRS, halves), hypothesis(FOR_HALVES, pairs)];
  return { inputs: [`the other run's ${name}`], from, specified: () => results(theirs), hypotheses };
}

async function projections(side: Side, path: string, layer: string, count: number, isInner: boolean) {
  const names = ["q", "k", "v"].map((part) => `${path}.${part}_proj`);
  if (isInner) {
    const [q, k, v] = await Promise.all(names.map((name) => readRows(side.run, name, 0, count)));
    return q && k && v && { inputs: names, q, k, v };
  }
  const x = await readRows(side.run, `${layer}.operator_norm`, 0, count);
  const weights = await Promise.all(names.map((name) => side.weights?.read(name)));
  if (x === undefined || weights.includes(undefined)) return undefined;
  const [q, k, v] = (weights as ReferenceWeight[]).map((w) => linear(x, w));
  return { inputs: [`${layer}.operator_norm`], q, k, v };
}

/** The model's gains; without a model, those that make the other side's norms of its projections. */
async function gainsOf(side: Side, other: Side, path: string, count: number, config: Config) {
  const [q, k] = await Promise.all(
    ["q", "k"].map(async (part) => {
      const known = await side.weights?.read(`${path}.${part}_layernorm`);
      if (known !== undefined) return known;
      const x = await readRows(other.run, `${path}.${part}_proj`, 0, count);
      const y = await readRows(other.run, `${path}.${part}_layernorm`, 0, count);
      return x && y && estimateGain(x, y, config.headDim, config.normEps);
    }),
  );
  return q && k && { q, k };
}

function attentionOf(q: ReferenceTensor, k: ReferenceTensor, v: ReferenceTensor, headDim: number, type: KvType) {
  const numbers = k.rows * k.cols;
  const cache: ReferenceKvCache = {
    capacity: k.rows,
    k: new Float32Array(numbers),
    v: new Float32Array(numbers),
    type,
  };
  return attention(q, k, v, [{ rows: k.rows, start: 0, stored: 0, cache }], headDim);
}

function rotated(x: ReferenceTensor, config: Config): ReferenceTensor {
  return rope(
    x,
    angles(
      Int32Array.from({ length: x.rows }, (_, t) => t),
      rotationOf(config),
    ),
  );
}

/** Heads brought into an order in which the specified map gives the mistaken one, and back. */
function otherHeads(q: ReferenceTensor, k: ReferenceTensor, v: ReferenceTensor, headDim: number): ReferenceTensor {
  const [heads, kvHeads] = [q.cols / headDim, k.cols / headDim];
  const place = (head: number): number => (head % kvHeads) * (heads / kvHeads) + Math.floor(head / kvHeads);
  const moved = byColumn(q, (c) => headOf(c, place));
  const y = attentionOf(moved, k, v, headDim, "f32");
  const back = createTensor(q.rows, q.cols);
  for (let t = 0; t < q.rows; t++) {
    for (let c = 0; c < q.cols; c++) back.data[t * q.cols + c] = y.data[t * q.cols + headOf(c, place)];
  }
  return back;

  function headOf(column: number, map: (head: number) => number): number {
    return map(Math.floor(column / headDim)) * headDim + (column % headDim);
  }
}

/** Column c goes to column `to(c)`. */
function byColumn(x: ReferenceTensor, to: (column: number) => number): ReferenceTensor {
  const y = createTensor(x.rows, x.cols);
  for (let t = 0; t < x.rows; t++) {
    for (let c = 0; c < x.cols; c++) y.data[t * x.cols + to(c)] = x.data[x.offset + t * x.stride + c];
  }
  return y;
}

/** [0, 1, 2, 3, …] → [0, 2, …, 1, 3, …] in every head: neighbours become halves. */
function pairs(x: ReferenceTensor, headDim: number): ReferenceTensor {
  const half = headDim / 2;
  return byColumn(x, (c) => c - (c % headDim) + ((c % headDim) >> 1) + (c % 2) * half);
}

/** The inverse of `pairs`. */
function halves(x: ReferenceTensor, headDim: number): ReferenceTensor {
  const half = headDim / 2;
  return byColumn(x, (c) => c - (c % headDim) + 2 * ((c % headDim) % half) + Math.floor((c % headDim) / half));
}
