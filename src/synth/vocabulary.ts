// A made-up tokenizer of a real one's size: its special tokens in their places, all bytes, and words of syllables.

import type { GgufValue } from "../formats/gguf/value.ts";
import { integers, scalar, strings } from "../formats/gguf/write.ts";
import { Lfm2Error } from "../lfm2-error.ts";
import { BYTE_CHARACTERS } from "../tokenizer/byte-alphabet.ts";
import { CONTROL, NORMAL, UNUSED, USER_DEFINED } from "../tokenizer/token-types.ts";

// Every LFM2 tokenizer begins its special tokens with these eight, from the id before BOS on.
const FIRST = ["pad", "startoftext", "endoftext", "fim_pre", "fim_mid", "fim_suf", "im_start", "im_end"];
const PAD = 0;
const BOS = 1;
const EOS = 7;
const TOOLS = ["tool_list_start", "tool_list_end", "tool_call_start", "tool_call_end"];
const RESPONSES = ["tool_response_start", "tool_response_end"];
const THINKING = ["<think>", "</think>"];

interface Special {
  readonly text: string;
  readonly type: number;
}

const control = (name: string): Special => ({ text: `<|${name}|>`, type: CONTROL });
const thinking = THINKING.map((text): Special => ({ text, type: USER_DEFINED }));
/** What LFM2's tokenizer has between its tool tokens and its words. */
const LFM2_RESERVED = { from: 14, to: 396, thinkId: 64_400 };
/** Special tokens of LFM2.5's tokenizer, all in one run; what follows pads the embedding. */
const LFM2_5_SPECIALS = 124;

/** A vocabulary too small for what every tokenizer must have. */
export class VocabularyError extends Lfm2Error {
  override readonly name = "VocabularyError";
}

/**
 * The `tokenizer.*` metadata.
 *
 * @param bosId  1: LFM2's layout, special tokens first; above: LFM2.5's, ordinary tokens first
 * @throws VocabularyError when `vocabSize` leaves no room for the special tokens and 256 bytes
 */
export function madeUpTokenizer(vocabSize: number, bosId: number): Map<string, GgufValue> {
  const first = bosId - BOS;
  const specials = new Map(first === 0 ? lfm2Specials(vocabSize) : runFrom(first, lfm2_5Specials()));
  const end = first === 0 ? vocabSize : first;
  const free = end - (first === 0 ? specials.size : 0);
  if (free < BYTE_CHARACTERS.length || first + specials.size > vocabSize) {
    throw new VocabularyError({
      subject: "vocab_size",
      expected: `room for 256 bytes and ${specials.size} special tokens`,
      found: `${vocabSize} with bos_token_id ${bosId}`,
      remedy: "Use a config with a larger vocabulary.",
    });
  }
  const { words, merges } = madeUpWords(free);
  const tokens: string[] = [];
  const types: number[] = [];
  for (let id = 0, word = 0; id < vocabSize; id++) {
    const special = specials.get(id);
    const isWord = special === undefined && id < end;
    tokens.push(special?.text ?? (isWord ? words[word++] : `[PAD${id}]`));
    types.push(special?.type ?? (isWord ? NORMAL : UNUSED));
  }
  return new Map([
    ["tokenizer.ggml.model", scalar("str", "gpt2")],
    ["tokenizer.ggml.pre", scalar("str", "lfm2")],
    ["tokenizer.ggml.tokens", strings(tokens)],
    ["tokenizer.ggml.token_type", integers(types)],
    ["tokenizer.ggml.merges", strings(merges)],
    ["tokenizer.ggml.bos_token_id", scalar("u32", first + BOS)],
    ["tokenizer.ggml.eos_token_id", scalar("u32", first + EOS)],
    ["tokenizer.ggml.padding_token_id", scalar("u32", first + PAD)],
    ["tokenizer.ggml.add_bos_token", scalar("bool", first === 0)],
    ["tokenizer.chat_template", scalar("str", CHAT_TEMPLATE)],
  ]);
}

/** The shape that all LFM2 templates share. */
const CHAT_TEMPLATE = `{{- bos_token -}}
{%- for message in messages -%}
{{- "<|im_start|>" + message["role"] + "\\n" + message["content"] + "<|im_end|>\\n" -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- "<|im_start|>assistant\\n" -}}{%- endif -%}`;

function runFrom(first: number, specials: readonly Special[]): [number, Special][] {
  return specials.map((special, i) => [first + i, special]);
}

function lfm2Specials(vocabSize: number): [number, Special][] {
  const run = [...FIRST, ...TOOLS, ...RESPONSES].map(control);
  const { from, to, thinkId } = LFM2_RESERVED;
  if (vocabSize <= thinkId + thinking.length) return runFrom(0, [...run, ...thinking]);
  const reserved = Array.from({ length: to - from }, (_, i) => control(`reserved_${i + from - 10}`));
  return [...runFrom(0, [...run, ...reserved]), ...runFrom(thinkId, thinking)];
}

function lfm2_5Specials(): Special[] {
  const run = [...FIRST.map(control), ...thinking, ...TOOLS.map(control)];
  const reserved = Array.from({ length: LFM2_5_SPECIALS - run.length }, (_, i) => control(`reserved_${i}`));
  return [...run, ...reserved];
}

/** Bytes, then "ba", " ba", " bako", " bakodu"; each word is one merge of two before it. Given: count ≥ 256 */
function madeUpWords(count: number): { words: string[]; merges: string[] } {
  const words = [...BYTE_CHARACTERS];
  const merges: string[] = [];
  const join = (left: string, right: string): string => {
    if (words.length < count) {
      words.push(left + right);
      merges.push(`${left} ${right}`);
    }
    return left + right;
  };
  const syllables = [..."bdfghjklmnprstvz"].flatMap((c) => [..."aeiou"].map((v) => join(c, v)));
  let stems = [BYTE_CHARACTERS[0x20]];
  while (words.length < count) {
    const longer: string[] = [];
    for (const stem of stems) {
      for (const syllable of syllables) longer.push(join(stem, syllable));
      if (words.length === count) break;
    }
    stems = longer;
  }
  return { words, merges };
}
