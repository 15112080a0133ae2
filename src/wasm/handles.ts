// What the kernels' tensors, weights and states are: addresses in a bank.
import type { Angles, ConvState, ExpertIds, KvCache, Tensor, Weight } from "../ops/ops.ts";
import type { Bank } from "./bank.ts";

export interface WasmTensor extends Tensor {
  readonly bank: Bank;
  readonly address: number;
  /** Numbers from one row to the next. */
  readonly stride: number;
  /** Address of the same rows in int8, once some weight has asked for them, and of their tiles of four rows. */
  records?: number;
  tiles?: number;
}

export interface WasmExpertIds extends ExpertIds {
  readonly bank: Bank;
  readonly address: number;
  /** The choices grouped by expert, once some weight has asked for them: assembly/ops/expert-linear.ts. */
  groups?: { readonly begins: number; readonly order: number };
}

/** Held outside the banks. */
export interface WasmAngles extends Angles {
  /** f32 [rows, 2, half]: of each row the cosines, then the sines. */
  readonly bytes: Uint8Array;
  readonly half: number;
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
  /** 0 float32, 1 half precision, 2 int8: assembly/ops/kv-cache.ts. */
  readonly type: number;
}

export interface WasmConvState extends ConvState {
  readonly bank: Bank;
  readonly bytes: number;
  current: number;
  next: number;
}
