// Every export on one page: the contract with src/wasm/kernels.ts. Addresses, counts and numbers only.
export { attention } from "./attention";
export { causalConv } from "./causal-conv";
export { add, addBias, mul, scale, sigmoid } from "./elementwise";
export { expertLinear, expertLinearPacked, groupByExpert, packExpertTiles } from "./expert-linear";
export { firstMasked } from "./finite";
export { FIFTH_MASK, HIGH_MASK, NIBBLE_MASK, SCALE_MASK, WORD_NIBBLE_MASK } from "./gemv";
export { storeKv } from "./kv-cache";
export { embed, embedPacked, linear, linearPacked, packTiles } from "./linear";
export { packRows } from "./packed";
export { quantize, recordBytes } from "./q8";
export { rmsNorm } from "./rms-norm";
export { rope, ropeAngles } from "./rope";
export { swiglu } from "./swiglu";
export { gather, normalize, topK, weightedSum } from "./top-k";
