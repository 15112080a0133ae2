// One small backend of each kind over given matrices, so that a suite can be run on both.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { blockFormats, type FormatName } from "../../src/blocks/formats.ts";
import type { LoadContext } from "../../src/load/load.ts";
import type {
  ArithmeticMode,
  Backend,
  KvType,
  Memory,
  StateSpec,
  StoredWeight,
  WeightRole,
} from "../../src/ops/backend.ts";
import type { Ops, Tensor, Weight } from "../../src/ops/ops.ts";
import { createReferenceBackend } from "../../src/reference/backend.ts";
import { createWasmBackend } from "../../src/wasm/backend.ts";
import type { Kernels } from "../../src/wasm/compiled.ts";
import { instantiateKernels } from "../../src/wasm/instantiate.ts";
import { kernelUrl } from "../../src/wasm/kernel-url.ts";
import { isRelaxed, type KernelBuildName, usableBuilds } from "../../src/wasm/kernels.ts";
import { alone } from "../../src/wasm/pool.ts";

/** All that give the right bits on this engine. */
export const builds = usableBuilds();
export type Build = KernelBuildName;

const modules = new Map(
  builds.map((build) => {
    const url = kernelUrl({ name: build, threads: false });
    return [build, new WebAssembly.Module(readFileSync(url))];
  }),
);

export function instantiate(memory: WebAssembly.Memory, build: Build = "baseline"): Kernels {
  return instantiateKernels(modules.get(build) as WebAssembly.Module, memory);
}

/** Loads on this thread alone. */
export const context: LoadContext = {
  machine: { cores: 1, sharedMemory: false, builds },
  startRuntime: async ({ name }) => ({
    instantiate: (memory) => instantiate(memory, name),
    relaxed: isRelaxed(name),
    pool: alone,
    join: async () => {},
  }),
};

export interface Matrix {
  readonly rows: number;
  readonly cols: number;
  readonly experts?: number;
  readonly role?: WeightRole;
  readonly format?: FormatName;
  /** Blocks; float32 numbers when `format` is left out. */
  readonly data: Uint8Array | Float32Array;
}

export interface Rig {
  readonly name: string;
  readonly ops: Ops;
  readonly memory: Memory;
  readonly backend: Backend;
  weight(name: string): Weight;
  /** The matrix as a tensor: what `embed` makes of its rows. */
  tensor(name: string): Tensor;
}

export interface RigOptions {
  readonly states?: readonly StateSpec[];
  readonly kvType?: KvType;
  readonly mode?: ArithmeticMode;
  readonly build?: Build;
}

/** The same matrices in the reference and in the kernels. */
export function rigs(matrices: Readonly<Record<string, Matrix>>, options: RigOptions = {}): [Rig, Rig] {
  const build = options.build ?? "baseline";
  const relaxed = isRelaxed(build);
  const weights: StoredWeight[] = Object.entries(matrices).map(([path, { rows, cols, experts = 1, role, format }]) => ({
    path,
    rows,
    cols,
    experts,
    role: role ?? "matrix",
    format: format ?? "F32",
  }));
  const request = { weights, states: options.states ?? [], kvType: options.kvType ?? "f32" };
  const runtime = { instantiate: (memory: WebAssembly.Memory) => instantiate(memory, build), relaxed, pool: alone };
  const wasm = createWasmBackend(runtime, {
    ...request,
    mode: options.mode ?? "exact",
    threads: 1,
    relaxed,
    maxStep: 1,
    hiddenSize: 4,
    rehearse(backend) {
      // A round figure: these tests make a handful of results of at most a few thousand numbers.
      const [first] = backend.weights.values();
      backend.ops.embed(new Int32Array(Math.ceil((1 << 20) / first.weight.cols)), first.weight);
    },
  });
  return [rig("reference", createReferenceBackend(request), matrices), rig("wasm", wasm, matrices)];
}

function rig(name: string, backend: Backend, matrices: Readonly<Record<string, Matrix>>): Rig {
  for (const [path, { data }] of Object.entries(matrices)) {
    backend.weights.get(path)?.write(0, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  const weight = (path: string): Weight => {
    const placed = backend.weights.get(path);
    if (placed === undefined) throw new Error(`no matrix "${path}" in this rig`);
    return placed.weight;
  };
  return {
    name,
    ops: backend.ops,
    memory: backend.memory,
    backend,
    weight,
    tensor: (path) =>
      backend.ops.embed(
        Int32Array.from({ length: weight(path).rows }, (_, i) => i),
        weight(path),
      ),
  };
}

/** Numbers of a moderate size, of the kind that activations are. */
export function numbers(count: number, most = 8): fc.Arbitrary<Float32Array> {
  return fc
    .array(fc.double({ min: -most, max: most, noNaN: true }), { minLength: count, maxLength: count })
    .map((values) => Float32Array.from(values));
}

/** Random blocks of any format, with scales that are finite and of moderate size. */
export function randomBlocks(format: FormatName, weights: number, random: () => number): Uint8Array {
  const { blockLength, blockBytes, exponents } = blockFormats[format];
  const blocks = weights / blockLength;
  const bytes = Uint8Array.from({ length: blocks * blockBytes }, () => Math.floor(random() * 256));
  const view = new DataView(bytes.buffer);
  for (let b = 0; b < blocks; b++) {
    const at = b * blockBytes;
    if (format === "F32") view.setFloat32(at, random() - 0.5, true);
    else if (format === "BF16")
      view.setUint16(at, 0x3c00 + Math.floor(random() * 0x180) + (random() < 0.5 ? 0x8000 : 0), true);
    else if (format === "MXFP4") bytes[at] = 118 + Math.floor(random() * 8);
    else for (const { offset } of exponents) view.setUint16(at + offset, 0x1800 + Math.floor(random() * 0x1000), true);
  }
  return bytes;
}

/** Uniform in [0, 1), repeatable: a linear congruence is random enough for filling matrices. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export function randomMatrix(rows: number, cols: number, seed: number, most = 1): Matrix {
  const random = seeded(seed);
  return { rows, cols, data: Float32Array.from({ length: rows * cols }, () => (2 * random() - 1) * most) };
}

/** Largest |a − b|, and where. */
export function gap(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`expected ${b.length} numbers, found ${a.length}`);
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    // A NaN is a gap, whatever stands on the other side.
    if (!(Math.abs(a[i] - b[i]) <= most)) most = Math.abs(a[i] - b[i]);
    if (Number.isNaN(most)) return Number.POSITIVE_INFINITY;
  }
  return most;
}
