// What a caller's options mean for one model on one machine: every default filled in.
import type { Config } from "../model/config.ts";
import { OptionError } from "../options/option-error.ts";
import { MAX_BANK_BYTES } from "../wasm/bank.ts";
import type { FreeMemory } from "./fit.ts";
import { checkModelOptions, MAX_THREADS, type ModelOptions } from "./model-options.ts";

/** The options in force. */
export interface Settings
  extends Required<Omit<ModelOptions, "quantize" | "ignoreMemory">>,
    Pick<ModelOptions, "quantize"> {}

export interface Machine {
  /** Threads that make sense: physical cores, where they can be told. */
  readonly cores: number;
  readonly sharedMemory: boolean;
  readonly relaxed: boolean;
  /** What it can give to a model; undefined where that is unknown. */
  readonly memory?: FreeMemory;
}

const DEFAULT_CONTEXT = 32768;

/** @throws OptionError naming the option, what was expected and what was found */
export function fillSettings(config: Config, options: ModelOptions, machine: Machine): Settings {
  checkModelOptions(options);
  const backend = options.backend ?? "wasm";
  const mode = options.mode ?? (backend === "reference" ? "exact" : "int8");
  if (backend === "reference" && mode !== "exact") {
    throw new OptionError({
      subject: "mode",
      expected: '"exact" with the reference backend',
      found: `"${mode}"`,
      remedy: "Use the wasm backend.",
    });
  }
  const limit = config.maxPositionEmbeddings;
  const contextLength = options.contextLength ?? Math.min(limit, DEFAULT_CONTEXT);
  if (!Number.isInteger(contextLength) || contextLength < 1 || contextLength > limit) {
    throw new OptionError({
      subject: "contextLength",
      expected: `an integer in [1, ${limit}] (max_position_embeddings)`,
      found: contextLength,
    });
  }
  if (options.kernels === "relaxed" && !machine.relaxed) {
    throw new OptionError({
      subject: "kernels",
      expected: '"baseline" on an engine without relaxed SIMD',
      found: '"relaxed"',
    });
  }
  if ((options.threads ?? 1) > 1 && !machine.sharedMemory) {
    throw new OptionError({
      subject: "threads",
      expected: "1 where memory cannot be shared",
      found: `${options.threads}`,
      remedy: "In a browser, serve the page with COOP same-origin and COEP require-corp.",
    });
  }
  return {
    threads: backend === "reference" ? 1 : (options.threads ?? defaultThreads(machine)),
    kernels: options.kernels ?? (machine.relaxed ? "relaxed" : "baseline"),
    backend,
    mode,
    contextLength,
    kvType: options.kvType ?? (mode === "exact" ? "f32" : "f16"),
    bankBytes: options.bankBytes ?? MAX_BANK_BYTES,
    quantize: options.quantize,
  };
}

export function defaultThreads({ sharedMemory, cores }: Machine): number {
  return sharedMemory ? Math.min(cores, MAX_THREADS) : 1;
}
