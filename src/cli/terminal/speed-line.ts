// How fast an answer came, on one line.
import type { Summary } from "../../index.ts";
import { formatDuration, formatInteger, formatPercent, threeDigits } from "../../quantities.ts";

/** The first token belongs to the prompt: its time is in prefillMs. */
export function tokensPerSecond({ newTokens, decodeMs }: Summary): number | undefined {
  return newTokens > 1 && decodeMs > 0 ? ((newTokens - 1) * 1000) / decodeMs : undefined;
}

export function speedLine(summary: Summary): string {
  const { promptTokens, cachedTokens, newTokens, prefillMs, finishReason, stopped } = summary;
  const { guessedTokens, acceptedTokens } = summary;
  const speed = tokensPerSecond(summary);
  const read = cachedTokens > 0 ? `prefill ${formatInteger(promptTokens - cachedTokens)} of` : "prompt";
  return [
    tokens(newTokens),
    speed === undefined ? undefined : `${threeDigits(speed)} tok/s`,
    guessedTokens === 0
      ? undefined
      : `${formatInteger(acceptedTokens)} of ${formatInteger(guessedTokens)} run ahead were right`,
    `${read} ${tokens(promptTokens)} in ${formatDuration(prefillMs)}`,
    finishReason === "length" ? "cut at the length limit" : undefined,
    stopped === undefined ? undefined : `stopped at ${JSON.stringify(stopped)}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** What a whole conversation cost. */
export interface Statistics {
  add(summary: Summary): void;
  /** @param used  tokens that the conversation takes, of the context's `total` */
  lines(used: number, total: number): string[];
}

export function createStatistics(): Statistics {
  const sum = { answers: 0, promptTokens: 0, newTokens: 0, prefillMs: 0, decodeMs: 0 };
  let decoded = 0; // first tokens belong to the prompts
  return {
    add({ promptTokens, newTokens, prefillMs, decodeMs }) {
      sum.answers++;
      sum.promptTokens += promptTokens;
      sum.newTokens += newTokens;
      sum.prefillMs += prefillMs;
      sum.decodeMs += decodeMs;
      decoded += Math.max(0, newTokens - 1);
    },
    lines(used, total) {
      const { answers, promptTokens, newTokens, prefillMs, decodeMs } = sum;
      const speed = decodeMs > 0 ? ` at ${threeDigits((decoded * 1000) / decodeMs)} tok/s` : "";
      return [
        `${formatInteger(answers)} answer${answers === 1 ? "" : "s"}: ${tokens(newTokens)}${speed}`,
        `prompts: ${tokens(promptTokens)} in ${formatDuration(prefillMs)}`,
        `context: ${formatInteger(used)} of ${tokens(total)} used (${formatPercent(used, total)})`,
      ];
    },
  };
}

function tokens(count: number): string {
  return `${formatInteger(count)} token${count === 1 ? "" : "s"}`;
}
