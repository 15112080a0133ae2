// Instances of modules that asc has compiled. In a file of its own, which `npm run build` bundles with the loader: a
// browser's worker has no import map to find a package by.
import { instantiateSync } from "@assemblyscript/loader";
import type { Kernels } from "./compiled.ts";

/** One instance over one memory. Synchronous, so a module of this size needs a worker in a browser. */
export function instantiateKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernels {
  return instantiateSync<Kernels>(module, { env: { memory } }).exports;
}

/** An instance of a module that needs nothing. */
export function instantiateAlone<Exports extends Record<string, unknown>>(module: Uint8Array<ArrayBuffer>): Exports {
  return instantiateSync<Exports>(module).exports;
}
