// The builds of the kernels: their files, and which of them an engine can run.
import { dotProductOfBytes, takesWholeBytes } from "./dot-product.ts";

/**
 * How products of integers are made, from one source and with the same bits: by the SIMD that every engine has; by the dot
 * product of relaxed SIMD; or, also relaxed, by products whose sums of two have 16 bits, where the dot product is slow.
 */
export const kernelBuilds = ["baseline", "relaxed", "relaxed-pairs"] as const;
export type KernelBuildName = (typeof kernelBuilds)[number];

export interface KernelBuild {
  readonly name: KernelBuildName;
  /** With shared memory. */
  readonly threads: boolean;
}

export const kernelFiles = kernelBuilds.flatMap((name) => [
  kernelFile({ name, threads: false }),
  kernelFile({ name, threads: true }),
]);
export type KernelFile = `${KernelBuildName}${"" | "-threads"}.wasm`;

export function kernelFile({ name, threads }: KernelBuild): KernelFile {
  return `${name}${threads ? "-threads" : ""}.wasm`;
}

/** Whether a build has its activations in 8 bits, where the other has them in 16. */
export function isRelaxed(name: KernelBuildName): boolean {
  return name !== "baseline";
}

/** The builds that give the right bits on this engine, the fastest first. */
export function usableBuilds(): readonly [KernelBuildName, ...KernelBuildName[]] {
  if (!hasRelaxedSimd()) return ["baseline"];
  return takesWholeBytes(dotProductOfBytes())
    ? ["relaxed", "relaxed-pairs", "baseline"]
    : ["relaxed-pairs", "baseline"];
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
