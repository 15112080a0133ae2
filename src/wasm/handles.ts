// What the kernels' tensors, weights and states are: addresses in a bank.
import type { Angles, ConvState, ExpertIds, KvCache, Tensor, Weight } from "../ops/ops.ts";
import type { Bank } from "./bank.ts";

export interface WasmTensor extends Tensor {
  readonly bank: Bank;
  readonly address: number;
  /** Numbers from one row to the next. */
  readonly stride: number;
  /** Address of the same rows in int8, once a weight has asked for them, and of their tiles. */
  int8?: number;
  tiles?: number;
}

export interface WasmExpertIds extends ExpertIds {
  readonly bank: Bank;
  readonly address: number;
  /** The choices grouped by expert, once a weight has asked for them: assembly/ops/expert-linear.ts. */
  groups?: ExpertGroups;
}

export interface ExpertGroups {
  /** Addresses. */
  readonly begins: number;
  readonly order: number;
  /** How many experts are chosen. */
  readonly count: number;
}

export interface WasmAngles extends Angles {
  readonly half: number;
  /** f32 [rows, 2, half], of each row the cosines, then the sines: where the bank has them that computed them. */
  readonly bank: Bank;
  readonly address: number;
  /** Where the other banks have a copy, once they have needed one. */
  readonly copies: Map<Bank, number>;
}

export interface WasmWeight extends Weight {
  readonly bank: Bank;
  readonly address: number;
  /** ggml type id of its blocks. */
  readonly format: number;
  readonly rowBytes: number;
  /** In strips of 8 rows, multiplied with int8 activations; else as in the file, with float32 ones. */
  readonly packed: boolean;
}

export interface WasmKvCache extends KvCache {
  readonly bank: Bank;
  readonly k: number;
  readonly v: number;
  /** One of `kvTypes`. */
  readonly type: number;
  readonly heads: number;
  readonly headDim: number;
}

export interface WasmConvState extends ConvState {
  readonly bank: Bank;
  readonly rowBytes: number;
  /** Addresses of the last width − 1 inputs; those before them lie before them. */
  current: number;
  next: number;
  /** Of the rows committed last, how many have been taken back. */
  taken: number;
}

/** Room in the arena for a result. */
export function allocate(bank: Bank, rows: number, cols: number): WasmTensor {
  return { rows, cols, bank, address: bank.allocate(rows * cols * 4), stride: cols };
}

/** Rows and columns of `x` that begin at `address`. */
export function view(x: WasmTensor, rows: number, cols: number, address: number): WasmTensor {
  return { rows, cols, bank: x.bank, address, stride: x.stride };
}

/** Address of a tensor whose rows follow one another; only `mul` reads others. */
export function joined(x: WasmTensor): number {
  if (x.stride === x.cols || x.rows === 1) return x.address;
  throw new TypeError(
    `a tensor of ${x.cols} columns, ${x.stride} apart: only mul takes one; multiply or copy it first`,
  );
}

/** Address of the numbers in the bank's arena. */
export function copied(bank: Bank, numbers: Int32Array | Float32Array): number {
  const address = bank.allocate(numbers.byteLength);
  bank.write(address, new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
  return address;
}
