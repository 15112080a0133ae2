// How long things live in the banks: the hidden state in a place of its own, results until they are released, states.
import type { Memory, SavedStates } from "../ops/backend.ts";
import type { Bank } from "./bank.ts";
import {
  joined,
  type WasmConvState,
  type WasmExpertIds,
  type WasmKvCache,
  type WasmTensor,
  type WasmWeight,
} from "./handles.ts";

/** @param hidden  where `carry` puts the hidden state, one place to a bank */
export function createWasmMemory(hidden: ReadonlyMap<Bank, number>): Memory {
  return {
    release() {
      for (const bank of hidden.keys()) bank.release();
    },
    carry(h: WasmTensor, { bank }: WasmWeight): WasmTensor {
      const address = hidden.get(bank) as number;
      // Within one bank, too: h lies among results that are released together. 8 KiB take 0.3 µs.
      bank.write(address, h.bank.read(joined(h), h.rows * h.cols * 4));
      h.bank.releaseLayer();
      bank.releaseLayer();
      return { rows: h.rows, cols: h.cols, bank, address, stride: h.cols };
    },
    commit(states: readonly WasmConvState[]): void {
      for (const state of states) {
        [state.current, state.next] = [state.next, state.current];
        state.taken = 0;
      }
    },
    takeBack(states: readonly WasmConvState[], rows: number): void {
      for (const state of states) state.taken += rows;
    },
    reset(states: readonly WasmConvState[]): void {
      for (const state of states) {
        state.bank.write(state.current, new Uint8Array((state.width - 1) * state.rowBytes));
        state.taken = 0;
      }
    },
    save: (states: readonly WasmConvState[]) =>
      states.map(({ bank, current, width, rowBytes, taken }) =>
        bank.read(current - taken * rowBytes, (width - 1) * rowBytes).slice(),
      ),
    restore(states: readonly WasmConvState[], saved: SavedStates): void {
      for (const [i, state] of states.entries()) {
        state.bank.write(state.current, saved[i]);
        state.taken = 0;
      }
    },
    copyPage({ bank, k, v, type, capacity, heads, headDim }: WasmKvCache, from: number, to: number): void {
      for (const place of [k, v]) bank.kernels.copyPage(type, place, capacity, heads, headDim, from, to);
    },
    read(x: WasmTensor): Float32Array {
      const numbers = new Float32Array(x.rows * x.cols);
      const bytes = new Uint8Array(numbers.buffer);
      for (let t = 0; t < x.rows; t++) {
        bytes.set(x.bank.read(x.address + t * x.stride * 4, x.cols * 4), t * x.cols * 4);
      }
      return numbers;
    },
    overwrite(x: WasmTensor, numbers: Float32Array): void {
      const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
      for (let t = 0; t < x.rows; t++) {
        x.bank.write(x.address + t * x.stride * 4, bytes.subarray(t * x.cols * 4, (t + 1) * x.cols * 4));
      }
      // They are of the numbers before.
      x.int8 = undefined;
      x.tiles = undefined;
    },
    readIds: ({ bank, address, rows, k }: WasmExpertIds): Int32Array =>
      new Int32Array(bank.read(address, rows * k * 4).slice().buffer),
    readVector: ({ bank, address, cols }: WasmWeight): Float32Array =>
      new Float32Array(bank.read(address, cols * 4).slice().buffer),
  };
}
