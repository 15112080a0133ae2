// What a caller may ask of loading, as far as it can be judged before a model is known.
import { type QuantizationType, quantizationTypes } from "../formats/gguf/file-types.ts";
import type { ArithmeticMode, KvType } from "../ops/backend.ts";
import { type ChecksOf, checkOptions } from "../options/check-options.ts";
import { anything, type Check, oneOf, satisfies, trueOrFalse } from "../options/checks.ts";
import { MAX_BANK_BYTES } from "../wasm/bank.ts";
import { type KernelBuildName, kernelBuilds } from "../wasm/kernels.ts";

export interface ModelOptions {
  /** `wasm` by default; `reference` is the definition of every op in plain TypeScript, and slow. */
  readonly backend?: "wasm" | "reference";
  /** `int8` by default. The reference has `exact` only. */
  readonly mode?: ArithmeticMode;
  /** Of the KV cache; by default f32 in exact mode and f16 in int8 mode. */
  readonly kvType?: KvType;
  /** Positions to plan for; by default the model's own limit or 32,768, whichever is less. */
  readonly contextLength?: number;
  /** Answers that are computed side by side; 4 by default. */
  readonly parallel?: number;
  /**
   * Bytes for keys and values, of all sequences together; by default what one context takes. Answers that do not fit
   * wait; beginnings that prompts may share are kept as long as there is room.
   */
  readonly kvMemory?: number;
  /** The most bytes in one WebAssembly memory; 4 GiB by default. */
  readonly bankBytes?: number;
  /**
   * Threads of the wasm backend. By default there is one to each physical core, and 1 where threads cannot share memory; a
   * race when the model is opened decides how many of them compute.
   */
  readonly threads?: number;
  /** The build of the kernels; by default the fastest on this engine and processor. All give the same bits. */
  readonly kernels?: KernelBuildName;
  /** Quantizes the matrices of F32, F16 and BF16 files while they are read; by default they stay as they are. */
  readonly quantize?: QuantizationType;
  /** Loads even where the machine seems to have too little memory for it. */
  readonly ignoreMemory?: boolean;
}

/** More would not find work: attention has eight KV heads to share. */
export const MAX_THREADS = 64;

/** More rows than that make no step faster. */
export const MAX_PARALLEL = 64;

export const modelChecks: ChecksOf<ModelOptions> = {
  backend: oneOf("wasm", "reference"),
  mode: oneOf("exact", "int8"),
  kvType: oneOf("f32", "f16", "int8"),
  contextLength: anything, // the model has its own limit
  parallel: integerIn(1, MAX_PARALLEL),
  kvMemory: integerIn(1, Number.MAX_SAFE_INTEGER),
  bankBytes: integerIn(65536, MAX_BANK_BYTES),
  threads: integerIn(1, MAX_THREADS),
  kernels: oneOf(...kernelBuilds),
  quantize: oneOf(...quantizationTypes),
  ignoreMemory: trueOrFalse,
};

function integerIn(least: number, most: number): Check {
  return satisfies(
    `an integer in [${least}, ${most}]`,
    (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
  );
}

/** @throws OptionError naming the option, what was expected and what was found */
export function checkModelOptions(options: ModelOptions): void {
  checkOptions("open", modelChecks, options);
}
