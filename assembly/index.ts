// Every export on one page: the contract with src/wasm/kernels.ts. Addresses, counts and numbers only.
export { attention } from "./ops/attention";
export { causalConv } from "./ops/causal-conv";
export { add, addBias, mul, scale, sigmoid } from "./ops/elementwise";
export { expertLinear, expertLinearPacked, groupByExpert, packExpertTiles } from "./ops/expert-linear";
export { firstMasked } from "./finite";
export { FIFTH_MASK, HIGH_MASK, NIBBLE_MASK, SCALE_MASK, WORD_NIBBLE_MASK } from "./ops/gemv";
export { storeKv } from "./ops/kv-cache";
export { embed, embedPacked, linear, linearPacked, packTiles } from "./ops/linear";
export { packRows } from "./formats/packed";
export { quantize, recordBytes } from "./q8";
export { rmsNorm } from "./ops/rms-norm";
export { rope, ropeAngles } from "./ops/rope";
export { swiglu } from "./ops/swiglu";
export { gather, normalize, topK, weightedSum } from "./ops/top-k";
