// Ops in plain float32 loops: the definition of every operation, and the slowest way to run one.

import { firstNonFinite } from "../blocks/finite.ts";
import { blockFormats, type FormatName, rowBytes } from "../blocks/formats.ts";
import type {
  Backend,
  BackendRequest,
  KvType,
  Memory,
  PlacedWeight,
  SavedStates,
  StateSpec,
  StoredWeight,
} from "../ops/backend.ts";
import { type Ops, PAGE } from "../ops/ops.ts";
import { attention } from "./attention.ts";
import { causalConv } from "./causal-conv.ts";
import { add, addBias, mul, scale, sigmoid } from "./elementwise.ts";
import { embed } from "./embed.ts";
import { expertLinear } from "./expert-linear.ts";
import { linear, weightRow } from "./linear.ts";
import { rmsNorm } from "./rms-norm.ts";
import { angles, rope } from "./rope.ts";
import { swiglu } from "./swiglu.ts";
import {
  type ReferenceConvState,
  type ReferenceExpertIds,
  type ReferenceKvCache,
  type ReferenceTensor,
  type ReferenceWeight,
  rowOf,
} from "./tensor.ts";
import { gather, normalize, topK, weightedSum } from "./top-k.ts";

/** Plain arrays only: weights stay the bytes of the file, decoded row by row when used. */
export function createReferenceBackend({ weights, states, kvType }: BackendRequest): Backend {
  const placed = weights.map(place);
  const reserved = states.map((spec) => reserve(spec, kvType));
  const stateArrays = reserved.flatMap((state) => ("k" in state ? [state.k, state.v] : [state.current, state.next]));
  return {
    ops: referenceOps,
    memory: referenceMemory,
    weights: new Map(placed.map((weight) => [weight.weight.path, weight])),
    states: reserved,
    bytes: [...placed.map(({ weight }) => weight.bytes), ...stateArrays].reduce((sum, a) => sum + a.byteLength, 0),
  };
}

function place({ path, rows, cols, experts, format }: StoredWeight): PlacedWeight & { weight: ReferenceWeight } {
  const blocks = blockFormats[format as FormatName];
  const bytes = new Uint8Array(experts * rows * rowBytes(blocks, cols));
  return {
    weight: { path, rows, cols, experts, format: blocks, bytes },
    granule: blocks.blockBytes,
    write(at, piece) {
      bytes.set(piece, at);
      return firstNonFinite(blocks, piece);
    },
  };
}

function reserve(spec: StateSpec, type: KvType): ReferenceConvState | ReferenceKvCache {
  if (spec.type === "conv") {
    const { width, spare } = spec;
    const numbers = (spare + width - 1) * spec.cols;
    return { width, spare, current: new Float32Array(numbers), next: new Float32Array(numbers), taken: 0 };
  }
  const numbers = spec.capacity * spec.cols;
  return { capacity: spec.capacity, k: new Float32Array(numbers), v: new Float32Array(numbers), type };
}

/** All tensors here were made by this backend, so each op takes the backend's own type. */
export const referenceOps: Ops = {
  embed,
  linear,
  expertLinear,
  rmsNorm,
  split(x: ReferenceTensor, parts: number): ReferenceTensor[] {
    const cols = x.cols / parts;
    return Array.from({ length: parts }, (_, i) => ({ ...x, cols, offset: x.offset + i * cols }));
  },
  rows(x: ReferenceTensor, from: number, count: number): ReferenceTensor {
    return { ...x, rows: count, offset: x.offset + from * x.stride };
  },
  add,
  mul,
  swiglu,
  sigmoid,
  addBias,
  topK,
  gather,
  normalize,
  scale,
  weightedSum,
  causalConv,
  angles,
  rope,
  attention,
};

/** Results are plain arrays, so nothing has to be released. */
const referenceMemory: Memory = {
  release() {},
  carry: (h) => h,
  commit(states: readonly ReferenceConvState[]): void {
    for (const state of states) {
      [state.current, state.next] = [state.next, state.current];
      state.taken = 0;
    }
  },
  takeBack(states: readonly ReferenceConvState[], rows: number): void {
    for (const state of states) state.taken += rows;
  },
  reset(states: readonly ReferenceConvState[]): void {
    for (const state of states) {
      state.current.fill(0);
      state.taken = 0;
    }
  },
  save: (states: readonly ReferenceConvState[]) =>
    states.map(({ current, width, spare, taken }) => {
      const cols = current.length / (spare + width - 1);
      const from = (spare - taken) * cols;
      return new Uint8Array(current.slice(from, from + (width - 1) * cols).buffer as ArrayBuffer);
    }),
  restore(states: readonly ReferenceConvState[], saved: SavedStates): void {
    for (const [i, state] of states.entries()) {
      const numbers = new Float32Array(saved[i].slice().buffer);
      state.current.set(numbers, state.current.length - numbers.length);
      state.taken = 0;
    }
  },
  copyPage({ k, v, capacity }: ReferenceKvCache, from: number, to: number): void {
    const numbers = PAGE * (k.length / capacity);
    for (const place of [k, v]) place.copyWithin(to * numbers, from * numbers, (from + 1) * numbers);
  },
  read(x: ReferenceTensor): Float32Array {
    const numbers = new Float32Array(x.rows * x.cols);
    for (let t = 0; t < x.rows; t++) numbers.set(rowOf(x, t), t * x.cols);
    return numbers;
  },
  overwrite(x: ReferenceTensor, numbers: Float32Array): void {
    for (let t = 0; t < x.rows; t++) rowOf(x, t).set(numbers.subarray(t * x.cols, (t + 1) * x.cols));
  },
  readIds: (x: ReferenceExpertIds): Int32Array => x.ids,
  readVector: (w: ReferenceWeight): Float32Array => weightRow(w, 0),
};
