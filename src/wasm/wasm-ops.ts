// Ops on the kernels: each verb finds room for its result, then makes one or two kernel calls in the weight's bank.
import type { ConvSpan, KvSpan, Ops, Rotation } from "../ops/ops.ts";
import { aligned, type Bank } from "./bank.ts";
import type { WasmAngles, WasmConvState, WasmExpertIds, WasmKvCache, WasmTensor, WasmWeight } from "./handles.ts";
import { recordBytes, STRIP_ROWS } from "./packing.ts";
import { alone, type Pool, type Share, type SharedKernel } from "./pool.ts";

/** Bytes that a tile's float32 sums take: assembly/ops/gemm.ts. */
const TILE_SCRATCH = 128;
/** Multiplications from which on an op is worth sharing: some ten microseconds of work, against two or three of waiting. */
const WORTH_SHARING = 1 << 18;
/** What an op that only touches a number costs beside a multiplication of a matrix. */
const TOUCH = 16;
/** The same for a number whose exponential is taken, and for a key or value that is decoded and met by four heads. */
const EXP_TOUCH = 40;
const KV_TOUCH = 3;
/** Rows in a tile of activations. */
const TILE_ROWS = 4;

/** How an op is shared: its multiplications, its units, where it may be cut, and scratch for each thread. */
interface Work {
  readonly work: number;
  readonly total: number;
  readonly grain?: number;
  readonly scratchBytes?: number;
}

/** Working space: where it begins, and how much of it each thread has. */
type Scratch = Required<Pick<Share, "scratch" | "scratchBytes">>;

export interface WasmOpsParts {
  /** Where a step begins. */
  readonly firstBank: Bank;
  readonly pool: Pool;
  readonly relaxed: boolean;
}

export class WasmOps implements Ops {
  // Not #private: whoever watches or changes operations derives its own Ops from this one.
  private readonly parts: WasmOpsParts;

  constructor(parts: WasmOpsParts) {
    this.parts = parts;
  }

  embed(ids: Int32Array, w: WasmWeight): WasmTensor {
    const { bank, address, cols, format } = w;
    const y = allocate(bank, ids.length, cols);
    const list = copied(bank, ids);
    if (w.packed) {
      bank.kernels.embedPacked(format, y.address, address, list, ids.length, cols);
    } else {
      const scratch = bank.allocate(cols * 4);
      bank.kernels.embed(format, y.address, address, list, ids.length, cols, w.rowBytes, scratch);
    }
    return y;
  }

  linear(x: WasmTensor, w: WasmWeight): WasmTensor {
    const { bank, address, rows, cols, format } = w;
    const y = allocate(bank, x.rows, rows);
    const work = x.rows * rows * cols;
    if (w.packed) {
      const args = [format, y.address, address, this.records(x), this.tiles(x), x.rows, rows, cols];
      this.run(bank, "linearPacked", args, { work, total: rows, grain: STRIP_ROWS, scratchBytes: TILE_SCRATCH });
    } else {
      const args = [format, y.address, address, joined(x), x.rows, rows, cols, w.rowBytes];
      this.run(bank, "linear", args, { work, total: rows, scratchBytes: cols * 4 });
    }
    return y;
  }

  expertLinear(x: WasmTensor, w: WasmWeight, chosen: WasmExpertIds): WasmTensor {
    const { bank, address, experts, rows, cols, format } = w;
    const choices = chosen.rows * chosen.k;
    const y = allocate(bank, choices, rows);
    const { begins, order } = grouped(chosen, experts);
    const groups = [choices / x.rows, experts, begins, order];
    const work = choices * rows * cols;
    if (w.packed) {
      const records = this.records(x);
      // An expert is chosen once by a token, so fewer than four tokens make no tile.
      const tiles = chosen.rows >= TILE_ROWS ? bank.allocate(choices * this.rowRecordBytes(cols)) : 0;
      if (tiles !== 0) {
        const total = Math.floor(choices / TILE_ROWS);
        this.run(bank, "packExpertTiles", [tiles, records, ...groups, cols], { work: choices * cols * TOUCH, total });
      }
      const args = [format, y.address, address, records, tiles, ...groups, rows, cols];
      // At most so many experts are chosen; if fewer, ranges past their rows are empty.
      const total = Math.min(choices, experts) * rows;
      this.run(bank, "expertLinearPacked", args, { work, total, grain: STRIP_ROWS, scratchBytes: TILE_SCRATCH });
    } else {
      const args = [format, y.address, address, joined(x), ...groups, rows, cols, w.rowBytes];
      this.run(bank, "expertLinear", args, { work, total: rows, scratchBytes: cols * 4 });
    }
    return y;
  }

  rmsNorm(x: WasmTensor, w: WasmWeight, eps: number): WasmTensor {
    const y = allocate(x.bank, x.rows, x.cols);
    const count = x.rows * x.cols;
    const args = [y.address, joined(x), w.address, w.cols, eps];
    this.run(x.bank, "rmsNorm", args, { work: count * TOUCH, total: count / w.cols });
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
    const total = gate.rows * gate.cols;
    this.run(gate.bank, "swiglu", [y.address, joined(gate), joined(up)], {
      work: total * EXP_TOUCH,
      total,
      grain: 4,
    });
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

  causalConv(x: WasmTensor, w: WasmWeight, spans: readonly ConvSpan[]): WasmTensor {
    const y = allocate(x.bank, x.rows, x.cols);
    const from = joined(x);
    let offset = 0;
    for (const { rows, state } of spans) {
      const { current, next, width } = state as WasmConvState;
      x.bank.kernels.causalConv(y.address + offset, from + offset, w.address, current, next, rows, x.cols, width);
      offset += rows * x.cols * 4;
    }
    return y;
  }

  angles(positions: Int32Array, { inverseFrequency, attentionFactor }: Rotation): WasmAngles {
    const bank = this.parts.firstBank;
    const half = inverseFrequency.length;
    const bytes = positions.length * half * 8;
    const y = bank.allocate(bytes);
    const frequency = copied(bank, inverseFrequency);
    bank.kernels.ropeAngles(y, copied(bank, positions), frequency, attentionFactor, positions.length, half);
    // Kept outside: every bank takes a copy when it needs one, and results are released layer by layer.
    return { rows: positions.length, half, bytes: bank.read(y, bytes).slice() };
  }

  rope(x: WasmTensor, { bytes, half }: WasmAngles): WasmTensor {
    const y = allocate(x.bank, x.rows, x.cols);
    const table = x.bank.allocate(x.rows * half * 8);
    x.bank.write(table, bytes);
    x.bank.kernels.rope(y.address, joined(x), table, x.rows, x.cols, half);
    return y;
  }

  attention(q: WasmTensor, k: WasmTensor, v: WasmTensor, spans: readonly KvSpan[], headDim: number): WasmTensor {
    const { bank } = q;
    const y = allocate(bank, q.rows, q.cols);
    const heads = q.cols / headDim;
    const kvHeads = k.cols / headDim;
    const longest = Math.max(...spans.map(({ rows }) => rows));
    const scratch = this.scratch(bank, attentionScratch(longest, heads / kvHeads, headDim));
    let row = 0;
    for (const { rows, start, stored, cache } of spans) {
      const { type, capacity, k: keys, v: values } = cache as WasmKvCache;
      const kept = Math.min(rows, stored - start);
      for (const [x, to] of [
        [k, keys],
        [v, values],
      ] as const) {
        const from = joined(this.rows(x, row + kept, rows - kept));
        bank.kernels.storeKv(type, to, capacity, from, rows - kept, x.cols, headDim, start + kept);
      }
      const [out, queries] = [y, q].map((x) => joined(this.rows(x, row, rows)));
      const args = [type, out, queries, keys, values, capacity, rows, start, heads, kvHeads, headDim];
      const work = KV_TOUCH * 2 * rows * q.cols * (start + rows);
      this.share(bank, "attention", args, { work, total: kvHeads }, scratch);
      row += rows;
    }
    return y;
  }

  /** A kernel over `total` units, cut at multiples of `grain`, by all threads if the work is worth it. */
  private run(bank: Bank, kernel: SharedKernel, args: readonly number[], work: Work): void {
    this.share(bank, kernel, args, work, this.scratch(bank, work.scratchBytes ?? 0));
  }

  /** Every thread's, even if one does the work: rehearsals must find the most there will be. */
  private scratch(bank: Bank, bytes: number): Scratch {
    const scratchBytes = aligned(bytes);
    return { scratch: bank.allocate(scratchBytes * this.parts.pool.size), scratchBytes };
  }

  private share(
    bank: Bank,
    kernel: SharedKernel,
    args: readonly number[],
    { work, total, grain = 1 }: Work,
    scratch: Scratch,
  ): void {
    const threads = work >= WORTH_SHARING ? this.parts.pool : alone;
    threads.run(bank, kernel, args, { total, grain, ...scratch });
  }

  private rowRecordBytes(cols: number): number {
    return (cols / 32) * recordBytes(this.parts.relaxed);
  }

  /** The rows in int8, made once however many weights ask. */
  private records(x: WasmTensor): number {
    if (x.records === undefined) {
      x.records = x.bank.allocate(x.rows * this.rowRecordBytes(x.cols));
      const count = x.rows * x.cols;
      this.run(x.bank, "quantize", [x.records, joined(x)], { work: count * TOUCH, total: count / 32 });
    }
    return x.records;
  }

  /** The same in tiles, as far as rows make whole ones. */
  private tiles(x: WasmTensor): number {
    const count = Math.floor(x.rows / TILE_ROWS);
    if (count === 0) return 0;
    if (x.tiles === undefined) {
      x.tiles = x.bank.allocate(count * TILE_ROWS * this.rowRecordBytes(x.cols));
      const work = x.rows * x.cols * TOUCH;
      this.run(x.bank, "packTiles", [x.tiles, this.records(x), x.cols], { work, total: count });
    }
    return x.tiles;
  }
}

/** What a block needs, and a record for every row and four query heads: assembly/ops/attention-record.ts. */
function attentionScratch(rows: number, group: number, headDim: number): number {
  return 2560 + 256 * headDim + rows * Math.ceil(group / 4) * (48 + 32 * headDim);
}

/** The choices by expert, once for the three matrices of a layer. */
function grouped(chosen: WasmExpertIds, experts: number): { begins: number; order: number } {
  if (chosen.groups === undefined) {
    const { bank, address } = chosen;
    const choices = chosen.rows * chosen.k;
    chosen.groups = { begins: bank.allocate((experts + 1) * 4), order: bank.allocate(choices * 4) };
    bank.kernels.groupByExpert(address, choices, experts, chosen.groups.begins, chosen.groups.order);
  }
  return chosen.groups;
}

/** Address of the numbers in this bank. */
function copied(bank: Bank, numbers: Int32Array | Float32Array): number {
  const address = bank.allocate(numbers.byteLength);
  bank.write(address, new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
  return address;
}

function allocate(bank: Bank, rows: number, cols: number): WasmTensor {
  return { rows, cols, bank, address: bank.allocate(rows * cols * 4), stride: cols };
}

function view(x: WasmTensor, rows: number, cols: number, address: number): WasmTensor {
  return { rows, cols, bank: x.bank, address, stride: x.stride };
}

/** Address of a tensor whose rows follow one another; only `mul` reads others. */
export function joined(x: WasmTensor): number {
  if (x.stride === x.cols || x.rows === 1) return x.address;
  throw new TypeError(
    `a tensor of ${x.cols} columns, ${x.stride} apart: only mul takes one; multiply or copy it first`,
  );
}
