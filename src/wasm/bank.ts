// A bank: one linear memory that holds whole layers, the kernels over it, and working space.
//
//   address  0      1 KiB                                                                                   end
//            ├ free ┼─ weights ─┼─ KV caches, conv states ─┼─ hidden state ─┼─ arena: a layer's → ← a step's ─┤
//
// What is placed stays; what is allocated from the arena lives until it is released.
import { Lfm2Error } from "../lfm2-error.ts";
import type { Kernels } from "./compiled.ts";

/** Everything begins at a multiple of this: two cache lines, so that no two threads' scratch shares one. */
const ALIGNMENT = 128;
export const PAGE_BYTES = 65536;
/** The most a memory of 32-bit addresses can hold. */
export const MAX_BANK_BYTES = 65536 * PAGE_BYTES;
/** So that address 0 never points at data. */
export const RESERVED_BYTES = 1024;

export interface Bank {
  /** Number of the bank within its model; -1 for one that only counts bytes. */
  readonly index: number;
  readonly kernels: Kernels;
  /** Address of room that lasts as long as the bank. */
  place(bytes: number): number;
  /** Address of room in the arena, until `release` or `releaseLayer`. */
  allocate(bytes: number): number;
  /** Address of room in the arena, until `release`. */
  allocateForStep(bytes: number): number;
  /** Empties the arena. */
  release(): void;
  /** Leaves in the arena what was allocated for the step. */
  releaseLayer(): void;
  /** Size of the arena: what is left when everything has been placed; in a counting bank, the most it has held. */
  readonly arenaBytes: number;
  write(address: number, bytes: Uint8Array): void;
  read(address: number, bytes: number): Uint8Array<ArrayBuffer>;
}

/** The machine, or a memory of 4 GiB, cannot hold what was asked for. */
export class MemoryError extends Lfm2Error {
  override readonly name = "MemoryError";
}

export function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** @param bytes  all that will be placed and allocated, by the plan; nothing grows afterwards */
export function createBank(
  index: number,
  instantiate: (memory: WebAssembly.Memory) => Kernels,
  bytes: number,
  shared: boolean,
): Bank & { readonly memory: WebAssembly.Memory } {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  const memory = reserve(pages, shared);
  const end = pages * PAGE_BYTES;
  let placed = RESERVED_BYTES;
  /** Between the two ends of the arena. */
  let top = placed;
  let bottom = end;

  const take = (count: number): number => {
    const bytes = aligned(count);
    if (top + bytes <= bottom) return bytes;
    throw new MemoryError({
      subject: `bank of ${end} bytes`,
      expected: "the plan to cover every allocation",
      found: `${top + bytes - bottom} bytes too many`,
      remedy: "This is a defect of the plan; please report it with the output of `lfm2 inspect`.",
    });
  };
  return {
    index,
    memory,
    kernels: instantiate(memory),
    place(count) {
      const address = placed;
      placed += take(count);
      top = placed;
      return address;
    },
    allocate(count) {
      const address = top;
      top += take(count);
      return address;
    },
    allocateForStep(count) {
      bottom -= take(count);
      return bottom;
    },
    release() {
      top = placed;
      bottom = end;
    },
    releaseLayer() {
      top = placed;
    },
    write(address, source) {
      new Uint8Array(memory.buffer, address, source.byteLength).set(source);
    },
    read: (address, count) => new Uint8Array(memory.buffer, address, count),
    get arenaBytes() {
      return end - placed;
    },
  };
}

function reserve(pages: number, shared: boolean): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
  } catch (cause) {
    throw new MemoryError(
      {
        subject: "model",
        expected: `${pages * PAGE_BYTES} bytes for one bank`,
        found: "that this machine refuses them",
        remedy: "Use a smaller context, a smaller quantization, or close other programs.",
      },
      { cause },
    );
  }
}

/** A bank that only counts: the graph is rehearsed on it once, to learn how large an arena it needs. */
export function createCountingBank(): Bank {
  let layer = 0;
  let step = 0;
  let most = 0;
  const nothing = new Uint8Array();
  return {
    index: -1,
    kernels: new Proxy({} as Kernels, { get: () => () => {} }),
    place: () => 0,
    allocate(bytes) {
      const address = layer;
      layer += aligned(bytes);
      most = Math.max(most, layer + step);
      return address;
    },
    allocateForStep(bytes) {
      step += aligned(bytes);
      most = Math.max(most, layer + step);
      return 0;
    },
    release() {
      layer = 0;
      step = 0;
    },
    releaseLayer() {
      layer = 0;
    },
    write() {},
    read: () => nothing,
    get arenaBytes() {
      return most;
    },
  };
}
