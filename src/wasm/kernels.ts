// The builds of the kernels: their files, and which of them an engine can run.

/** One source, built with and without relaxed SIMD (for its integer dot product alone) and shared memory. */
export interface KernelBuild {
  readonly relaxed: boolean;
  readonly threads: boolean;
}

export const kernelFiles = ["baseline.wasm", "baseline-threads.wasm", "relaxed.wasm", "relaxed-threads.wasm"] as const;
export type KernelFile = (typeof kernelFiles)[number];

export function kernelFile({ relaxed, threads }: KernelBuild): KernelFile {
  if (relaxed) return threads ? "relaxed-threads.wasm" : "relaxed.wasm";
  return threads ? "baseline-threads.wasm" : "baseline.wasm";
}

/** Whether this engine has SIMD at all, without which no build runs: a module whose one function makes a vector. */
export function hasSimd(): boolean {
  return WebAssembly.validate(
    Uint8Array.of(
      ...[0, 97, 115, 109, 1, 0, 0, 0], // "\0asm", version 1
      ...[1, 5, 1, 96, 0, 1, 123], // type () → v128
      ...[3, 2, 1, 0], // one function of that type
      ...[10, 8, 1, 6, 0, 65, 1, 253, 15, 11], // i8x16.splat
    ),
  );
}

/** Whether this engine has relaxed SIMD: a module whose one function swizzles. */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(
    Uint8Array.of(
      ...[0, 97, 115, 109, 1, 0, 0, 0], // "\0asm", version 1
      ...[1, 5, 1, 96, 0, 1, 123], // type () → v128
      ...[3, 2, 1, 0], // one function of that type
      ...[10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11], // i8x16.relaxed_swizzle
    ),
  );
}

/** Whether threads can share memory. Some engines (WebKitGTK) call a page isolated and have nothing to share all the same. */
export function hasSharedMemory(): boolean {
  const { crossOriginIsolated = true } = globalThis as { crossOriginIsolated?: boolean }; // absent in Node
  return crossOriginIsolated && typeof SharedArrayBuffer !== "undefined";
}
