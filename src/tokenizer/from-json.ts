// A vocabulary from Hugging Face's tokenizer.json and tokenizer_config.json.
import { addedTokens, type StatedToken, shown } from "./added-tokens.ts";
import { TokenizerError, type TokenizerSource } from "./source.ts";
import { asRecord, patternOf } from "./split-pattern.ts";
import { TokenTable, type Vocabulary, vocabulary } from "./vocabulary.ts";

/** @throws TokenizerError naming the key at fault */
export function vocabularyFromJson({
  tokenizer,
  config,
  endIds,
}: Extract<TokenizerSource, { kind: "json" }>): Vocabulary {
  const model = asRecord(tokenizer.model) ?? {};
  expectValue("model.type", model.type, "BPE");
  expectAbsent("normalizer", tokenizer.normalizer);
  expectAbsent("model.continuing_subword_prefix", model.continuing_subword_prefix || null);
  expectAbsent("model.end_of_word_suffix", model.end_of_word_suffix || null);
  expectAbsent("model.byte_fallback", model.byte_fallback || null);
  expectValue("decoder.type", asRecord(tokenizer.decoder)?.type, "ByteLevel");

  const table = new TokenTable();
  const vocab = asRecord(model.vocab);
  if (vocab === undefined) {
    throw new TokenizerError({ subject: "tokenizer.json, model.vocab", expected: "an object of ids", found: "none" });
  }
  for (const [text, id] of Object.entries(vocab)) table.addOrdinary(text, id, "tokenizer.json, model.vocab");
  for (const token of addedTokens(tokenizer, config)) addAdded(table, token);
  if (!Array.isArray(model.merges)) {
    const found = shown(model.merges);
    throw new TokenizerError({ subject: "tokenizer.json, model.merges", expected: "a list", found });
  }

  return vocabulary(table, model.merges, "tokenizer.json, model.merges", {
    pattern: patternOf(tokenizer.pre_tokenizer),
    ignoreMerges: model.ignore_merges === true,
    bosId: namedId(table, config, "bos_token"),
    eosId: namedId(table, config, "eos_token"),
    padId: namedId(table, config, "pad_token"),
    endIds,
    addsBos: beginsWithBos(tokenizer.post_processor, config) ?? config.add_bos_token === true,
  });
}

function addAdded(table: TokenTable, { content, id, special, subject, ...flags }: StatedToken): void {
  if (typeof content !== "string") {
    throw new TokenizerError({ subject: `${subject}.content`, expected: "a string", found: shown(content) });
  }
  const trims = Object.entries(flags).find(([, value]) => value === true);
  if (trims !== undefined) {
    throw new TokenizerError({
      subject: `${subject} (${content.slice(0, 60)})`,
      expected: `${trims[0]} false, as all of LFM2's are`,
      found: "true",
    });
  }
  table.addWhole(content, id, special, subject);
}

/** `bos_token` is the token's text, or an object with it. */
function namedId(table: TokenTable, config: Readonly<Record<string, unknown>>, key: string): number | undefined {
  const text = asRecord(config[key])?.content ?? config[key];
  if (text === undefined || text === null) return undefined;
  const id = typeof text === "string" ? table.idOf(text) : undefined;
  if (id !== undefined) return id;
  throw new TokenizerError({
    subject: `tokenizer_config.json, ${key}`,
    expected: "a token of tokenizer.json",
    found: shown(text),
  });
}

/**
 * Whether a template of the post-processor puts BOS before the text; undefined when there is no template.
 * @throws TokenizerError when it puts anything else there, or something behind the text
 */
function beginsWithBos(postProcessor: unknown, config: Readonly<Record<string, unknown>>): boolean | undefined {
  const processor = asRecord(postProcessor);
  const steps = Array.isArray(processor?.processors) ? processor.processors : [processor];
  const template = steps.map(asRecord).find((step) => step?.type === "TemplateProcessing");
  if (template === undefined) return undefined;
  const single: unknown[] = Array.isArray(template.single) ? template.single : [];
  const tokens = single.flatMap((piece) => asRecord(asRecord(piece)?.SpecialToken)?.id ?? []);
  const hasText = asRecord(asRecord(single.at(-1))?.Sequence) !== undefined;
  const bos = asRecord(config.bos_token)?.content ?? config.bos_token ?? "<|startoftext|>";
  if (
    hasText &&
    single.length === tokens.length + 1 &&
    (tokens.length === 0 || (tokens.length === 1 && tokens[0] === bos))
  ) {
    return tokens.length === 1;
  }
  throw new TokenizerError({
    subject: "tokenizer.json, post_processor",
    expected: `the text, after ${bos} or nothing, as in LFM2`,
    found: JSON.stringify(template.single)?.slice(0, 200) ?? "nothing",
    remedy: "Open an LFM2 checkpoint.",
  });
}

function expectValue(key: string, found: unknown, expected: string): void {
  if (found === expected) return;
  throw new TokenizerError({
    subject: `tokenizer.json, ${key}`,
    expected: `"${expected}"`,
    found: shown(found),
    remedy: "Open an LFM2 checkpoint.",
  });
}

function expectAbsent(key: string, found: unknown): void {
  if (found === undefined || found === null) return;
  throw new TokenizerError({
    subject: `tokenizer.json, ${key}`,
    expected: "none, as in LFM2",
    found: shown(found),
    remedy: "Open an LFM2 checkpoint.",
  });
}
