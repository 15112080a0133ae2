// Where file, backend and graph meet: a checkpoint becomes a model that can be run.

import { describeNonFinite } from "../blocks/finite.ts";
import { blockFormats, decodeRow, type FormatName, rowBytes } from "../blocks/formats.ts";
import type { Engine } from "../engine/engine.ts";
import { advance, createSequence, type Model, type Sequence } from "../engine/sequence.ts";
import type { Checkpoint } from "../formats/checkpoint.ts";
import type { QuantizationType } from "../formats/gguf/file-types.ts";
import { streamTensors, type TensorSink } from "../formats/stream-tensors.ts";
import { type Config, readConfig } from "../model/config.ts";
import { lmHead } from "../model/model.ts";
import { stateSpecs } from "../model/state.ts";
import { createWeights } from "../model/weights.ts";
import type { Backend, BackendRequest, PlacedWeight, StoredWeight } from "../ops/backend.ts";
import type { Weight } from "../ops/ops.ts";
import { findParameters, type Parameter } from "../parameters/find-parameters.ts";
import { settleHead } from "../parameters/tied-head.ts";
import { formatsAtLoad, recodingSink } from "../quantize/at-load.ts";
import { createReferenceBackend } from "../reference/backend.ts";
import {
  bytesOf,
  createWasmBackend,
  planWasmBanks,
  type WasmBackendRequest,
  type WasmRuntime,
  WeightError,
} from "../wasm/backend.ts";
import type { KernelBuild } from "../wasm/kernels.ts";
import type { BankPlan } from "../wasm/plan.ts";
import { checkFits } from "./fit.ts";
import { fillSettings, type Machine, type ModelOptions, type Settings } from "./load-options.ts";

/** The files' part of a checkpoint that loading needs; tokenizer and template stay with the caller. */
export type WeightFiles = Pick<Checkpoint, "config" | "tensors" | "files">;

export interface LoadedModel {
  readonly model: Model;
  readonly sequences: readonly Sequence[];
  readonly backend: Backend;
  readonly settings: Settings;
  /** What loading found, in addition to the checkpoint's. */
  readonly warnings: readonly string[];
}

/** The longest step of a prefill. Longer ones gain little and need working space in proportion. */
export const MAX_STEP = 512;
/** Rows of logits that are computed together; a row is a quarter of a megabyte in LFM2. */
export const MAX_LOGIT_ROWS = 16;

export interface LoadContext {
  /** What this machine has; told apart from `options` so that these can be checked against it. */
  readonly machine: Machine;
  /** Compiles a build of the kernels and starts helpers for it; not asked for by the reference. */
  readonly startRuntime: (build: KernelBuild, threads: number) => Promise<StartedRuntime>;
  readonly signal?: AbortSignal;
  /** Sequences to make room for, each with a context of its own; 1 unless stated. */
  readonly sequences?: number;
  /** Bytes of weights read so far. */
  readonly onProgress?: (loaded: number, total: number) => void;
}

export interface StartedRuntime extends WasmRuntime {
  /** Gives the helpers their memories, and resolves when all of them are ready. */
  join(memories: readonly WebAssembly.Memory[]): Promise<void>;
}

/**
 * Reads the weights of `files` into a backend, by range, each byte once.
 * @throws ConfigError, FormatError, OptionError, MemoryError before any weight is read; SourceError, and WeightError for
 *         infinite weights and NaN, while reading
 */
export async function loadModel(files: WeightFiles, options: ModelOptions, context: LoadContext): Promise<LoadedModel> {
  checkMemory(files, options, context);
  const settled = await settleHead(files, "whole", context.signal);
  if (settled.config !== files.config) checkMemory(settled, options, context);
  const config = readConfig(settled.config);
  const settings = fillSettings(config, options, context.machine);
  const { found, warnings } = findWeights(config, settled.tensors, settings.quantize);
  const request = backendRequest(config, found, settings, context.sequences);
  const backend =
    settings.backend === "reference" ? createReferenceBackend(request) : await createWasm(request, settings, context);
  const sinks = found.map((weight) => sinkOf(weight, backend.weights.get(weight.spec.path) as PlacedWeight));
  await streamTensors(settled.files, sinks, { signal: context.signal, onBytes: context.onProgress });
  return { ...assemble(config, settings, backend), backend, settings, warnings: [...settled.warnings, ...warnings] };
}

/** The loaded model and its first sequence, ready to be run. */
export function createEngine({ model, sequences: [sequence] }: LoadedModel): Engine {
  return { model, sequence, maxStep: model.maxStep, maxLogitRows: MAX_LOGIT_ROWS };
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
  sequences?: number,
): BankPlan {
  const config = readConfig(files.config);
  const settings = fillSettings(config, options, machine);
  const { found } = findWeights(config, files.tensors, settings.quantize);
  return planWasmBanks(backendRequest(config, found, settings, sequences));
}

const SMALLER_CONTEXTS = [16384, 8192, 4096, 2048, 512];

/** @throws MemoryError when this machine cannot hold the model; what `loadModel` throws before it reads weights */
function checkMemory(
  files: Pick<WeightFiles, "config" | "tensors">,
  options: ModelOptions,
  { machine, sequences }: LoadContext,
): void {
  if (options.ignoreMemory || machine.memory === undefined) return;
  const { bytes: free } = machine.memory;
  const { kvType, contextLength, quantize, mode } = fillSettings(readConfig(files.config), options, machine);
  // The reference holds the same weights and states, one array each.
  const bytesWith = (change: ModelOptions): number =>
    bytesOf(planMemory(files, { ...options, ...change, backend: "wasm", mode }, machine, sequences));
  checkFits(bytesWith({}), machine.memory, function* () {
    for (const context of SMALLER_CONTEXTS) {
      const bytes = context < contextLength ? bytesWith({ contextLength: context }) : Number.POSITIVE_INFINITY;
      if (bytes >= free) continue;
      yield { option: `contextLength ${context}`, bytes };
      break;
    }
    if (kvType !== "int8") yield { option: "kvType int8", bytes: bytesWith({ kvType: "int8" }) };
    const isFloat = [...files.tensors.values()].some(({ format }) => blockFormats[format].blockLength === 1);
    if (quantize !== undefined || !isFloat) return;
    for (const type of ["Q8_0", "Q4_0"] as const) {
      yield { option: `quantize ${type}`, bytes: bytesWith({ quantize: type }) };
    }
  });
}

function backendRequest(
  config: Config,
  found: readonly FoundWeight[],
  settings: Settings,
  sequences = 1,
): WasmBackendRequest {
  const specs = stateSpecs(config, settings.contextLength);
  const request: BackendRequest = {
    weights: found.map(({ stored }) => stored),
    states: Array.from({ length: sequences }, () => specs).flat(),
    kvType: settings.kvType,
  };
  const { mode, bankBytes, contextLength, threads } = settings;
  const maxStep = longestStep(contextLength, sequences);
  return {
    ...request,
    mode,
    threads,
    relaxed: settings.kernels === "relaxed",
    bankBytes,
    maxStep,
    hiddenSize: config.hiddenSize,
    rehearse(backend) {
      const { model, sequences } = assemble(config, settings, backend);
      const few = Math.min(MAX_LOGIT_ROWS, maxStep);
      for (const [step, rows] of [
        [few, few],
        [maxStep, 1],
      ]) {
        // As few sequences as hold so many rows: attention takes most for the longest stretch of one.
        const chunks = Array.from({ length: Math.ceil(step / contextLength) }, (_, i) => ({
          sequence: createSequence(sequences[i].layers, contextLength),
          ids: new Int32Array(Math.min(contextLength, step - i * contextLength)),
        }));
        const h = advance(model, chunks);
        lmHead(model.ops, model.weights, model.ops.rows(h, step - rows, rows));
      }
    },
  };
}

function assemble(
  config: Config,
  { contextLength }: Settings,
  { ops, memory, weights, states }: Backend,
): Pick<LoadedModel, "model" | "sequences"> {
  const tree = createWeights(config, ({ path }) => weights.get(path)?.weight as Weight);
  const layers = config.numHiddenLayers;
  const sequences = Array.from({ length: states.length / layers }, (_, i) =>
    createSequence(states.slice(i * layers, (i + 1) * layers), contextLength),
  );
  const maxStep = longestStep(contextLength, sequences.length);
  return { model: { ops, memory, config, weights: tree, maxStep }, sequences };
}

function longestStep(contextLength: number, sequences: number): number {
  return Math.min(MAX_STEP, contextLength * sequences);
}

interface FoundWeight extends Parameter {
  readonly stored: StoredWeight;
}

/** Every parameter, and the format that the backend will hold it in. */
function findWeights(
  config: Config,
  tensors: Checkpoint["tensors"],
  quantize: QuantizationType | undefined,
): { found: FoundWeight[]; warnings: readonly string[] } {
  const { parameters, warnings } = findParameters(config, tensors);
  const formatOf = formatsAtLoad(
    quantize,
    parameters.map(({ tensor }) => tensor),
  );
  const found = parameters.map((parameter): FoundWeight => {
    const { spec, tensor } = parameter;
    const format = { vector: "F32", router: tensor.format, matrix: formatOf(tensor) }[spec.role];
    return { ...parameter, stored: { ...spec, format } };
  });
  return { found, warnings };
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
