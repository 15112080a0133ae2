// Where file, backend and graph meet: a checkpoint becomes a model that can be run.
import { describeNonFinite } from "./blocks/finite.ts";
import { blockFormats, decodeRow, type FormatName, rowBytes } from "./blocks/formats.ts";
import type { Checkpoint, StoredTensor } from "./formats/checkpoint.ts";
import { streamTensors, type TensorSink } from "./formats/stream-tensors.ts";
import { type Config, readConfig } from "./model/config.ts";
import { forward, lmHead, type Model } from "./model/model.ts";
import { rotationOf } from "./model/rope.ts";
import { createState, type State, stateSpecs } from "./model/state.ts";
import { createWeights } from "./model/weights.ts";
import type {
  ArithmeticMode,
  Backend,
  BackendRequest,
  KvType,
  PlacedWeight,
  StoredWeight,
  WeightSpec,
} from "./ops/backend.ts";
import type { Weight } from "./ops/ops.ts";
import { formatsAtLoad, recodingSink } from "./quantize/at-load.ts";
import { type QuantizationType, quantizationTypes } from "./quantize/types.ts";
import { createReferenceBackend } from "./reference/backend.ts";
import {
  createWasmBackend,
  planWasmBanks,
  type WasmBackendRequest,
  type WasmRuntime,
  WeightError,
} from "./wasm/backend.ts";
import type { KernelBuild } from "./wasm/kernels.ts";
import { type BankPlan, MAX_BANK_BYTES } from "./wasm/plan.ts";

export interface ModelOptions {
  /** `wasm` unless told; `reference` is the definition of every op in plain TypeScript, and slow. */
  readonly backend?: "wasm" | "reference";
  /** `int8` unless told. The reference knows `exact` only. */
  readonly mode?: ArithmeticMode;
  /** Of the KV cache: f32 in exact mode and f16 in int8 mode, unless told. */
  readonly kvType?: KvType;
  /** Positions to plan for; the model's own limit or 32,768, whichever is less, unless told. */
  readonly contextLength?: number;
  /** The most bytes in one WebAssembly memory; 4 GiB unless told. */
  readonly bankBytes?: number;
  /** Threads of the wasm backend; physical cores unless told, and 1 where threads cannot share memory. */
  readonly threads?: number;
  /** The build of the kernels: `relaxed` where the engine has relaxed SIMD, unless told. Both give the same bits. */
  readonly kernels?: "baseline" | "relaxed";
  /** Quantizes the matrices of F32, F16 and BF16 files while they are read; they stay as they are unless told. */
  readonly quantize?: QuantizationType;
}

/** The files' part of a checkpoint that loading needs; tokenizer and template stay with the caller. */
export type WeightFiles = Pick<Checkpoint, "config" | "tensors" | "files">;

export interface LoadedModel {
  readonly model: Model;
  readonly state: State;
  readonly backend: Backend;
  readonly settings: Settings;
}

/** `ModelOptions` with every default filled in. */
export interface Settings extends Required<Omit<ModelOptions, "quantize">>, Pick<ModelOptions, "quantize"> {}

/** An option is outside what the model or this build can do. */
export class OptionError extends Error {
  override readonly name = "OptionError";
}

/** The longest step of a prefill. Longer ones gain little and need working space in proportion. */
export const MAX_STEP = 512;
/** Rows of logits that are computed together; a row is a quarter of a megabyte in LFM2. */
export const MAX_LOGIT_ROWS = 16;
const DEFAULT_CONTEXT = 32768;

export interface LoadContext {
  /** What this machine has; told apart from `options` so that these can be checked against it. */
  readonly machine: Machine;
  /** Compiles a build of the kernels and starts helpers for it; not asked for by the reference. */
  readonly startRuntime: (build: KernelBuild, threads: number) => Promise<StartedRuntime>;
  readonly signal?: AbortSignal;
  /** Bytes of weights read so far. */
  readonly onProgress?: (loaded: number, total: number) => void;
}

export interface Machine {
  /** Threads that make sense: physical cores, where they can be told. */
  readonly cores: number;
  readonly sharedMemory: boolean;
  readonly relaxed: boolean;
}

export interface StartedRuntime extends WasmRuntime {
  /** Gives the helpers their memories, and resolves when all of them are ready. */
  join(memories: readonly WebAssembly.Memory[]): Promise<void>;
}

/**
 * Reads the weights of `files` into a backend, by range, each byte once.
 * @throws ConfigError, WeightError, OptionError, MemoryError before any weight is read; SourceError, and WeightError for
 *         infinite weights and NaN, while reading
 */
export async function loadModel(files: WeightFiles, options: ModelOptions, context: LoadContext): Promise<LoadedModel> {
  const config = readConfig(files.config);
  const settings = fillSettings(config, options, context.machine);
  const found = findWeights(config, files.tensors, settings.quantize);
  const request = backendRequest(config, found, settings);
  const backend =
    settings.backend === "reference" ? createReferenceBackend(request) : await createWasm(request, settings, context);
  const sinks = found.map((weight) => sinkOf(weight, backend.weights.get(weight.spec.path) as PlacedWeight));
  await streamTensors(files.files, sinks, { signal: context.signal, onBytes: context.onProgress });
  return { ...assemble(config, settings, backend), backend, settings };
}

async function createWasm(request: WasmBackendRequest, settings: Settings, context: LoadContext): Promise<Backend> {
  const build = { relaxed: settings.kernels === "relaxed", threads: settings.threads > 1 };
  const runtime = await context.startRuntime(build, settings.threads);
  const backend = createWasmBackend(runtime, request);
  await runtime.join(backend.memories);
  return backend;
}

/** What the wasm backend will reserve for this checkpoint on a machine like `machine`. Reads no weight. */
export function planMemory(
  files: Pick<WeightFiles, "config" | "tensors">,
  options: ModelOptions,
  machine: Machine,
): BankPlan {
  const config = readConfig(files.config);
  const settings = fillSettings(config, options, machine);
  return planWasmBanks(backendRequest(config, findWeights(config, files.tensors, settings.quantize), settings));
}

const choices = {
  backend: ["wasm", "reference"],
  mode: ["exact", "int8"],
  kvType: ["f32", "f16", "int8"],
  kernels: ["baseline", "relaxed"],
  quantize: quantizationTypes,
} as const;

/** More would not find work: attention has eight KV heads to share. */
const MAX_THREADS = 64;

/**
 * What can be said of options before a model is known.
 * @throws OptionError naming the option, what was expected and what was found
 */
export function checkOptions(options: ModelOptions): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (Object.hasOwn(choices, name)) {
      const expected: readonly unknown[] = choices[name as keyof typeof choices];
      if (!expected.includes(value)) {
        throw new OptionError(`${name}: expected ${expected.join(" or ")}, found ${JSON.stringify(value)}.`);
      }
    } else if (name === "bankBytes") {
      if (Number.isInteger(value) && value >= 65536 && value <= MAX_BANK_BYTES) continue;
      throw new OptionError(`bankBytes: expected an integer in [65536, ${MAX_BANK_BYTES}], found ${value}.`);
    } else if (name === "threads") {
      if (Number.isInteger(value) && value >= 1 && value <= MAX_THREADS) continue;
      throw new OptionError(`threads: expected an integer in [1, ${MAX_THREADS}], found ${value}.`);
    } else if (name !== "contextLength") {
      const known = "backend, mode, kvType, contextLength, bankBytes, threads, kernels or quantize";
      throw new OptionError(`${name}: expected ${known}. Check the spelling.`);
    }
  }
}

function fillSettings(config: Config, options: ModelOptions, machine: Machine): Settings {
  checkOptions(options);
  const backend = options.backend ?? "wasm";
  const mode = options.mode ?? (backend === "reference" ? "exact" : "int8");
  if (backend === "reference" && mode !== "exact") {
    throw new OptionError(`mode: expected "exact" with the reference backend, found "${mode}". Use the wasm backend.`);
  }
  const limit = config.maxPositionEmbeddings;
  const contextLength = options.contextLength ?? Math.min(limit, DEFAULT_CONTEXT);
  if (!Number.isInteger(contextLength) || contextLength < 1 || contextLength > limit) {
    throw new OptionError(
      `contextLength: expected an integer in [1, ${limit}] (max_position_embeddings), found ${contextLength}.`,
    );
  }
  if (options.kernels === "relaxed" && !machine.relaxed) {
    throw new OptionError('kernels: expected "baseline" on an engine without relaxed SIMD, found "relaxed".');
  }
  if ((options.threads ?? 1) > 1 && !machine.sharedMemory) {
    throw new OptionError(
      `threads: expected 1 where memory cannot be shared, found ${options.threads}. ` +
        "In a browser, serve the page with COOP same-origin and COEP require-corp.",
    );
  }
  const usable = machine.sharedMemory ? Math.min(machine.cores, MAX_THREADS) : 1;
  return {
    threads: backend === "reference" ? 1 : (options.threads ?? usable),
    kernels: options.kernels ?? (machine.relaxed ? "relaxed" : "baseline"),
    backend,
    mode,
    contextLength,
    kvType: options.kvType ?? (mode === "exact" ? "f32" : "f16"),
    bankBytes: options.bankBytes ?? MAX_BANK_BYTES,
    quantize: options.quantize,
  };
}

function backendRequest(config: Config, found: readonly FoundWeight[], settings: Settings): WasmBackendRequest {
  const request: BackendRequest = {
    weights: found.map(({ stored }) => stored),
    states: stateSpecs(config, settings.contextLength),
    kvType: settings.kvType,
  };
  const { mode, bankBytes, contextLength, threads } = settings;
  const maxStep = Math.min(MAX_STEP, contextLength);
  return {
    ...request,
    mode,
    threads,
    relaxed: settings.kernels === "relaxed",
    bankBytes,
    maxStep,
    hiddenSize: config.hiddenSize,
    rehearse(backend) {
      const { model, state } = assemble(config, settings, backend);
      const few = Math.min(MAX_LOGIT_ROWS, maxStep);
      // A step begins on what the head of the one before left behind: the most is a long step after many logits.
      for (const [step, rows] of [
        [few, few],
        [maxStep, 1],
        [maxStep, 1],
      ]) {
        const h = forward(model, { ...state, length: 0, stored: 0 }, new Int32Array(step));
        lmHead(model, model.ops.rows(h, step - rows, rows));
      }
    },
  };
}

function assemble(config: Config, settings: Settings, backend: Backend): { model: Model; state: State } {
  const weights = createWeights(config, ({ path }) => backend.weights.get(path)?.weight as Weight);
  const { contextLength } = settings;
  const state = createState(stateSpecs(config, contextLength), backend.states, contextLength);
  return {
    model: { ops: backend.ops, config, weights, rotation: rotationOf(config) },
    state,
  };
}

interface FoundWeight {
  readonly spec: WeightSpec;
  readonly tensor: StoredTensor;
  readonly stored: StoredWeight;
}

/** The tensor of every parameter the graph asks for, checked against its expected shape. */
function findWeights(
  config: Config,
  tensors: ReadonlyMap<string, StoredTensor>,
  quantize: QuantizationType | undefined,
): FoundWeight[] {
  const formatOf = formatsAtLoad(quantize, tensors);
  const found: FoundWeight[] = [];
  createWeights(config, (spec) => {
    const { path, role, rows, cols, experts } = spec;
    const tensor = tensors.get(`${path}.weight`) ?? tensors.get(path);
    if (tensor === undefined) {
      throw new WeightError(
        `${path}: expected a tensor of this name, found none among ${tensors.size}. ` +
          `Open a complete LFM2 checkpoint; this one says model_type "${config.modelType}".`,
      );
    }
    const shape = experts > 1 || tensor.shape.length === 3 ? [experts, rows, cols] : rows > 1 ? [rows, cols] : [cols];
    const row = tensor.shape.length === 2 && shape.length === 1 && tensor.shape[0] === 1;
    const given = row ? tensor.shape.slice(1) : tensor.shape;
    if (given.length !== shape.length || given.some((size, axis) => size !== shape[axis])) {
      throw new WeightError(
        `${tensor.name}: expected shape [${shape.join(", ")}], as the config says, ` +
          `found [${tensor.shape.join(", ")}]. Open an LFM2 checkpoint whose config belongs to its weights.`,
      );
    }
    const { blockLength } = blockFormats[tensor.format];
    if (cols % blockLength !== 0 || (role !== "vector" && cols % 4 !== 0)) {
      throw new WeightError(
        `${tensor.name}: expected rows in multiples of ${Math.max(4, blockLength)} for ${tensor.format}, ` +
          `found ${cols}. Convert this tensor to another format.`,
      );
    }
    const held = { vector: "F32", router: tensor.format, matrix: formatOf(tensor) }[role];
    found.push({ spec, tensor, stored: { ...spec, format: held } });
    return spec;
  });
  return found;
}

/** Blocks go to the backend as they are, or quantized; vectors are few and small: they are gathered, then widened. */
function sinkOf({ spec, tensor, stored }: FoundWeight, placed: PlacedWeight): TensorSink {
  const held = stored.format as FormatName;
  const { granule } = placed;
  const write = (at: number, bytes: Uint8Array): void => {
    const found = placed.write(at, bytes);
    if (found >= 0) throw new WeightError(describeNonFinite(tensor, held, bytes, at, found));
  };
  if (spec.role !== "vector") {
    return held === tensor.format ? { tensor, granule, write } : recodingSink(tensor, held, { granule, write });
  }
  const format = blockFormats[tensor.format];
  const blocks = new Uint8Array(spec.rows * rowBytes(format, spec.cols));
  let missing = blocks.byteLength;
  return {
    tensor,
    write(at, bytes) {
      blocks.set(bytes, at);
      missing -= bytes.byteLength;
      if (missing > 0) return;
      const numbers = new Float32Array(spec.rows * spec.cols);
      decodeRow(format, blocks, 0, numbers, numbers.length);
      write(0, new Uint8Array(numbers.buffer));
    },
  };
}
