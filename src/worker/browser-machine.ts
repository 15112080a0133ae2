// What a browser has to offer the kernels.
import type { FreeMemory } from "../load/fit.ts";
import type { Machine } from "../load/machine.ts";
import { hasSharedMemory, usableBuilds } from "../wasm/kernels.ts";

export function browserMachine(): Machine {
  return {
    cores: likelyCores(),
    sharedMemory: hasSharedMemory(),
    builds: typeof WebAssembly === "undefined" ? ["baseline"] : usableBuilds(),
    memory: smallMemory(),
  };
}

/** Chromium tells the machine's memory in steps up to 8 GiB; that one stands for all that have more. */
export function deviceMemoryBytes(): number | undefined {
  const { deviceMemory: gibibytes } = navigator as { deviceMemory?: number };
  return gibibytes === undefined ? undefined : gibibytes * 2 ** 30;
}

function smallMemory(): FreeMemory | undefined {
  const bytes = deviceMemoryBytes();
  return bytes === undefined || bytes >= 8 * 2 ** 30 ? undefined : { bytes, what: "memory of this device" };
}

/** Browsers count threads, not cores; a machine with more than four threads most likely has two to a core. */
function likelyCores(): number {
  const threads = navigator.hardwareConcurrency || 1;
  return threads > 4 ? threads >> 1 : threads;
}
