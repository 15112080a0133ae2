// Whether a prompt leaves room for an answer.

/** A prompt does not fit the context. */
export class PromptLengthError extends Error {
  override readonly name = "PromptLengthError";
}

/**
 * How many tokens the answer may have.
 *
 * @param promptTokens   ids of the rendered prompt
 * @param contextLength  positions planned at load
 * @param atLeast        positions the answer needs (default 1)
 * @throws PromptLengthError when prompt and answer do not fit together
 */
export function roomForAnswer(promptTokens: number, contextLength: number, atLeast = 1): number {
  const room = contextLength - promptTokens;
  if (room >= atLeast) return room;
  throw new PromptLengthError(
    `Prompt: expected at most ${Math.max(0, contextLength - atLeast)} tokens (a context of ${contextLength}, ${atLeast} ` +
      `of it for the answer), found ${promptTokens}. Shorten it, leave the oldest messages out, or open the model with ` +
      "a longer context.",
  );
}
