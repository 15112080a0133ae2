// The mixes of block formats that a model can be written in, by the names that llama.cpp gives them.

/** Each with the number GGUF files state for it. Source: llama.h, enum llama_ftype. */
export const fileTypes = {
  Q4_0: 2,
  Q8_0: 7,
  Q4_K_M: 15,
  Q5_K_M: 17,
  Q6_K: 18,
  F16: 1,
  BF16: 32,
  F32: 0,
} as const;

export type QuantizationType = keyof typeof fileTypes;

export const quantizationTypes = Object.keys(fileTypes) as readonly QuantizationType[];
