// Ops that know shapes alone: the graph rehearsed on them tells which results there will be, and computes nothing.
import type { ExpertIds, Ops, Tensor, Weight } from "../../ops/ops.ts";

const tensor = (rows: number, cols: number): Tensor => ({ rows, cols });
const alike = ({ rows, cols }: Tensor): Tensor => ({ rows, cols });

export const shapeOps: Ops = {
  embed: (ids, w) => tensor(ids.length, w.cols),
  linear: (x, w) => tensor(x.rows, w.rows),
  expertLinear: (_x, w, experts) => tensor(experts.rows * experts.k, w.rows),
  rmsNorm: alike,
  split: (x, parts) => Array.from({ length: parts }, () => tensor(x.rows, x.cols / parts)),
  rows: (x, _from, count) => tensor(count, x.cols),
  add: alike,
  mul: alike,
  swiglu: alike,
  sigmoid: alike,
  addBias: (x: Tensor, _bias: Weight) => alike(x),
  topK: (x, k): ExpertIds => ({ rows: x.rows, k }),
  gather: (x, ids) => tensor(x.rows, ids.k),
  normalize: alike,
  scale: alike,
  weightedSum: (x, weights) => tensor(weights.rows, x.cols),
  causalConv: alike,
  angles: (positions) => ({ rows: positions.length }),
  rope: alike,
  attention: alike,
};
