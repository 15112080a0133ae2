// How fast an answer came, on one line.
import type { Summary } from "../index.ts";
import { formatDuration, formatInteger, threeDigits } from "./quantities.ts";

/** The first token belongs to the prompt: its time is in prefillMs. */
export function tokensPerSecond({ newTokens, decodeMs }: Summary): number | undefined {
  return newTokens > 1 && decodeMs > 0 ? ((newTokens - 1) * 1000) / decodeMs : undefined;
}

export function speedLine(summary: Summary): string {
  const { promptTokens, cachedTokens, newTokens, prefillMs, finishReason, stopped } = summary;
  const speed = tokensPerSecond(summary);
  const read = cachedTokens > 0 ? `prefill ${formatInteger(promptTokens - cachedTokens)} of` : "prompt";
  return [
    tokens(newTokens),
    speed === undefined ? undefined : `${threeDigits(speed)} tok/s`,
    `${read} ${tokens(promptTokens)} in ${formatDuration(prefillMs)}`,
    finishReason === "length" ? "cut at the length limit" : undefined,
    stopped === undefined ? undefined : `stopped at ${JSON.stringify(stopped)}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

function tokens(count: number): string {
  return `${formatInteger(count)} token${count === 1 ? "" : "s"}`;
}
