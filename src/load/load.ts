// Where file, backend and graph meet: a checkpoint becomes a model that can be run.
import type { Engine } from "../engine/engine.ts";
import type { SchedulerParts } from "../engine/scheduler.ts";
import type { Model } from "../engine/sequence.ts";
import { createSpeed } from "../engine/step-length.ts";
import { streamTensors } from "../formats/stream-tensors.ts";
import { readConfig } from "../model/config.ts";
import type { Backend, PlacedWeight } from "../ops/backend.ts";
import { settleHead } from "../parameters/tied-head.ts";
import { createReferenceBackend } from "../reference/backend.ts";
import { createWasmBackend, type WasmBackend, type WasmBackendRequest, type WasmRuntime } from "../wasm/backend.ts";
import type { KernelBuild } from "../wasm/kernels.ts";
import { clockStep } from "../wasm/spin.ts";
import type { StepThreads } from "../wasm/wasm-ops.ts";
import { type AssembledModel, assemble } from "./assemble.ts";
import { backendRequest, MAX_LOGIT_ROWS } from "./backend-request.ts";
import { findWeights, type WeightFiles } from "./find-weights.ts";
import type { Machine } from "./machine.ts";
import type { ModelOptions } from "./model-options.ts";
import { checkMemory } from "./plan-memory.ts";
import { raceThreads } from "./race-threads.ts";
import { roomOf } from "./room.ts";
import { fillSettings, type Settings } from "./settings.ts";
import { weightSink } from "./weight-sink.ts";

export interface LoadedModel extends AssembledModel {
  readonly backend: Backend;
  readonly settings: Settings;
  /** What loading found, in addition to the checkpoint's. */
  readonly warnings: readonly string[];
}

export interface LoadContext {
  /** What this machine has; separate from the options, which are checked against it. */
  readonly machine: Machine;
  /** Compiles a build of the kernels and starts helpers for it; not asked for by the reference. */
  readonly startRuntime: (build: KernelBuild, threads: number) => Promise<StartedRuntime>;
  readonly signal?: AbortSignal;
  /** Sequences to make room for, each with a context of its own; by default as the settings say. */
  readonly sequenceCount?: number;
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
  const { machine, sequenceCount, signal, onProgress } = context;
  checkMemory(files, options, machine, sequenceCount);
  const settled = await settleHead(files, "whole", signal);
  if (settled.config !== files.config) checkMemory(settled, options, machine, sequenceCount);
  const config = readConfig(settled.config);
  const settings = fillSettings(config, options, machine);
  const { found, warnings } = findWeights(config, settled.tensors, settings.quantize);
  const room = roomOf(config, settings, sequenceCount);
  const request = backendRequest(config, found, settings, room);
  const wasm = settings.backend === "wasm" ? await createWasm(request, settings, context) : undefined;
  const backend = wasm ?? createReferenceBackend(request);
  const sinks = found.map((weight) => weightSink(weight, backend.weights.get(weight.spec.path) as PlacedWeight));
  await streamTensors(settled.files, sinks, { signal, onBytes: onProgress });
  const assembled = assemble(config, settings.contextLength, room, backend);
  const computing = wasm && options.threads === undefined ? race(wasm, assembled) : undefined;
  return {
    ...assembled,
    backend,
    settings: { ...settings, computing },
    warnings: [...settled.warnings, ...warnings],
  };
}

async function createWasm(request: WasmBackendRequest, settings: Settings, context: LoadContext): Promise<WasmBackend> {
  const build = { name: settings.kernels, threads: settings.threads > 1 };
  const runtime = await context.startRuntime(build, settings.threads);
  const backend = createWasmBackend(runtime, request);
  await runtime.join(backend.memories);
  return backend;
}

/** A race's runs take five times as long. */
const COARSE_MS = 1;

/** Where nobody chose how many threads compute: by a clock that cannot tell, all of them do. */
function race({ threads, pool }: WasmBackend, { model, sequences: [sequence] }: AssembledModel): StepThreads {
  const clocks = { now: () => performance.now(), lost: () => pool.lostMs };
  if (pool.size > 1 && clockStep() <= COARSE_MS) raceThreads(threads, model, sequence, clocks);
  return { ...threads };
}

/** The loaded model, to be shared out among many sequences. */
export function schedulerParts({
  model,
  slots,
  pages,
  settings: { contextLength },
}: LoadedModel): Omit<SchedulerParts, "pause"> {
  return { model, slots, pages, contextLength, maxLogitRows: mostLogitRows(model) };
}

function mostLogitRows({ maxStep }: Model): number {
  return Math.min(MAX_LOGIT_ROWS, maxStep);
}

/** The loaded model and its first sequence, ready to be run by itself. */
export function createEngine({ model, sequences: [sequence] }: LoadedModel): Engine {
  return { model, sequence, maxStep: model.maxStep, maxLogitRows: mostLogitRows(model), speed: createSpeed() };
}
