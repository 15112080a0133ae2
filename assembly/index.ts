// All kernels on one page: what src/wasm may call. Its types are generated from here. Arguments are addresses, counts and
// numbers.
export { copyBytes } from "./copy";
export { HALVES_MASK, HALVES_SCALE, WORD_MASK } from "./f16";
export { firstMasked } from "./finite";
export { UPPER_HALVES } from "./widen";
export { quantize } from "./int8-activations";
export { attention } from "./ops/attention";
export { causalConv } from "./ops/causal-conv";
export { add, addBias, mul, scale, sigmoid } from "./ops/elementwise";
export { expertLinear, expertLinearPacked, groupByExpert, packExpertTiles } from "./ops/expert-linear";
export { copyPage, storeKv } from "./ops/kv-cache";
export { embed, embedPacked, linear, linearPacked, packTiles } from "./ops/linear";
export { rmsNorm } from "./ops/rms-norm";
export { rope, ropeAngles } from "./ops/rope";
export { swiglu, swigluInt8 } from "./ops/swiglu";
export { gather, normalize, topK, weightedSum } from "./ops/top-k";
export { packRows } from "./packed/formats";
export { NIBBLE_MASK, WORD_NIBBLE_MASK } from "./packed/nibbles";
export { FIFTH_MASK } from "./packed/q4_k";
export { HIGH_MASK } from "./packed/q6_k";
export { BYTE_MASK, SIGNED_BYTES } from "./packed/q8_0";
