// What a caller learns of each token: its text, its bytes, and how likely the model found it.
import type { Logprobs } from "../sampling/logprobs.ts";
import type { Detokenizer } from "../tokenizer/detokenizer.ts";

export interface TokenFacts {
  readonly id: number;
  /** Half a character is U+FFFD here. Absent, like `bytes`, when the model has no tokenizer. */
  readonly text?: string;
  /** UTF-8; empty for an id without a token. */
  readonly bytes?: Uint8Array;
  /** ln of the probability that the model itself gave the token; absent without `topLogprobs`. */
  readonly logprob?: number;
}

export interface TokenReport extends TokenFacts {
  /** The most likely tokens in its place, from the likeliest down; absent without `topLogprobs`. */
  readonly top?: readonly TokenFacts[];
}

export function reportToken(tokenizer: Detokenizer | undefined, id: number, logprobs?: Logprobs): TokenReport {
  const facts = (id: number): TokenFacts => {
    if (tokenizer === undefined) return { id };
    const text = tokenizer.textOf(id);
    return { id, text, bytes: tokenizer.bytesOf(id) ?? new TextEncoder().encode(text) };
  };
  if (logprobs === undefined) return facts(id);
  const top = logprobs.top.map(({ id, logprob }) => ({ ...facts(id), logprob }));
  return { ...facts(id), logprob: logprobs.logprob, top };
}
