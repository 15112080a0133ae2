// Ordinary text to ids: byte-level BPE by @huggingface/tokenizers, which only this file knows. It gives the Rust
// library's ids once its case folding is repaired (split-pattern.ts); whole tokens and decoding are ours.
import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import { TokenizerError } from "./source.ts";
import { writeOutCaseFolding } from "./split-pattern.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Gives the ids of text in which no token is special. */
export function createBpe({ ordinary, merges, pattern, ignoreMerges }: Vocabulary): (text: string) => number[] {
  const library = openLibrary(pattern, {
    type: "BPE",
    vocab: Object.fromEntries(ordinary), // defines keys, so a token "__proto__" is one like any other
    merges,
    ignore_merges: ignoreMerges,
    unk_token: null,
    byte_fallback: false,
  });
  return (text) => library.encode(text, { add_special_tokens: false }).ids;
}

/** What is used of the library; its own types do not resolve under NodeNext. */
interface Library {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
}

function openLibrary(pattern: string, model: object): Library {
  const split = {
    type: "Split",
    pattern: { Regex: writeOutCaseFolding(pattern) },
    behavior: "Isolated",
    invert: false,
  };
  const bytes = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };
  try {
    return new LibraryTokenizer(
      {
        normalizer: null,
        pre_tokenizer: { type: "Sequence", pretokenizers: [split, bytes] },
        model,
        post_processor: null,
        decoder: null,
        added_tokens: [],
      },
      {},
    );
  } catch (cause) {
    const [subject, found] = [`Split pattern ${JSON.stringify(pattern)}`, (cause as Error).message];
    throw new TokenizerError({ subject, expected: "one that JavaScript can run", found }, { cause });
  }
}
