// What a machine offers to a model. Pages ask for it, too, so nothing here may bring in the kernels' sizes.
import type { KernelBuildName } from "../wasm/kernels.ts";
import type { FreeMemory } from "./fit.ts";
import { MAX_THREADS } from "./model-options.ts";

export interface Machine {
  /** Threads that make sense: physical cores, where they can be told. */
  readonly cores: number;
  readonly sharedMemory: boolean;
  /** Of the kernels: those that are right here, the fastest first. */
  readonly builds: readonly [KernelBuildName, ...KernelBuildName[]];
  /** What it can give to a model; undefined where that is unknown. */
  readonly memory?: FreeMemory;
}

export function defaultThreads({ sharedMemory, cores }: Machine): number {
  return sharedMemory ? Math.min(cores, MAX_THREADS) : 1;
}
