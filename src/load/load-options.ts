// What a caller may ask of loading, and what that means for one model on one machine.

import { type QuantizationType, quantizationTypes } from "../formats/gguf/file-types.ts";
import type { Config } from "../model/config.ts";
import type { ArithmeticMode, KvType } from "../ops/backend.ts";
import { MAX_BANK_BYTES } from "../wasm/bank.ts";
import type { FreeMemory } from "./fit.ts";

export interface ModelOptions {
  /** `wasm` unless stated otherwise; `reference` is the definition of every op in plain TypeScript, and slow. */
  readonly backend?: "wasm" | "reference";
  /** `int8` unless stated otherwise. The reference knows `exact` only. */
  readonly mode?: ArithmeticMode;
  /** Of the KV cache: f32 in exact mode and f16 in int8 mode, unless stated otherwise. */
  readonly kvType?: KvType;
  /** Positions to plan for; the model's own limit or 32,768, whichever is less, unless stated otherwise. */
  readonly contextLength?: number;
  /** The most bytes in one WebAssembly memory; 4 GiB unless stated otherwise. */
  readonly bankBytes?: number;
  /** Threads of the wasm backend; physical cores unless stated otherwise, and 1 where threads cannot share memory. */
  readonly threads?: number;
  /** The build of the kernels: `relaxed` where the engine has relaxed SIMD, unless stated otherwise. Both give the same bits. */
  readonly kernels?: "baseline" | "relaxed";
  /** Quantizes the matrices of F32, F16 and BF16 files while they are read; they stay as they are unless stated otherwise. */
  readonly quantize?: QuantizationType;
  /** Loads even where the machine seems to have too little memory for it. */
  readonly ignoreMemory?: boolean;
}

/** `ModelOptions` with every default filled in. */
export interface Settings
  extends Required<Omit<ModelOptions, "quantize" | "ignoreMemory">>,
    Pick<ModelOptions, "quantize"> {}

/** An option is outside what the model or this build can do. */
export class OptionError extends Error {
  override readonly name = "OptionError";
}

export interface Machine {
  /** Threads that make sense: physical cores, where they can be told. */
  readonly cores: number;
  readonly sharedMemory: boolean;
  readonly relaxed: boolean;
  /** What it can give to a model; undefined where nobody can tell. */
  readonly memory?: FreeMemory;
}

const DEFAULT_CONTEXT = 32768;

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
    } else if (name === "ignoreMemory") {
      if (typeof value === "boolean") continue;
      throw new OptionError(`ignoreMemory: expected true or false, found ${JSON.stringify(value)}.`);
    } else if (name !== "contextLength") {
      const known = "backend, mode, kvType, contextLength, bankBytes, threads, kernels, quantize or ignoreMemory";
      throw new OptionError(`${name}: expected ${known}. Check the spelling.`);
    }
  }
}

/**
 * What these options mean for this model on this machine.
 * @throws OptionError naming the option, what was expected and what was found
 */
export function fillSettings(config: Config, options: ModelOptions, machine: Machine): Settings {
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
