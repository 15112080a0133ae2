// Ops on the kernels: each verb finds room for its result, then makes one or two kernel calls in the weight's bank.
import { type ConvSpan, type KvSpan, type Ops, PAGE, type Rotation } from "../ops/ops.ts";
import { Activations } from "./activations.ts";
import type { Bank } from "./bank.ts";
import {
  allocate,
  copied,
  type ExpertGroups,
  joined,
  view,
  type WasmAngles,
  type WasmConvState,
  type WasmExpertIds,
  type WasmKvCache,
  type WasmTensor,
  type WasmWeight,
} from "./handles.ts";
import type { Pool } from "./pool.ts";
import { EXP_TOUCH, KV_TOUCH, Sharing, TOUCH } from "./sharing.ts";
import { attentionScratch, BLOCK_LENGTH, floatScratch, STRIP_ROWS, TILE_SCRATCH } from "./sizes.ts";

/** Strips that a kernel multiplies at once; where one is left over, it is multiplied twice. */
const STREAMS = 2;

/** How many threads of a pool compute. */
export interface StepThreads {
  /** Steps of a few rows, which memory bounds. */
  decode: number;
  /** Steps of PROMPT_ROWS and more. */
  prompt: number;
}

/** As many as make the arithmetic of a step count beside the reading of its weights. */
export const PROMPT_ROWS = 8;

export interface WasmOpsParts {
  /** Where a step begins. */
  readonly firstBank: Bank;
  readonly pool: Pool;
  readonly threads: Readonly<StepThreads>;
  readonly relaxed: boolean;
  /** Whether there are weights that ask for int8 activations. */
  readonly rounds: boolean;
}

export class WasmOps implements Ops {
  // Not #private: whoever watches or changes operations derives its own Ops from this one.
  private readonly firstBank: Bank;
  private readonly pool: Pool;
  private readonly threads: Readonly<StepThreads>;
  private readonly sharing: Sharing;
  private readonly activations: Activations;
  private readonly rounds: boolean;

  constructor({ firstBank, pool, threads, relaxed, rounds }: WasmOpsParts) {
    this.firstBank = firstBank;
    this.pool = pool;
    this.threads = threads;
    this.sharing = new Sharing(pool);
    this.activations = new Activations(this.sharing, relaxed);
    this.rounds = rounds;
  }

  embed(ids: Int32Array, w: WasmWeight): WasmTensor {
    // A step begins here.
    this.pool.use(ids.length < PROMPT_ROWS ? this.threads.decode : this.threads.prompt);
    const { bank, address, cols, format } = w;
    const y = allocate(bank, ids.length, cols);
    const list = copied(bank, ids);
    if (w.packed) {
      bank.kernels.embedPacked(format, y.address, address, list, ids.length, cols);
    } else {
      bank.kernels.embed(format, y.address, address, list, ids.length, cols, w.rowBytes);
    }
    return y;
  }

  linear(x: WasmTensor, w: WasmWeight): WasmTensor {
    const { bank, address, rows, cols, format } = w;
    const y = allocate(bank, x.rows, rows);
    const work = x.rows * rows * cols;
    if (w.packed) {
      const [int8, tiles] = [this.activations.int8(x), this.activations.tiles(x)];
      const scratch = this.sharing.scratch(bank, TILE_SCRATCH);
      const share = { work, total: rows, grain: STREAMS * STRIP_ROWS, scratch };
      this.sharing.run(bank, "linearPacked", [format, y.address, address, int8, tiles, x.rows, rows, cols], share);
    } else {
      const scratch = this.sharing.scratch(bank, floatScratch(cols, x.rows));
      const share = { work, total: rows, grain: STRIP_ROWS, scratch };
      this.sharing.run(bank, "linear", [format, y.address, address, joined(x), x.rows, rows, cols, w.rowBytes], share);
    }
    return y;
  }

  expertLinear(x: WasmTensor, w: WasmWeight, chosen: WasmExpertIds): WasmTensor {
    const { bank, address, experts, rows, cols, format } = w;
    const choices = chosen.rows * chosen.k;
    const y = allocate(bank, choices, rows);
    const { begins, order, count } = grouped(chosen, experts);
    const groups = [choices / x.rows, experts, begins, order] as const;
    const work = choices * rows * cols;
    const total = count * rows;
    if (w.packed) {
      const int8 = this.activations.int8(x);
      // A token chooses an expert once, so those of a single token make no tile.
      const tiles = chosen.rows > 1 ? bank.allocate(choices * this.activations.rowBytes(cols)) : 0;
      if (tiles !== 0) {
        const share = { work: choices * cols * TOUCH, total: choices };
        this.sharing.run(bank, "packExpertTiles", [tiles, int8, ...groups, cols], share);
      }
      const scratch = this.sharing.scratch(bank, TILE_SCRATCH);
      const share = { work, total, grain: STREAMS * STRIP_ROWS, scratch };
      const operands = [y.address, address, int8, tiles] as const;
      this.sharing.run(bank, "expertLinearPacked", [format, ...operands, ...groups, rows, cols], share);
    } else {
      const scratch = this.sharing.scratch(bank, floatScratch(cols, chosen.rows));
      const share = { work, total, grain: STRIP_ROWS, scratch };
      const operands = [y.address, address, joined(x)] as const;
      this.sharing.run(bank, "expertLinear", [format, ...operands, ...groups, rows, cols, w.rowBytes], share);
    }
    return y;
  }

  rmsNorm(x: WasmTensor, w: WasmWeight, eps: number): WasmTensor {
    const y = allocate(x.bank, x.rows, x.cols);
    const count = x.rows * x.cols;
    const share = { work: count * TOUCH, total: count / w.cols };
    this.sharing.run(x.bank, "rmsNorm", [y.address, joined(x), w.address, w.cols, eps], share);
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
    const count = gate.rows * gate.cols;
    const work = count * EXP_TOUCH;
    const operands = [y.address, joined(gate), joined(up)] as const;
    // A product follows: one op fewer than rounding the result when it is asked for.
    if (this.rounds && gate.cols % BLOCK_LENGTH === 0) {
      y.int8 = this.activations.room(y);
      this.sharing.run(gate.bank, "swigluInt8", [y.int8, ...operands], { work, total: count / BLOCK_LENGTH });
    } else {
      this.sharing.run(gate.bank, "swiglu", [...operands], { work, total: count, grain: 4 });
    }
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
      const { current, next, width, spare, rowBytes, taken } = state as WasmConvState;
      const past = current - taken * rowBytes;
      const kept = Math.min(rows, spare);
      x.bank.kernels.causalConv(y.address + offset, from + offset, w.address, past, next, kept, rows, x.cols, width);
      offset += rows * x.cols * 4;
    }
    return y;
  }

  angles(positions: Int32Array, { inverseFrequency, attentionFactor }: Rotation): WasmAngles {
    const bank = this.firstBank;
    const rows = positions.length;
    const half = inverseFrequency.length;
    const address = bank.allocateForStep(rows * half * 8);
    const frequency = copied(bank, inverseFrequency);
    bank.kernels.ropeAngles(address, copied(bank, positions), frequency, attentionFactor, rows, half);
    return { rows, half, bank, address, copies: new Map() };
  }

  rope(x: WasmTensor, angles: WasmAngles): WasmTensor {
    const y = allocate(x.bank, x.rows, x.cols);
    x.bank.kernels.rope(y.address, joined(x), addressIn(x.bank, angles), x.rows, x.cols, angles.half);
    return y;
  }

  attention(q: WasmTensor, k: WasmTensor, v: WasmTensor, spans: readonly KvSpan[], headDim: number): WasmTensor {
    const { bank } = q;
    const y = allocate(bank, q.rows, q.cols);
    const heads = q.cols / headDim;
    const kvHeads = k.cols / headDim;
    const longest = Math.max(...spans.map(({ rows }) => rows));
    const scratch = this.sharing.scratch(bank, attentionScratch(longest, heads / kvHeads, headDim));
    let row = 0;
    for (const { rows, start, stored, cache, pages } of spans) {
      const { type, capacity, k: keys, v: values } = cache as WasmKvCache;
      for (let t = Math.min(rows, stored - start); t < rows; ) {
        const position = start + t;
        const count = Math.min(rows - t, PAGE - (position % PAGE));
        const place = pages[Math.floor(position / PAGE)] * PAGE + (position % PAGE);
        for (const [x, to] of [
          [k, keys],
          [v, values],
        ] as const) {
          bank.kernels.storeKv(type, to, capacity, joined(this.rows(x, row + t, count)), count, x.cols, headDim, place);
        }
        t += count;
      }
      // Room for a whole cache's pages, whatever the sequence has: rehearsals must find the most there will be.
      const table = bank.allocate(Math.ceil(capacity / PAGE) * 4);
      bank.write(table, new Uint8Array(Int32Array.from(pages).buffer));
      const [out, queries] = [y, q].map((x) => joined(this.rows(x, row, rows)));
      const share = { work: KV_TOUCH * 2 * rows * q.cols * (start + rows), total: kvHeads, scratch };
      const past = [keys, values, capacity, table, rows, start] as const;
      this.sharing.run(bank, "attention", [type, out, queries, ...past, heads, kvHeads, headDim], share);
      row += rows;
    }
    return y;
  }
}

/** Where a bank has the angles; each copies them once in a step. */
function addressIn(bank: Bank, angles: WasmAngles): number {
  if (bank === angles.bank) return angles.address;
  let address = angles.copies.get(bank);
  if (address === undefined) {
    const bytes = angles.rows * angles.half * 8;
    address = bank.allocateForStep(bytes);
    bank.write(address, angles.bank.read(angles.address, bytes));
    angles.copies.set(bank, address);
  }
  return address;
}

/** The choices by expert, once for the three matrices of a layer. */
function grouped(chosen: WasmExpertIds, experts: number): ExpertGroups {
  if (chosen.groups === undefined) {
    const { bank, address } = chosen;
    const choices = chosen.rows * chosen.k;
    const [begins, order] = [bank.allocate((experts + 1) * 4), bank.allocate(choices * 4)];
    const count = bank.kernels.groupByExpert(address, choices, experts, begins, order);
    chosen.groups = { begins, order, count };
  }
  return chosen.groups;
}
