// What a caller's options mean for one model on one machine: every default filled in.
import type { Config } from "../model/config.ts";
import { OptionError } from "../options/option-error.ts";
import { MAX_BANK_BYTES } from "../wasm/bank.ts";
import { defaultThreads, type Machine } from "./machine.ts";
import { checkModelOptions, type ModelOptions } from "./model-options.ts";
import { kvBytesFor } from "./room.ts";

/** The options in force. */
export interface Settings
  extends Required<Omit<ModelOptions, "quantize" | "ignoreMemory">>,
    Pick<ModelOptions, "quantize"> {
  /**
   * How many of `threads` were fastest when the model was opened, in steps of a few tokens and in longer ones; absent where
   * `threads` was chosen. Later, too, those rest that find no processor.
   */
  readonly computing?: { readonly decode: number; readonly prompt: number };
}

const DEFAULT_CONTEXT = 32768;
const DEFAULT_PARALLEL = 4;

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
  const { builds } = machine;
  if (options.kernels !== undefined && !builds.includes(options.kernels)) {
    throw new OptionError({
      subject: "kernels",
      expected: `${builds.map((name) => `"${name}"`).join(" or ")} on this engine and processor`,
      found: `"${options.kernels}"`,
      remedy: "Without this option the fastest is chosen.",
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
  const kvType = options.kvType ?? (mode === "exact" ? "f32" : "f16");
  const leastKvMemory = kvBytesFor(config, kvType, contextLength);
  const { kvMemory = leastKvMemory } = options;
  if (kvMemory < leastKvMemory) {
    throw new OptionError({
      subject: "kvMemory",
      expected: `at least ${leastKvMemory} bytes, those of one sequence's ${contextLength} positions`,
      found: kvMemory,
      remedy: "Give more, or a smaller contextLength.",
    });
  }
  return {
    threads: backend === "reference" ? 1 : (options.threads ?? defaultThreads(machine)),
    kernels: options.kernels ?? builds[0],
    backend,
    mode,
    contextLength,
    kvType,
    parallel: options.parallel ?? DEFAULT_PARALLEL,
    kvMemory,
    bankBytes: options.bankBytes ?? MAX_BANK_BYTES,
    quantize: options.quantize,
  };
}
