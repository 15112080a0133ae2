// Ops on the kernels: each verb finds room for its result, then makes one or two kernel calls in the weight's bank.
import type { ConvState, ExpertIds, KvCache, Ops, Tensor, Weight } from "../ops/ops.ts";
import type { Bank } from "./bank.ts";

export interface WasmTensor extends Tensor {
  readonly bank: Bank;
  readonly address: number;
  /** Numbers from one row to the next. */
  readonly stride: number;
  /** Address of the same rows as int8 blocks, once some weight has asked for them. */
  int8?: number;
}

export interface WasmExpertIds extends ExpertIds {
  readonly bank: Bank;
  readonly address: number;
}

export interface WasmWeight extends Weight {
  readonly bank: Bank;
  readonly address: number;
  /** ggml type id of its blocks. */
  readonly format: number;
  readonly rowBytes: number;
  /** Multiplied with int8 activations. */
  readonly int8: boolean;
}

export interface WasmKvCache extends KvCache {
  readonly bank: Bank;
  readonly k: number;
  readonly v: number;
  /** 0 float32, 1 half precision, 2 int8: assembly/kv-cache.ts. */
  readonly type: number;
}

export interface WasmConvState extends ConvState {
  readonly bank: Bank;
  readonly bytes: number;
  current: number;
  next: number;
}

/** Bytes of 32 activations in int8: assembly/q8.ts. */
const Q8_BYTES = 40;

export class WasmOps implements Ops {
  // Not #private: an observer of the run derives its own Ops from this one.
  /** Where `carry` puts the hidden state, one place to a bank. */
  private readonly hidden: ReadonlyMap<Bank, number>;

  constructor(hidden: ReadonlyMap<Bank, number>) {
    this.hidden = hidden;
  }

  embed(ids: Int32Array, w: WasmWeight): WasmTensor {
    const y = allocate(w.bank, ids.length, w.cols);
    const list = w.bank.allocate(ids.byteLength);
    w.bank.write(list, new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength));
    const scratch = w.bank.allocate(w.cols * 4);
    w.bank.kernels.embed(w.format, y.address, w.address, list, ids.length, w.cols, w.rowBytes, scratch);
    return y;
  }

  linear(x: WasmTensor, w: WasmWeight): WasmTensor {
    const { kernels } = w.bank;
    const y = allocate(w.bank, x.rows, w.rows);
    if (w.int8) {
      const from = quantized(x);
      kernels.linearInt8(w.format, y.address, w.address, from, x.rows, w.rows, w.cols, w.rowBytes, 0, w.rows);
    } else {
      const scratch = w.bank.allocate(w.cols * 4);
      const from = joined(x);
      kernels.linear(w.format, y.address, w.address, from, x.rows, w.rows, w.cols, w.rowBytes, 0, w.rows, scratch);
    }
    return y;
  }

  expertLinear(x: WasmTensor, w: WasmWeight, chosen: WasmExpertIds): WasmTensor {
    const { bank, experts, rows, cols, format, rowBytes } = w;
    const { kernels } = bank;
    const choices = chosen.rows * chosen.k;
    const y = allocate(bank, choices, rows);
    const begins = bank.allocate((experts + 1) * 4);
    const order = bank.allocate(choices * 4);
    kernels.groupByExpert(chosen.address, choices, experts, begins, order);
    const perRow = choices / x.rows;
    const to = y.address;
    if (w.int8) {
      const from = quantized(x);
      kernels.expertLinearInt8(
        format,
        to,
        w.address,
        from,
        perRow,
        experts,
        begins,
        order,
        rows,
        cols,
        rowBytes,
        0,
        rows,
      );
    } else {
      const scratch = bank.allocate(cols * 4);
      const from = joined(x);
      kernels.expertLinear(
        format,
        to,
        w.address,
        from,
        perRow,
        experts,
        begins,
        order,
        rows,
        cols,
        rowBytes,
        0,
        rows,
        scratch,
      );
    }
    return y;
  }

  rmsNorm(x: WasmTensor, w: WasmWeight, eps: number): WasmTensor {
    const y = allocate(x.bank, x.rows, x.cols);
    x.bank.kernels.rmsNorm(y.address, joined(x), w.address, (x.rows * x.cols) / w.cols, w.cols, eps);
    return y;
  }

  split(x: WasmTensor, parts: number): WasmTensor[] {
    const cols = x.cols / parts;
    return Array.from({ length: parts }, (_, i) => view(x, x.rows, cols, x.address + i * cols * 4));
  }

  rows(x: WasmTensor, from: number, count: number): WasmTensor {
    return view(x, count, x.cols, x.address + from * x.stride * 4);
  }

  add(a: WasmTensor, b: WasmTensor): WasmTensor {
    const y = allocate(a.bank, a.rows, a.cols);
    a.bank.kernels.add(y.address, joined(a), joined(b), a.rows * a.cols);
    return y;
  }

  mul(a: WasmTensor, b: WasmTensor): WasmTensor {
    const y = allocate(a.bank, a.rows, a.cols);
    a.bank.kernels.mul(y.address, a.address, b.address, a.rows, a.cols, a.stride, b.stride);
    return y;
  }

  swiglu(gate: WasmTensor, up: WasmTensor): WasmTensor {
    const y = allocate(gate.bank, gate.rows, gate.cols);
    gate.bank.kernels.swiglu(y.address, joined(gate), joined(up), gate.rows * gate.cols);
    return y;
  }

  sigmoid(x: WasmTensor): WasmTensor {
    const y = allocate(x.bank, x.rows, x.cols);
    x.bank.kernels.sigmoid(y.address, joined(x), x.rows * x.cols);
    return y;
  }

  addBias(x: WasmTensor, bias: WasmWeight): WasmTensor {
    const y = allocate(x.bank, x.rows, x.cols);
    x.bank.kernels.addBias(y.address, joined(x), bias.address, x.rows, x.cols);
    return y;
  }

  topK(x: WasmTensor, k: number): WasmExpertIds {
    const address = x.bank.allocate(x.rows * k * 4);
    x.bank.kernels.topK(address, joined(x), x.rows, x.cols, k);
    return { rows: x.rows, k, bank: x.bank, address };
  }

  gather(x: WasmTensor, { address, k }: WasmExpertIds): WasmTensor {
    const y = allocate(x.bank, x.rows, k);
    x.bank.kernels.gather(y.address, joined(x), address, x.rows, x.cols, k);
    return y;
  }

  normalize(x: WasmTensor, eps: number): WasmTensor {
    const y = allocate(x.bank, x.rows, x.cols);
    x.bank.kernels.normalize(y.address, joined(x), x.rows, x.cols, eps);
    return y;
  }

  scale(x: WasmTensor, factor: number): WasmTensor {
    const y = allocate(x.bank, x.rows, x.cols);
    x.bank.kernels.scale(y.address, joined(x), factor, x.rows * x.cols);
    return y;
  }

  weightedSum(x: WasmTensor, weights: WasmTensor): WasmTensor {
    const y = allocate(x.bank, weights.rows, x.cols);
    x.bank.kernels.weightedSum(y.address, joined(x), joined(weights), weights.rows, x.cols, weights.cols);
    return y;
  }

  causalConv(x: WasmTensor, w: WasmWeight, { current, next, width }: WasmConvState): WasmTensor {
    const y = allocate(x.bank, x.rows, x.cols);
    x.bank.kernels.causalConv(y.address, joined(x), w.address, current, next, x.rows, x.cols, width);
    return y;
  }

  rope(x: WasmTensor, inverseFrequency: Float32Array, start: number): WasmTensor {
    const { bank } = x;
    const y = allocate(bank, x.rows, x.cols);
    const frequency = bank.allocate(inverseFrequency.byteLength);
    bank.write(
      frequency,
      new Uint8Array(inverseFrequency.buffer, inverseFrequency.byteOffset, inverseFrequency.byteLength),
    );
    bank.kernels.rope(y.address, joined(x), frequency, x.rows, x.cols, inverseFrequency.length, start);
    return y;
  }

  attention(
    q: WasmTensor,
    k: WasmTensor,
    v: WasmTensor,
    cache: WasmKvCache,
    start: number,
    headDim: number,
  ): WasmTensor {
    const { bank, type, capacity } = cache;
    const { kernels } = bank;
    kernels.storeKv(type, cache.k, capacity, joined(k), k.rows, k.cols, headDim, start);
    kernels.storeKv(type, cache.v, capacity, joined(v), v.rows, v.cols, headDim, start);
    const y = allocate(bank, q.rows, q.cols);
    const scores = bank.allocate(capacity * 4);
    const heads = q.cols / headDim;
    const kvHeads = k.cols / headDim;
    const from = joined(q);
    kernels.attention(
      type,
      y.address,
      from,
      cache.k,
      cache.v,
      capacity,
      q.rows,
      start,
      heads,
      kvHeads,
      headDim,
      0,
      heads,
      scores,
    );
    return y;
  }

  carry(h: WasmTensor, { bank }: WasmWeight): WasmTensor {
    const address = this.hidden.get(bank) as number;
    bank.write(address, h.bank.read(joined(h), h.rows * h.cols * 4));
    h.bank.release();
    bank.release();
    return { rows: h.rows, cols: h.cols, bank, address, stride: h.cols };
  }

  note<R>(_path: string, result: R): R {
    return result;
  }

  commit(states: readonly WasmConvState[]): void {
    for (const state of states) [state.current, state.next] = [state.next, state.current];
  }

  reset(states: readonly WasmConvState[]): void {
    for (const { bank, current, bytes } of states) bank.write(current, new Uint8Array(bytes));
  }

  read(x: WasmTensor): Float32Array {
    const numbers = new Float32Array(x.rows * x.cols);
    const bytes = new Uint8Array(numbers.buffer);
    for (let t = 0; t < x.rows; t++) {
      bytes.set(x.bank.read(x.address + t * x.stride * 4, x.cols * 4), t * x.cols * 4);
    }
    return numbers;
  }

  readIds({ bank, address, rows, k }: WasmExpertIds): Int32Array {
    return new Int32Array(bank.read(address, rows * k * 4).slice().buffer);
  }
}

function allocate(bank: Bank, rows: number, cols: number): WasmTensor {
  return { rows, cols, bank, address: bank.allocate(rows * cols * 4), stride: cols };
}

function view(x: WasmTensor, rows: number, cols: number, address: number): WasmTensor {
  return { rows, cols, bank: x.bank, address, stride: x.stride };
}

/** Address of a tensor whose rows follow one another; only `mul` reads others. */
function joined(x: WasmTensor): number {
  if (x.stride === x.cols || x.rows === 1) return x.address;
  throw new TypeError(
    `a tensor of ${x.cols} columns, ${x.stride} apart: only mul takes one; multiply or copy it first`,
  );
}

/** The rows as int8 blocks, made once however many weights ask. */
function quantized(x: WasmTensor): number {
  if (x.int8 === undefined) {
    const count = x.rows * x.cols;
    x.int8 = x.bank.allocate((count / 32) * Q8_BYTES);
    x.bank.kernels.quantize(x.int8, joined(x), count);
  }
  return x.int8;
}
