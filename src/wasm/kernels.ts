// The kernels as JavaScript sees them: addresses, counts and numbers in one linear memory. See assembly/index.ts.

/** Addresses are bytes from the start of the memory; `begin`, `end` cut the work so that workers can share it. */
export interface Kernels {
  quantize(to: number, x: number, n: number): void;
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
  linearInt8(
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
  ): void;
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
  groupByExpert(ids: number, choices: number, experts: number, begins: number, order: number): void;
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
  expertLinearInt8(
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
  ): void;
  rmsNorm(y: number, x: number, w: number, runs: number, n: number, eps: number): void;
  add(y: number, a: number, b: number, n: number): void;
  mul(y: number, a: number, b: number, rows: number, cols: number, strideA: number, strideB: number): void;
  scale(y: number, x: number, factor: number, n: number): void;
  addBias(y: number, x: number, bias: number, rows: number, cols: number): void;
  sigmoid(y: number, x: number, n: number): void;
  swiglu(y: number, gate: number, up: number, n: number): void;
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
  rope(y: number, x: number, frequency: number, rows: number, cols: number, half: number, start: number): void;
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
    scores: number,
  ): void;
}

/** Where the compiled kernels lie, beside this file in the sources and in the package. */
export const baselineUrl = new URL("./baseline.wasm", import.meta.url);

/** One instance over one memory. Synchronous, so a module of any size needs a worker in a browser. */
export function instantiateKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernels {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
}
