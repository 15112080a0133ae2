// The tokens that a Hugging Face folder adds to its vocabulary: those of tokenizer.json, then those of
// tokenizer_config.json, in the order in which transformers numbers them.
import { TokenizerError } from "./source.ts";
import { asRecord } from "./split-pattern.ts";

type Settings = Readonly<Record<string, unknown>>;

/** A token that is matched whole, as a file states it: unchecked, except for the content of tokenizer_config.json's. */
export interface StatedToken {
  readonly content: unknown;
  readonly id: unknown;
  readonly special: boolean;
  readonly lstrip?: unknown;
  readonly rstrip?: unknown;
  readonly single_word?: unknown;
  /** For messages. */
  readonly subject: string;
}

/** In transformers' order; any other key that ends in `_token` comes after them. */
const NAMED = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

/**
 * A text that the vocabulary has keeps its id, whatever else is stated; another one gets the next id.
 *
 * @throws TokenizerError when added_tokens_decoder states another id than that, or a key has no list where it must
 * @source transformers 5.18.0, tokenization_utils_tokenizers.py, TokenizersBackend.__init__; tokenizers,
 *         added_vocabulary.rs, add_tokens
 */
export function addedTokens(tokenizer: Settings, config: Settings): StatedToken[] {
  const vocab = asRecord(asRecord(tokenizer.model)?.vocab) ?? {};
  const listed = tokenizer.added_tokens ?? [];
  if (!Array.isArray(listed)) {
    throw new TokenizerError({ subject: "tokenizer.json, added_tokens", expected: "a list", found: shown(listed) });
  }
  const own = listed.map((token, index): StatedToken => {
    const stated = asRecord(token);
    const { content, id, special, lstrip, rstrip, single_word } = stated ?? {};
    const subject = `tokenizer.json, added_tokens[${index}]`;
    return { content, id, special: special === true, lstrip, rstrip, single_word, subject };
  });

  const others: StatedToken[] = [];
  const ids = new Map(own.map(({ content, id }) => [content, id]));
  let next = own.reduce((most, { id }) => Math.max(most, Number(id) + 1 || 0), Object.keys(vocab).length);
  const add = (stated: unknown, subject: string, statedId?: number): void => {
    const { content, special = true, lstrip, rstrip, single_word } = asRecord(stated) ?? { content: stated };
    if (typeof content !== "string" || content === "") {
      throw new TokenizerError({ subject, expected: "a token's text", found: shown(content) });
    }
    const known = ids.get(content) ?? (Object.hasOwn(vocab, content) ? vocab[content] : undefined);
    if (known === undefined && statedId !== undefined && statedId !== next) {
      throw new TokenizerError({
        subject,
        expected: `${shown(content)} in tokenizer.json, or the next id, ${next}`,
        found: statedId,
        remedy: "Take tokenizer.json and tokenizer_config.json from the same model.",
      });
    }
    const id = known ?? next++;
    ids.set(content, id);
    others.push({ content, id, special: special === true, lstrip, rstrip, single_word, subject });
  };

  for (const [id, token] of decoderOf(config)) add(token, `tokenizer_config.json, added_tokens_decoder["${id}"]`, id);
  for (const [key, stated] of namedTokens(config)) {
    const text = asRecord(stated)?.content ?? stated;
    const isKnown = ids.has(text) || Object.hasOwn(vocab, String(text));
    // A BOS or EOS that is not a token yet is refused elsewhere; the values of add_bos_token and its kin are not texts.
    if (typeof text !== "string" || text === "" || (!isKnown && /^(?:bos|eos)_token$/.test(key))) continue;
    add({ ...asRecord(stated), content: text, special: true }, `tokenizer_config.json, ${key}`);
  }
  for (const [key, token] of extraTokens(config)) {
    if (!ids.has(asRecord(token)?.content ?? token)) add(token, `tokenizer_config.json, ${key}`);
  }
  return [...own, ...others];
}

/** The entries of added_tokens_decoder, by id. */
function decoderOf(config: Settings): [number, unknown][] {
  const stated = config.added_tokens_decoder ?? {};
  const decoder = asRecord(stated);
  if (decoder === undefined) {
    const subject = "tokenizer_config.json, added_tokens_decoder";
    throw new TokenizerError({ subject, expected: "an object of tokens by id", found: shown(stated) });
  }
  const entries = Object.entries(decoder).map(([id, token]): [number, unknown] => [Number(id), token]);
  return entries.sort(([a], [b]) => a - b);
}

/** Those that have a name, which makes them special: `pad_token`, `image_token`, members of extra_special_tokens. */
function namedTokens(config: Settings): [string, unknown][] {
  const otherNames = Object.keys(config).filter((key) => key.endsWith("_token") && !NAMED.includes(key));
  const members = Object.entries(asRecord(config.extra_special_tokens) ?? {});
  return [
    ...[...NAMED, ...otherNames].map((key): [string, unknown] => [key, config[key]]),
    ...members.map(([name, token]): [string, unknown] => [`extra_special_tokens.${name}`, token]),
  ];
}

/** Those without a name; transformers 4 wrote additional_special_tokens. */
function extraTokens(config: Settings): [string, unknown][] {
  const key = isEmpty(config.extra_special_tokens) ? "additional_special_tokens" : "extra_special_tokens";
  const stated = config[key] ?? [];
  if (Array.isArray(stated)) return stated.map((token, i) => [`${key}[${i}]`, token]);
  if (asRecord(stated) !== undefined && key === "extra_special_tokens") return [];
  throw new TokenizerError({
    subject: `tokenizer_config.json, ${key}`,
    expected: "a list of tokens",
    found: shown(stated),
  });
}

const isEmpty = (value: unknown): boolean => Object.keys(value ?? {}).length === 0;

/** As much of a value as fits into a message. */
export const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 80) ?? "nothing";
