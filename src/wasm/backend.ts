// Room for a model in banks: rehearses the graph to learn the working space, plans, reserves, places.

import { firstNonFinite } from "../blocks/finite.ts";
import { blockFormats, type FormatName, rowBytes } from "../blocks/formats.ts";
import { Lfm2Error } from "../lfm2-error.ts";
import type {
  ArithmeticMode,
  Backend,
  BackendRequest,
  KvType,
  PlacedWeight,
  StateSpec,
  StoredWeight,
} from "../ops/backend.ts";
import { aligned, type Bank, createBank, createCountingBank, MAX_BANK_BYTES } from "./bank.ts";
import type { Kernels } from "./compiled.ts";
import type { WasmConvState, WasmKvCache, WasmWeight } from "./handles.ts";
import { createWasmMemory } from "./memory.ts";
import { type BankPlan, kvBytes, planBanks, unitOf, weightBytes } from "./plan.ts";
import { alone, type Pool } from "./pool.ts";
import { hasIntegerDot, kvTypes, STRIP_ROWS, stripBytes } from "./sizes.ts";
import { createStaging, type Staging, stagingBytes } from "./staging.ts";
import { type StepThreads, WasmOps } from "./wasm-ops.ts";

/** A tensor is missing, is not the one the config promises, or holds infinite weights or NaN. */
export class WeightError extends Lfm2Error {
  override readonly name = "WeightError";
}

/** What runs the kernels: a build of them, and the threads that share their work. */
export interface WasmRuntime {
  readonly instantiate: (memory: WebAssembly.Memory) => Kernels;
  readonly relaxed: boolean;
  readonly pool: Pool;
}

export interface WasmBackendRequest extends BackendRequest {
  readonly mode: ArithmeticMode;
  readonly threads: number;
  readonly relaxed: boolean;
  /** The longest step, in positions. */
  readonly maxStep: number;
  readonly hiddenSize: number;
  /** Runs the longest steps there will be on a backend that only counts. */
  readonly rehearse: (backend: Backend) => void;
  /** The most one bank may take; 4 GiB unless stated otherwise. */
  readonly bankBytes?: number;
}

export interface WasmBackend extends Backend {
  readonly plan: BankPlan;
  /** How many of the pool's threads compute; all, until it is written to. */
  readonly threads: StepThreads;
  readonly pool: Pool;
  /** One for each bank, for the pool's helpers. */
  readonly memories: readonly WebAssembly.Memory[];
  readonly weights: ReadonlyMap<string, PlacedWeight & { readonly weight: WasmWeight }>;
}

/** @throws MemoryError when the plan does not fit, before any weight is read */
export function createWasmBackend(runtime: WasmRuntime, request: WasmBackendRequest): WasmBackend {
  const plan = planWasmBanks(request);
  const { pool, instantiate } = runtime;
  const banks = plan.banks.map(({ bytes }, index) => createBank(index, instantiate, bytes, pool.size > 1));
  const bankOf = (path: string) => banks[plan.bankOf.get(unitOf(path)) as number];
  const threads = { decode: pool.size, prompt: pool.size };
  const filled = fill(request, pool, threads, bankOf);
  return { ...filled, threads, pool, plan, memories: banks.map(({ memory }) => memory), bytes: bytesOf(plan) };
}

/** The plan alone: nothing is reserved. */
export function planWasmBanks(request: WasmBackendRequest): BankPlan {
  const counting = createCountingBank();
  const pool = { ...alone, size: request.threads, run() {} };
  const counted = fill(request, pool, { decode: 1, prompt: 1 }, () => counting);
  request.rehearse({ ...counted, bytes: 0 });
  const weights = request.weights.map((weight) => ({ ...weight, packed: isPacked(weight, request.mode) }));
  const workBytes = hiddenBytes(request) + Math.max(counting.arenaBytes, stagingBytes(stripFileBytes(request)));
  return planBanks({ ...request, weights }, workBytes, request.bankBytes ?? MAX_BANK_BYTES);
}

export function bytesOf(plan: BankPlan): number {
  return plan.banks.reduce((sum, bank) => sum + bank.bytes, 0);
}

/** A router's weights may be of any format, but never meet rounded activations. */
function isPacked({ role, format, rows }: StoredWeight, mode: ArithmeticMode): boolean {
  if (mode !== "int8" || role !== "matrix" || rows % STRIP_ROWS !== 0) return false;
  return hasIntegerDot(blockFormats[format as FormatName].ggmlType);
}

/** Bytes in the file of the rows that are packed together: the most there are. */
function stripFileBytes({ weights, mode }: WasmBackendRequest): number {
  const packed = weights.filter((weight) => isPacked(weight, mode));
  return Math.max(
    0,
    ...packed.map(({ format, cols }) => STRIP_ROWS * rowBytes(blockFormats[format as FormatName], cols)),
  );
}

function hiddenBytes({ maxStep, hiddenSize }: WasmBackendRequest): number {
  return aligned(maxStep * hiddenSize * 4);
}

function fill(
  request: WasmBackendRequest,
  pool: Pool,
  threads: StepThreads,
  bankOf: (path: string) => Bank,
): Pick<WasmBackend, "ops" | "memory" | "weights" | "states"> {
  const stagings = new Map<Bank, Staging>();
  const stagingOf = (bank: Bank): Staging => {
    const staging = stagings.get(bank) ?? createStaging(bank, pool, stripFileBytes(request));
    stagings.set(bank, staging);
    return staging;
  };
  const placed = request.weights.map((stored) => place(stored, bankOf(stored.path), request.mode, stagingOf));
  const states = request.states.map((spec) => placeState(spec, bankOf(spec.layer), request.kvType));
  const hidden = new Map<Bank, number>();
  for (const { weight } of placed) {
    if (!hidden.has(weight.bank)) hidden.set(weight.bank, weight.bank.place(hiddenBytes(request)));
  }
  const [firstBank] = hidden.keys();
  return {
    ops: new WasmOps({
      firstBank,
      pool,
      threads,
      relaxed: request.relaxed,
      rounds: placed.some(({ weight }) => weight.packed),
    }),
    memory: createWasmMemory(hidden),
    weights: new Map(placed.map((weight) => [weight.weight.path, weight])),
    states,
  };
}

/** @param stagingOf  to be asked when everything has been placed */
function place(
  stored: StoredWeight,
  bank: Bank,
  mode: ArithmeticMode,
  stagingOf: (bank: Bank) => Staging,
): PlacedWeight & { weight: WasmWeight } {
  const { path, rows, cols, experts, role } = stored;
  const format = blockFormats[stored.format as FormatName];
  const packed = isPacked(stored, mode);
  const address = bank.place(weightBytes({ ...stored, packed }));
  const inFile = rowBytes(format, cols);
  const weight: WasmWeight = {
    path,
    rows,
    cols,
    experts,
    bank,
    address,
    format: format.ggmlType,
    rowBytes: inFile,
    packed,
  };
  const [granule, write] = ((): [number, PlacedWeight["write"]] => {
    if (packed) {
      const granule = STRIP_ROWS * inFile;
      const strip = stripBytes(format.ggmlType, cols);
      return [granule, (at, bytes) => stagingOf(bank).pack(address + (at / granule) * strip, format, cols, bytes)];
    }
    // Convolution taps are held tap by tap, so that a kernel reads neighbouring channels together.
    if (role === "vector" && rows > 1) {
      const writeTaps = (_: number, bytes: Uint8Array): number => {
        bank.write(address, transposed(bytes, rows, cols));
        return firstNonFinite(format, bytes);
      };
      return [rows * inFile, writeTaps];
    }
    return [format.blockBytes, (at, bytes) => stagingOf(bank).move(address + at, format, bytes)];
  })();
  return {
    weight,
    granule,
    write,
    get rooms() {
      return stagingOf(bank).rooms;
    },
  };
}

/** float32 [rows, cols] → [cols, rows]. */
function transposed(bytes: Uint8Array, rows: number, cols: number): Uint8Array {
  const from = new Float32Array(bytes.slice().buffer);
  const to = new Float32Array(rows * cols);
  for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) to[c * rows + r] = from[r * cols + c];
  return new Uint8Array(to.buffer);
}

function placeState(spec: StateSpec, bank: Bank, kvType: KvType): WasmConvState | WasmKvCache {
  if (spec.type === "conv") {
    const { width, cols, spare } = spec;
    const rowBytes = cols * 4;
    // What a state spares lies before it.
    const room = (): number => bank.place((spare + width - 1) * rowBytes) + spare * rowBytes;
    return { width, spare, bank, rowBytes, current: room(), next: room(), taken: 0 };
  }
  const bytes = kvBytes(spec, kvType);
  const { capacity, cols, headDim } = spec;
  const type = kvTypes[kvType];
  return { capacity, bank, k: bank.place(bytes), v: bank.place(bytes), type, heads: cols / headDim, headDim };
}
