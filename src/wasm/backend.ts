// Room for a model in banks: rehearses the graph to learn the working space, plans, reserves, places.
import { blockFormats, type FormatName, rowBytes } from "../blocks/formats.ts";
import type {
  ArithmeticMode,
  Backend,
  BackendRequest,
  KvType,
  PlacedWeight,
  StateSpec,
  StoredWeight,
} from "../ops/backend.ts";
import { aligned, type Bank, createBank, createCountingBank } from "./bank.ts";
import type { Kernels } from "./kernels.ts";
import { type BankPlan, kvBytes, MAX_BANK_BYTES, planBanks, unitOf, weightBytes } from "./plan.ts";
import { type WasmConvState, type WasmKvCache, WasmOps, type WasmWeight } from "./wasm-ops.ts";

export interface WasmBackendRequest extends BackendRequest {
  readonly mode: ArithmeticMode;
  /** The longest step, in positions. */
  readonly maxStep: number;
  readonly hiddenSize: number;
  /** Runs the longest steps there will be on a backend that only counts. */
  readonly rehearse: (backend: Backend) => void;
  /** The most one bank may take; 4 GiB unless told. */
  readonly bankBytes?: number;
}

export interface WasmBackend extends Backend {
  readonly plan: BankPlan;
  readonly weights: ReadonlyMap<string, PlacedWeight & { readonly weight: WasmWeight }>;
}

/** Formats whose blocks can be multiplied with int8 activations as they are. */
const integerDot: ReadonlySet<string> = new Set<FormatName>(["Q4_0", "Q8_0", "Q4_K", "Q5_K", "Q6_K"]);

/** Numbers of the cache types in assembly/kv-cache.ts. */
const kvTypes: Readonly<Record<KvType, number>> = { f32: 0, f16: 1, int8: 2 };

/** @throws MemoryError when the plan does not fit, before any weight is read */
export function createWasmBackend(
  instantiate: (memory: WebAssembly.Memory) => Kernels,
  request: WasmBackendRequest,
): WasmBackend {
  const plan = planWasmBanks(request);
  const banks = plan.banks.map(({ bytes }) => createBank(instantiate, bytes));
  return fill(request, plan, (path) => banks[plan.bankOf.get(unitOf(path)) as number]);
}

/** The plan alone: nothing is reserved. */
export function planWasmBanks(request: WasmBackendRequest): BankPlan {
  const counting = createCountingBank();
  const nowhere = { banks: [], bankOf: new Map(), workBytes: 0 };
  request.rehearse(fill(request, nowhere, () => counting));
  const workBytes = hiddenBytes(request) + counting.arenaBytes;
  return planBanks(request, workBytes, request.bankBytes ?? MAX_BANK_BYTES);
}

function hiddenBytes({ maxStep, hiddenSize }: WasmBackendRequest): number {
  return aligned(maxStep * hiddenSize * 4);
}

function fill(request: WasmBackendRequest, plan: BankPlan, bankOf: (path: string) => Bank): WasmBackend {
  const placed = request.weights.map((stored) => place(stored, bankOf(stored.path), request.mode));
  const states = request.states.map((spec) => placeState(spec, bankOf(spec.layer), request.kvType));
  const hidden = new Map<Bank, number>();
  for (const { weight } of placed) {
    if (!hidden.has(weight.bank)) hidden.set(weight.bank, weight.bank.place(hiddenBytes(request)));
  }
  return {
    ops: new WasmOps(hidden),
    weights: new Map(placed.map((weight) => [weight.weight.path, weight])),
    states,
    bytes: plan.banks.reduce((sum, bank) => sum + bank.bytes, 0),
    plan,
  };
}

function place(stored: StoredWeight, bank: Bank, mode: ArithmeticMode): PlacedWeight & { weight: WasmWeight } {
  const { path, rows, cols, experts, role } = stored;
  const format = blockFormats[stored.format as FormatName];
  const address = bank.place(weightBytes(stored));
  const weight: WasmWeight = {
    path,
    rows,
    cols,
    experts,
    bank,
    address,
    format: format.ggmlType,
    rowBytes: rowBytes(format, cols),
    int8: mode === "int8" && role === "matrix" && integerDot.has(stored.format),
  };
  // Convolution taps are held tap by tap, so that a kernel reads neighbouring channels together.
  const taps = role === "vector" && rows > 1;
  return {
    weight,
    write: (at, bytes) => bank.write(address + at, taps ? transposed(bytes, rows, cols) : bytes),
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
    const bytes = (spec.width - 1) * spec.cols * 4;
    return { width: spec.width, bank, bytes, current: bank.place(bytes), next: bank.place(bytes) };
  }
  const bytes = kvBytes(spec, kvType);
  return { capacity: spec.capacity, bank, k: bank.place(bytes), v: bank.place(bytes), type: kvTypes[kvType] };
}
