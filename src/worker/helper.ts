// Threads that help the model's thread: how it starts them, and what they do.
import type { StartedRuntime } from "../load/load.ts";
import { instantiateKernels } from "../wasm/instantiate.ts";
import { isRelaxed, type KernelBuild } from "../wasm/kernels.ts";
import { alone, createControl, createPool, help } from "../wasm/pool.ts";

/** The one message that a helper gets. */
export interface HelperTask {
  readonly module: WebAssembly.Module;
  readonly memories: readonly WebAssembly.Memory[];
  readonly control: SharedArrayBuffer;
  /** Counts the threads from 1; 0 is the model's own. */
  readonly index: number;
}

/** Starts a thread that runs `runHelper`; resolves when it is about to take work, rejects when it cannot. */
export type StartHelper = (task: HelperTask) => Promise<void>;

export function startRuntime(
  module: WebAssembly.Module,
  { name }: KernelBuild,
  threads: number,
  startHelper: StartHelper,
): StartedRuntime {
  const relaxed = isRelaxed(name);
  const instantiate = (memory: WebAssembly.Memory) => instantiateKernels(module, memory);
  if (threads === 1) return { instantiate, relaxed, pool: alone, join: async () => {} };
  const control = createControl(threads);
  return {
    instantiate,
    relaxed,
    pool: createPool(control, threads),
    async join(memories) {
      const tasks = Array.from({ length: threads - 1 }, (_, i) => ({ module, memories, control, index: i + 1 }));
      await Promise.all(tasks.map(startHelper));
    },
  };
}

/** Never returns: `ready` is the last call out of the thread. */
export function runHelper({ module, memories, control, index }: HelperTask, ready: () => void): never {
  const banks = memories.map((memory) => instantiateKernels(module, memory));
  ready();
  return help(control, banks, index);
}
