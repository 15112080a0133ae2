// What an answer took, in OpenAI's names and in llama.cpp's.
import type { Summary, TokenFacts, TokenReport } from "../../index.ts";
import type { Figures } from "../answer.ts";

type Taken = Summary & Partial<Pick<Figures, "reasoningTokens">>;

/** @param each  answers to each prompt, which counts once */
export function usageOf(all: readonly Taken[], each = all.length): object {
  const sum = (of: readonly Taken[], what: (figures: Taken) => number): number =>
    of.reduce((total, figures) => total + what(figures), 0);
  const first = all.filter((_, i) => i % each === 0);
  const prompt = sum(first, ({ promptTokens }) => promptTokens);
  const completion = sum(all, ({ newTokens }) => newTokens);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: sum(first, ({ cachedTokens }) => cachedTokens) },
    completion_tokens_details: { reasoning_tokens: sum(all, ({ reasoningTokens = 0 }) => reasoningTokens) },
  };
}

/** @source llama.cpp, tools/server: `timings` */
export function timingsOf(summary: Summary): object {
  const { promptTokens, cachedTokens, newTokens, guessedTokens, acceptedTokens, prefillMs, decodeMs } = summary;
  const read = promptTokens - cachedTokens;
  const perSecond = (tokens: number, ms: number): number => (ms > 0 ? (1000 * tokens) / ms : 0);
  return {
    cache_n: cachedTokens,
    prompt_n: read,
    prompt_ms: prefillMs,
    prompt_per_second: perSecond(read, prefillMs),
    predicted_n: newTokens,
    predicted_ms: decodeMs,
    predicted_per_second: perSecond(newTokens - 1, decodeMs),
    draft_n: guessedTokens,
    draft_n_accepted: acceptedTokens,
  };
}

export function logprobsOf(tokens: readonly TokenReport[]): object {
  return {
    content: tokens.map(({ top = [], ...token }) => ({ ...likely(token), top_logprobs: top.map(likely) })),
    refusal: null,
  };
}

function likely({ text = "", bytes, logprob = 0 }: Omit<TokenFacts, "id">): object {
  return { token: text, logprob, bytes: bytes === undefined ? null : [...bytes] };
}
