// The kernels as JavaScript sees them: addresses, counts and numbers in one linear memory. See assembly/index.ts.

/** Kernels that workers share: `begin` and `end` cut the work, `scratch` belongs to one worker. */
export interface SharedKernels {
  quantize(to: number, x: number, begin: number, end: number): void;
  linear(
    format: number,
    y: number,
    w: number,
    x: number,
    tokens: number,
    rows: number,
    cols: number,
    rowBytes: number,
    begin: number,
    end: number,
    scratch: number,
  ): void;
  packTiles(tiles: number, x: number, cols: number, begin: number, end: number): void;
  linearPacked(
    format: number,
    y: number,
    w: number,
    x: number,
    tiles: number,
    tokens: number,
    rows: number,
    cols: number,
    begin: number,
    end: number,
    scratch: number,
  ): void;
  expertLinear(
    format: number,
    y: number,
    w: number,
    x: number,
    perRow: number,
    experts: number,
    begins: number,
    order: number,
    rows: number,
    cols: number,
    rowBytes: number,
    begin: number,
    end: number,
    scratch: number,
  ): void;
  packExpertTiles(
    tiles: number,
    x: number,
    perRow: number,
    experts: number,
    begins: number,
    order: number,
    cols: number,
    begin: number,
    end: number,
  ): void;
  expertLinearPacked(
    format: number,
    y: number,
    w: number,
    x: number,
    tiles: number,
    perRow: number,
    experts: number,
    begins: number,
    order: number,
    rows: number,
    cols: number,
    begin: number,
    end: number,
    scratch: number,
  ): void;
  rmsNorm(y: number, x: number, w: number, n: number, eps: number, begin: number, end: number): void;
  swiglu(y: number, gate: number, up: number, begin: number, end: number): void;
  attention(
    type: number,
    y: number,
    q: number,
    k: number,
    v: number,
    capacity: number,
    rows: number,
    start: number,
    heads: number,
    kvHeads: number,
    headDim: number,
    begin: number,
    end: number,
    scratch: number,
  ): void;
}

export interface Kernels extends SharedKernels {
  packRows(format: number, to: number, from: number, strips: number, cols: number, rowBytes: number): void;
  firstMasked(blocks: number, stride: number, count: number, offset: number, mask: number): number;
  embed(
    format: number,
    y: number,
    w: number,
    ids: number,
    tokens: number,
    cols: number,
    rowBytes: number,
    scratch: number,
  ): void;
  embedPacked(format: number, y: number, w: number, ids: number, tokens: number, cols: number): void;
  groupByExpert(ids: number, choices: number, experts: number, begins: number, order: number): void;
  add(y: number, a: number, b: number, n: number): void;
  mul(y: number, a: number, b: number, rows: number, cols: number, strideA: number, strideB: number): void;
  scale(y: number, x: number, factor: number, n: number): void;
  addBias(y: number, x: number, bias: number, rows: number, cols: number): void;
  sigmoid(y: number, x: number, n: number): void;
  topK(ids: number, x: number, rows: number, cols: number, k: number): void;
  gather(y: number, x: number, ids: number, rows: number, cols: number, k: number): void;
  normalize(y: number, x: number, rows: number, k: number, eps: number): void;
  weightedSum(y: number, x: number, weights: number, rows: number, cols: number, k: number): void;
  causalConv(
    y: number,
    x: number,
    w: number,
    state: number,
    next: number,
    rows: number,
    cols: number,
    width: number,
  ): void;
  ropeAngles(y: number, positions: number, frequency: number, factor: number, rows: number, half: number): void;
  rope(y: number, x: number, angles: number, rows: number, cols: number, half: number): void;
  storeKv(
    type: number,
    cache: number,
    capacity: number,
    x: number,
    rows: number,
    cols: number,
    headDim: number,
    start: number,
  ): void;
}

/** One source, built with and without relaxed SIMD (for its integer dot product alone) and shared memory. */
export interface KernelBuild {
  readonly relaxed: boolean;
  readonly threads: boolean;
}

/** Where a build lies, beside this file in the sources and in the package. Written out, so that bundlers see it. */
export function kernelUrl({ relaxed, threads }: KernelBuild): URL {
  if (relaxed && threads) return new URL("./relaxed-threads.wasm", import.meta.url);
  if (relaxed) return new URL("./relaxed.wasm", import.meta.url);
  if (threads) return new URL("./baseline-threads.wasm", import.meta.url);
  return new URL("./baseline.wasm", import.meta.url);
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

/** One instance over one memory. Synchronous, so a module of any size needs a worker in a browser. */
export function instantiateKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernels {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
}
