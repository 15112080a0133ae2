// What GGUF says of each token: `tokenizer.ggml.token_type`. Source: gguf-py constants.py, TokenType.
export const NORMAL = 1;
export const UNKNOWN = 2;
/** Matched whole; left out where special tokens are. */
export const CONTROL = 3;
/** Matched whole, but text nevertheless: `<think>`. */
export const USER_DEFINED = 4;
/** Pads the table up to the embedding's rows. */
export const UNUSED = 5;

/** For files that state no types: LFM2's control tokens all look like `<|im_end|>`. */
export function typeByLook(text: string): number {
  return /^<\|.+\|>$/.test(text) ? CONTROL : NORMAL;
}
