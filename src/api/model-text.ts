// A model's text side, where its files have one.
import { OptionError } from "../options/option-error.ts";
import type { ModelText, ModelTokenizer } from "../text/text.ts";

/** @throws OptionError where the files have no tokenizer */
export function needText(text: ModelText | undefined): ModelText {
  if (text !== undefined) return text;
  throw new OptionError({
    subject: "text",
    expected: "a tokenizer in the model's files",
    found: "none",
    remedy: "Use `generate` or `logits` with ids.",
  });
}

/** Undefined where the files have none, or a damaged one: ids can still be run. */
export async function tokenizerIfAny(text: ModelText | undefined): Promise<ModelTokenizer | undefined> {
  try {
    return await text?.tokenizer();
  } catch (error) {
    const { name } = error as Error;
    if (name === "TokenizerError" || name === "FormatError") return undefined;
    throw error;
  }
}
