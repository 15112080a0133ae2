// Instances of modules that asc has compiled. In a file of its own, which `npm run build` bundles with the loader: a
// browser's worker has no import map to find a package by.
import { instantiateSync } from "@assemblyscript/loader";
import { type Kernels, kernelNames } from "./compiled.ts";
import { dotProductOfBytes } from "./dot-product.ts";

/**
 * One instance over one memory. Synchronous, so a module of this size needs a worker in a browser.
 * @throws TypeError when a kernel is missing: the module is of another version than this file
 */
export function instantiateKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernels {
  const kernels = instantiateSync<Kernels>(module, { env: { memory } }).exports;
  const missing = kernelNames.find((name) => typeof kernels[name] !== "function");
  if (missing !== undefined) {
    throw new TypeError(
      `kernels: expected one named ${missing}, found none in the compiled module. ` +
        "It is of another version of this package; serve dist/assets and the scripts beside it from the same one.",
    );
  }
  kernels.SIGNED_BYTES.value = dotProductOfBytes() === "signed" ? -1 : 0;
  return kernels;
}

/** An instance of a module that needs nothing. */
export function instantiateAlone<Exports extends Record<string, unknown>>(module: Uint8Array<ArrayBuffer>): Exports {
  return instantiateSync<Exports>(module).exports;
}
