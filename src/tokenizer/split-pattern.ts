// How text is cut into words before merging, and what a Rust pattern needs to mean the same in JavaScript.
import { TokenizerError } from "./source.ts";

/**
 * LFM2's pattern, which is Llama 3's; GGUF names it `lfm2`. LFM2.5's file words it differently and splits the same.
 *
 * @source llama.cpp, src/llama-vocab.cpp, LLAMA_VOCAB_PRE_TYPE_LLAMA3
 */
export const LFM2_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const LFM25_PATTERN =
  "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s";

// Letters outside ASCII that Unicode's simple case folding puts beside an ASCII one: ſ (U+017F) and the Kelvin sign.
const FOLDED_ALIKE: Record<string, string> = { s: "\u017f", k: "\u212a" };

/**
 * Writes out the case-insensitive groups of a pattern: `(?i:'s)` → `(?:'[sS\u017f])`.
 *
 * @huggingface/tokenizers 0.2.0 folds ASCII only, so it splits "it'ſ" otherwise than the Rust library; JavaScript's own
 * `(?i:…)` is missing from Node 20. The rest it translates correctly, `\s` as \p{White_Space} included.
 */
export function writeOutCaseFolding(pattern: string): string {
  return pattern.replace(/\(\?i:((?:[A-Za-z'|]|\[[A-Za-z']+\])*)\)/g, (_, body: string) => {
    const written = body.replace(/\[([^\]]*)\]|[A-Za-z]/g, (piece, inClass: string | undefined) => {
      return `[${Array.from(inClass ?? piece, bothCases).join("")}]`;
    });
    return `(?:${written})`;
  });
}

function bothCases(letter: string): string {
  const lower = letter.toLowerCase();
  const upper = letter.toUpperCase();
  return lower === upper ? letter : lower + upper + (FOLDED_ALIKE[lower] ?? "");
}

/** The pattern of tokenizer.json's pre_tokenizer: Split by a pattern, then ByteLevel without one of its own. */
export function patternOf(preTokenizer: unknown): string {
  const steps = asRecord(preTokenizer)?.pretokenizers;
  const [split, byteLevel, ...rest] = Array.isArray(steps) ? steps.map(asRecord) : [];
  const pattern = asRecord(split?.pattern)?.Regex;
  if (
    split?.type === "Split" &&
    typeof pattern === "string" &&
    split.behavior === "Isolated" &&
    split.invert !== true &&
    byteLevel?.type === "ByteLevel" &&
    byteLevel.add_prefix_space !== true &&
    byteLevel.use_regex === false &&
    rest.length === 0
  ) {
    refuseAnchors(pattern);
    return pattern;
  }
  const found = JSON.stringify(preTokenizer)?.slice(0, 200) ?? "nothing";
  throw new TokenizerError({
    subject: "tokenizer.json, pre_tokenizer",
    expected: "a Sequence of Split (a Regex, Isolated) and ByteLevel (no prefix space, no regex), as LFM2 has it",
    found,
    remedy: "Open an LFM2 checkpoint.",
  });
}

/** `^` and `$` are a line's ends to the Rust library, and the text's in JavaScript. */
function refuseAnchors(pattern: string): void {
  const outside = pattern.replace(/\\.|\[(?:\\.|[^\]\\])*\]/gs, "");
  if (!/[$^]/.test(outside)) return;
  throw new TokenizerError({
    subject: "tokenizer.json, pre_tokenizer",
    expected: "a pattern without ^ and $, as LFM2's is",
    found: pattern.slice(0, 200),
    remedy: "Open an LFM2 checkpoint.",
  });
}

/** Whether a pattern is one that GGUF calls `lfm2`: LFM2's, or LFM2.5's, which splits alike. */
export const isLfm2Pattern = (pattern: string): boolean => pattern === LFM2_PATTERN || pattern === LFM25_PATTERN;

export function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
