// Every export on one page: the contract with src/wasm/kernels.ts. Addresses, counts and numbers only.
export { quantize } from "./q8";
export { linear, linearInt8, embed } from "./linear";
export { groupByExpert, expertLinear, expertLinearInt8 } from "./expert-linear";
export { rmsNorm } from "./rms-norm";
export { add, mul, scale, addBias, sigmoid } from "./elementwise";
export { swiglu } from "./swiglu";
export { topK, gather, normalize, weightedSum } from "./top-k";
export { causalConv } from "./causal-conv";
export { rope } from "./rope";
export { storeKv } from "./kv-cache";
export { attention } from "./attention";
