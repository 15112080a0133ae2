// Every export on one page: the contract with src/wasm/kernels.ts. Addresses, counts and numbers only.

export { attention } from "./attention";
export { causalConv } from "./causal-conv";
export { add, addBias, mul, scale, sigmoid } from "./elementwise";
export { expertLinear, expertLinearInt8, groupByExpert } from "./expert-linear";
export { storeKv } from "./kv-cache";
export { embed, linear, linearInt8 } from "./linear";
export { quantize } from "./q8";
export { rmsNorm } from "./rms-norm";
export { rope } from "./rope";
export { swiglu } from "./swiglu";
export { gather, normalize, topK, weightedSum } from "./top-k";
