// Kernels alone, on one thread: how fast each block format's weights are multiplied, and how fast attention is.
import { readFileSync } from "node:fs";
import { Bench } from "tinybench";
import { blockFormats, type FormatName, rowBytes } from "../../blocks/formats.ts";
import type { ArithmeticMode, Backend, BackendRequest, KvType, StateSpec, StoredWeight } from "../../ops/backend.ts";
import { type KvCache, PAGE, type Tensor, type Weight } from "../../ops/ops.ts";
import { createWasmBackend } from "../../wasm/backend.ts";
import type { WasmKvCache } from "../../wasm/handles.ts";
import { instantiateKernels } from "../../wasm/instantiate.ts";
import { kernelUrl } from "../../wasm/kernel-url.ts";
import { type KernelBuildName as Build, isRelaxed } from "../../wasm/kernels.ts";
import { kvBytes } from "../../wasm/plan.ts";
import { alone } from "../../wasm/pool.ts";
import type { Range } from "../product/statistics.ts";
import { randomBlocks } from "./random-blocks.ts";

/** Block formats that checkpoints of this family come in, and one that has no kernel of its own. */
export const KERNEL_FORMATS = ["F32", "F16", "BF16", "Q4_0", "Q8_0", "Q4_K", "Q5_K", "Q6_K", "IQ4_XS"] as const;
export const KV_TYPES = ["f32", "f16", "int8"] as const;

export interface FormatFigures {
  readonly format: FormatName;
  readonly build: Build;
  /** Bytes of the file's weights per second, from a matrix that no cache holds, for one token. */
  readonly gemv: Range;
  /** Multiplications and additions per second, for TOKENS tokens; rounding the activations is part of it. */
  readonly gemm: Range;
  /** Bytes of the file's weights brought into their place in memory, packed where the format is, per second. */
  readonly pack: number;
}

export interface AttentionFigures {
  readonly kvType: KvType;
  readonly build: Build;
  /** Seconds for one token, one layer, for every position. */
  readonly perPosition: Range;
}

/** As wide as LFM2-8B-A1B: an expert's gate, and its attention. */
export const ROWS = 1792;
export const COLS = 2048;
export const TOKENS = 64;
export const POSITIONS = 4096;
const KV_COLS = 512;
const HEAD_DIM = 64;
/** Rows that are filled at once. */
const PIECE_ROWS = 512;

/** @param bytes  of the matrix that GEMV streams; more than caches hold */
export async function benchFormat(
  format: FormatName,
  build: Build,
  bytes: number,
  mode: ArithmeticMode = "int8",
): Promise<FormatFigures> {
  const inFile = rowBytes(blockFormats[format], COLS);
  const rows = PIECE_ROWS * Math.ceil(bytes / inFile / PIECE_ROWS);
  const weights = [
    matrix("x", "F32", TOKENS, COLS),
    matrix("large", format, rows, COLS),
    matrix("small", format, ROWS, COLS),
  ];
  const multiply = ({ ops, memory }: Backend, x: Tensor, w: Weight) => ops.linear(memory.carry(x, w), w);
  const ids = Int32Array.from({ length: TOKENS }, (_, i) => i);
  const { backend, weight, write } = place(build, mode, { weights, states: [], kvType: "f32" }, (counting) => {
    const [x, large, small] = ["x", "large", "small"].map((name) => counting.weights.get(name)?.weight as Weight);
    multiply(counting, counting.ops.embed(ids, x), small);
    multiply(counting, counting.ops.embed(ids.slice(0, 1), x), large);
  });
  const { ops, memory } = backend;
  write("x", randomBlocks("F32", TOKENS * COLS));
  write("small", randomBlocks(format, ROWS * COLS));
  const piece = randomBlocks(format, PIECE_ROWS * COLS);
  const begin = performance.now();
  for (let row = 0; row < rows; row += PIECE_ROWS) write("large", piece, row * inFile);
  const pack = (rows * inFile) / ((performance.now() - begin) / 1000);

  const timed = async (tokens: number, w: Weight): Promise<Range> => {
    let x = memory.carry(ops.embed(ids.slice(0, tokens), weight("x")), w);
    return time(() => {
      ops.linear(x, w);
      // Releases the result; the copy is a hundredth of the work at most.
      x = memory.carry(x, w);
    });
  };
  const gemv = await timed(1, weight("large"));
  const gemm = await timed(TOKENS, weight("small"));
  return { format, build, gemv: rate(gemv, rows * inFile), gemm: rate(gemm, 2 * ROWS * COLS * TOKENS), pack };
}

/** @param bytes  of all layers' keys and values together: each turn attends to the next, as a whole model does */
export async function benchAttention(kvType: KvType, build: Build, bytes: number): Promise<AttentionFigures> {
  const shape = { type: "full_attention", capacity: POSITIONS, cols: KV_COLS, headDim: HEAD_DIM } as const;
  const each = kvBytes({ ...shape, layer: "" }, kvType);
  const count = Math.ceil(bytes / (2 * each));
  const states = Array.from({ length: count }, (_, i): StateSpec => ({ ...shape, layer: `model.layers.${i}` }));
  const weights = [
    matrix("q", "F32", 1, COLS),
    matrix("kv", "F32", 1, KV_COLS),
    ...states.map(({ layer }) => matrix(`${layer}.none`, "F32", 1, 4)), // a bank belongs to those who have weights in it
  ];
  const first = Int32Array.of(0);
  const pages = Array.from({ length: Math.ceil(POSITIONS / PAGE) }, (_, i) => i);
  const last = { rows: 1, start: POSITIONS - 1, stored: POSITIONS - 1, pages };
  const attend = ({ ops, memory }: Backend, q: Tensor, kv: Weight, cache: KvCache): Tensor => {
    const carried = memory.carry(q, kv);
    const k = ops.embed(first, kv);
    ops.attention(carried, k, k, [{ ...last, cache }], HEAD_DIM);
    return carried;
  };
  const { backend, weight, write } = place(build, "int8", { weights, states, kvType }, (counting) => {
    const [q, kv] = ["q", "kv"].map((name) => counting.weights.get(name)?.weight as Weight);
    attend(counting, counting.ops.embed(first, q), kv, counting.states[0] as KvCache);
  });
  write("q", randomBlocks("F32", COLS));
  write("kv", randomBlocks("F32", KV_COLS));
  // 0.5 in float32; as f16 0 and 1.75; as int8 0 and 63, with a scale of 0.5: finite, however it is read.
  const numbers = new Uint8Array(new Uint32Array(each / 4).fill(0x3f000000).buffer);
  for (const cache of backend.states as readonly WasmKvCache[]) {
    cache.bank.write(cache.k, numbers);
    cache.bank.write(cache.v, numbers);
  }
  let q = backend.ops.embed(first, weight("q"));
  let turn = 0;
  const seconds = await time(() => {
    q = attend(backend, q, weight("kv"), backend.states[turn++ % count] as KvCache);
  });
  return { kvType, build, perPosition: scaled(seconds, 1 / POSITIONS) };
}

function matrix(path: string, format: FormatName, rows: number, cols: number): StoredWeight {
  return { path, role: "matrix", rows, cols, experts: 1, format };
}

interface Placed {
  readonly backend: Backend;
  weight(path: string): Weight;
  write(path: string, bytes: Uint8Array, at?: number): void;
}

function place(
  build: Build,
  mode: ArithmeticMode,
  request: BackendRequest,
  rehearse: (backend: Backend) => void,
): Placed {
  const relaxed = isRelaxed(build);
  const module = new WebAssembly.Module(readFileSync(kernelUrl({ name: build, threads: false })));
  const instantiate = (memory: WebAssembly.Memory) => instantiateKernels(module, memory);
  const backend = createWasmBackend(
    { instantiate, relaxed, pool: alone },
    { ...request, mode, threads: 1, relaxed, maxStep: TOKENS, hiddenSize: COLS, rehearse },
  );
  const placed = (path: string) => {
    const found = backend.weights.get(path);
    if (found === undefined) throw new TypeError(`no weight named ${path}`);
    return found;
  };
  return {
    backend,
    weight: (path) => placed(path).weight,
    write: (path, bytes, at = 0) => placed(path).write(at, bytes),
  };
}

/** Seconds of one call. */
async function time(call: () => void): Promise<Range> {
  const bench = new Bench({ time: 300, iterations: 5, warmupTime: 100, warmupIterations: 3, throws: true });
  const [task] = await bench.add("kernel", call).run();
  const { result } = task;
  if (result.state !== "completed") throw new Error(`kernel: expected a completed measurement, found ${result.state}.`);
  const { p50, min, max } = result.latency;
  return { median: p50 / 1000, min: min / 1000, max: max / 1000 };
}

function rate({ median, min, max }: Range, amount: number): Range {
  return { median: amount / median, min: amount / max, max: amount / min };
}

function scaled({ median, min, max }: Range, factor: number): Range {
  return { median: median * factor, min: min * factor, max: max * factor };
}
