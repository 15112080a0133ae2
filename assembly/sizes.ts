// The sizes by which src/wasm plans memory, as the kernels state them. A module of its own, which needs no memory.
export { activationBytes, BLOCK_LENGTH } from "./int8-activations";
export { floatScratch } from "./float-product";
export { KV_F16, KV_F32, KV_INT8, kvHeadBytes } from "./ops/kv-cache";
export { attentionScratch } from "./ops/online-softmax";
export { STRIP_ROWS, stripBytes } from "./packed/formats";
export { TILE_SCRATCH, TILE_TOKENS } from "./packed/sums";
