// Ops that know shapes alone: the graph rehearsed on them tells which results there will be, and computes nothing.
import type { ExpertIds, Ops, Tensor } from "../../ops/ops.ts";

const tensor = (rows: number, cols: number): Tensor => ({ rows, cols });
const alike = ({ rows, cols }: Tensor): Tensor => ({ rows, cols });

/** The operations whose results differ from their first operand in shape. */
const changing: Partial<Ops> = {
  embed: (ids, w) => tensor(ids.length, w.cols),
  linear: (x, w) => tensor(x.rows, w.rows),
  expertLinear: (_x, w, experts) => tensor(experts.rows * experts.k, w.rows),
  split: (x, parts) => Array.from({ length: parts }, () => tensor(x.rows, x.cols / parts)),
  rows: (x, _from, count) => tensor(count, x.cols),
  topK: (x, k): ExpertIds => ({ rows: x.rows, k }),
  gather: (x, ids) => tensor(x.rows, ids.k),
  weightedSum: (x, weights) => tensor(weights.rows, x.cols),
  angles: (positions) => ({ rows: positions.length }),
};

export const shapeOps = new Proxy(changing, { get: (ops, name: keyof Ops) => ops[name] ?? alike }) as Ops;
