import { describe, expect, it } from "vitest";
import { TokenizerError } from "../../src/tokenizer/source.ts";
import { createTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { type NanoJson, nanoGguf, nanoJson } from "./nano.ts";

describe("a GGUF tokenizer is refused", () => {
  const { tokens, tokenTypes, merges } = nanoGguf();
  it.each([
    [
      "another pre-tokenizer, by name",
      { pre: "qwen2" },
      'tokenizer.ggml.pre: expected "lfm2" or "llama-bpe", found "qwen2"',
    ],
    ["no pre-tokenizer", { pre: undefined }, "found nothing"],
    [
      "too few token types",
      { tokenTypes: [1] },
      "tokenizer.ggml.token_type: expected 2048 (one for each token), found 1.",
    ],
    [
      "an unknown token type",
      { tokenTypes: tokenTypes?.with(30, 9) },
      "token_type[30]: expected 1 (normal) to 5 (unused), found 9.",
    ],
    ["a token twice", { tokens: tokens.with(40, tokens[41]) }, "expected every token once, found"],
    ["a merge of three", { merges: ["a b c"] }, 'merges[0]: expected two tokens with a space between, found "a b c".'],
    ["a merge of one", { merges: [...merges, "ab"] }, "merges[1776]: expected two tokens"],
    [
      "a merge into nothing",
      { merges: ["z q"] },
      'joins "z" and "q": expected "zq" in the vocabulary, found no such token.',
    ],
    [
      "a byte without a token",
      { tokens: tokens.with(tokens.indexOf("q"), "qqqqqqqq"), merges: [] },
      "found none for 1 of them, the first being 0x71.",
    ],
    [
      "a BOS outside of it",
      { bosTokenId: 2048 },
      "tokenizer.ggml.bos_token_id: expected an id from 0 to 2047, found 2048.",
    ],
  ])("with %s", (_, changes, message) => {
    expect(() => createTokenizer(nanoGguf(changes))).toThrow(message);
    expect(() => createTokenizer(nanoGguf(changes))).toThrow(TokenizerError);
  });
});

const template = (single: readonly object[]) => ({ type: "TemplateProcessing", single });
const splitBy = (pattern: string) => ({
  type: "Sequence",
  pretokenizers: [
    { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false },
    { type: "ByteLevel", add_prefix_space: false, use_regex: false },
  ],
});

it("a sign of a line's end within a class or behind a backslash is text", () => {
  const source = nanoJson();
  (source.tokenizer as Record<string, unknown>).pre_tokenizer = splitBy("[$^]|\\$|[^$]+");
  expect(createTokenizer(source).encode("a$").length).toBeGreaterThan(0);
});

describe("a tokenizer.json is refused", () => {
  it.each<[string, (json: NanoJson) => unknown, string]>([
    [
      "another model",
      (json) => ((json.model as { type?: string }).type = "Unigram"),
      'model.type: expected "BPE", found "Unigram"',
    ],
    ["no model", (json) => delete (json as { model?: unknown }).model, 'model.type: expected "BPE", found nothing'],
    [
      "a normalizer",
      (json) => (json.normalizer = { type: "NFC" }),
      'normalizer: expected none, as in LFM2, found {"type":"NFC"}',
    ],
    [
      "a post-processor that begins with another token",
      (json) => (json.post_processor = template([{ SpecialToken: { id: "<|pad|>" } }, { Sequence: { id: "A" } }])),
      "post_processor: expected the text, after <|startoftext|> or nothing, as in LFM2, found [{",
    ],
    [
      "a post-processor that puts a token behind",
      (json) =>
        (json.post_processor = template([
          { SpecialToken: { id: "<|startoftext|>" } },
          { Sequence: { id: "A" } },
          { SpecialToken: { id: "<|im_end|>" } },
        ])),
      "post_processor: expected the text, after <|startoftext|> or nothing",
    ],
    [
      "an anchor in the pattern, which is not JavaScript's",
      (json) => (json.pre_tokenizer = splitBy("a$|[$^]|\\$|\\s+")),
      "expected a pattern without ^ and $, as LFM2's is, found a$",
    ],
    ["another decoder", (json) => (json.decoder = null), 'decoder.type: expected "ByteLevel", found nothing'],
    ["another pre-tokenizer", (json) => (json.pre_tokenizer = { type: "Metaspace" }), 'found {"type":"Metaspace"}'],
    [
      "a huge id",
      (json) => (json.model.vocab.zzzz = 2 ** 40),
      'model.vocab, "zzzz": expected an id from 0 to 1048575, found 1099511627776.',
    ],
    ["an id twice", (json) => (json.model.vocab.zzzz = 100), "expected every id once, found 100 for"],
    ["an added token elsewhere", (json) => (json.added_tokens[3].id = 9000), 'found "<|fim_pre|>" at 3 and 9000.'],
    [
      "an empty added token",
      (json) => (json.added_tokens[3].content = ""),
      "expected text, found an empty token at id 3.",
    ],
    ["an added token that trims", (json) => (json.added_tokens[3].lstrip = true), "expected lstrip false"],
    [
      "merges missing",
      (json) => delete (json.model as { merges?: unknown }).merges,
      "model.merges: expected a list, found nothing.",
    ],
    ["a merge of numbers", (json) => ((json.model.merges as unknown[])[5] = [1, 2]), "merges[5]: expected two tokens"],
  ])("with %s", (_, damage, message) => {
    const source = nanoJson();
    damage(source.tokenizer);
    expect(() => createTokenizer(source)).toThrow(message);
    expect(() => createTokenizer(source)).toThrow(TokenizerError);
  });

  it("with a pattern JavaScript cannot run", () => {
    const source = nanoJson();
    const steps = (source.tokenizer.pre_tokenizer as { pretokenizers: { pattern: unknown }[] }).pretokenizers;
    steps[0].pattern = { Regex: "(?x)a(" };
    expect(() => createTokenizer(source)).toThrow(/Split pattern.*expected one that JavaScript can run/);
  });

  it("with a bos_token that is not a token", () => {
    const source = nanoJson();
    expect(() => createTokenizer({ ...source, config: { bos_token: "<s>" } })).toThrow(
      'tokenizer_config.json, bos_token: expected a token of tokenizer.json, found "<s>".',
    );
  });
});

describe("a tokenizer_config.json is refused", () => {
  const token = (content: unknown) => ({ content, special: true });
  it.each<[string, Record<string, unknown>, string]>([
    [
      "a new token at another id than the next",
      { added_tokens_decoder: { 2050: token("<|x|>") } },
      'added_tokens_decoder["2050"]: expected "<|x|>" in tokenizer.json, or the next id, 2048, found 2050. Take',
    ],
    [
      "a list of tokens by id",
      { added_tokens_decoder: [] },
      "added_tokens_decoder: expected an object of tokens by id, found [].",
    ],
    ["a token without a text", { added_tokens_decoder: { 5: {} } }, "expected a token's text, found nothing."],
    [
      "a number as a token",
      { extra_special_tokens: [7] },
      "extra_special_tokens[0]: expected a token's text, found 7.",
    ],
    [
      "a text as a list",
      { extra_special_tokens: "<x>" },
      'extra_special_tokens: expected a list of tokens, found "<x>".',
    ],
    ["a trimming token", { extra_special_tokens: [{ content: "<x>", rstrip: true }] }, "expected rstrip false"],
    ["a long BOS that is no token", { bos_token: { content: ["x".repeat(9000)] } }, 'found ["xxxx'],
  ])("with %s", (_, config, message) => {
    const attempt = (): unknown => createTokenizer({ ...nanoJson(), config });
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(TokenizerError);
    expect(attempt).toThrow(/^.{0,400}$/s);
  });
});

describe("a tokenizer of another model", () => {
  const more = nanoGguf();
  const tokens = [...more.tokens, "<|x|>", "<|y|>"];
  it.each([1, 3, 4])("is refused, and the first of its tokens beyond the embedding named: type %i", (type) => {
    const source = nanoGguf({ tokens, tokenTypes: [...(more.tokenTypes ?? []), type, type] });
    expect(() => createTokenizer(source, 2048)).toThrow(
      'Vocabulary: expected ids below 2048, as the embedding has so many rows, found "<|x|>" at 2048 and 1 more. Take',
    );
    expect(createTokenizer(source, 2050).vocabSize).toBe(2050);
  });

  it("may pad beyond the embedding, by unused tokens and by the one that is for it", () => {
    const tokenTypes = [...(more.tokenTypes ?? []), 3, 5];
    const { encode, vocabSize } = createTokenizer(nanoGguf({ tokens, tokenTypes, padTokenId: 2048 }), 2048);
    expect(vocabSize).toBe(2048);
    expect(Math.max(...encode("<|x|><|y|>"))).toBeLessThan(2048);
    const json = nanoJson();
    const padded = createTokenizer({ ...json, config: { ...json.config, pad_token: "<|x|>" } }, 2048);
    expect(Math.max(...padded.encode("<|x|>"))).toBeLessThan(2048);
  });
});

describe("what files leave open", () => {
  it("markers of thinking and tool calls are whole tokens even when a GGUF marks them as ordinary", () => {
    const { tokenTypes } = nanoGguf();
    const ordinary = createTokenizer(
      nanoGguf({ tokenTypes: tokenTypes?.map((type, id) => ([10, 11, 14, 15].includes(id) ? 1 : type)) }),
    );
    expect(ordinary.encode("<think><|tool_call_start|><|tool_call_end|></think>")).toEqual([14, 10, 11, 15]);
    expect(ordinary.isSpecial(10)).toBe(false);
  });

  it("without token types, control tokens are told by their look", () => {
    const tokenizer = createTokenizer(nanoGguf({ tokenTypes: undefined }));
    expect(tokenizer.encode("<|im_end|><think>")).toEqual([7, 14]);
    expect([7, 14].map(tokenizer.isSpecial)).toEqual([true, false]);
  });

  it("padding tokens decode to nothing and count as rows", () => {
    const { tokens, tokenTypes } = nanoGguf();
    const tokenizer = createTokenizer(
      nanoGguf({ tokens: [...tokens, "[PAD2048]", "[PAD2049]"], tokenTypes: [...(tokenTypes ?? []), 5, 5] }),
    );
    expect(tokenizer.vocabSize).toBe(2050);
    expect(tokenizer.decode([2048, 2049])).toBe("");
    expect(tokenizer.decode(tokenizer.encode("[PAD2048]"))).toBe("[PAD2048]");
  });

  it("tokens called like properties of every object are tokens like any other", () => {
    const { tokens, tokenTypes, merges } = nanoGguf();
    const odd = ["__proto__", "constructor"];
    const tokenizer = createTokenizer(
      nanoGguf({ tokens: [...tokens, ...odd], tokenTypes: [...(tokenTypes ?? []), 1, 1], merges }),
    );
    expect(tokenizer.encode("constructor")).toEqual([2049]);
    expect(tokenizer.decode([2048, 2049])).toBe("__proto__constructor");
    expect(tokenizer.idOf("__proto__")).toBe(2048);
    expect(tokenizer.idOf("toString")).toBeUndefined();
  });

  it("BOS and EOS are found by their strings when a GGUF does not state them", () => {
    const tokenizer = createTokenizer(
      nanoGguf({ bosTokenId: undefined, eosTokenId: undefined, addBosToken: undefined }),
    );
    expect(tokenizer.bosId).toBe(1);
    expect(tokenizer.eosIds).toEqual([7, 2]);
    expect(tokenizer.addsBos).toBe(true);
  });

  it("a tokenizer.json whose template adds nothing says so", () => {
    const source = nanoJson();
    source.tokenizer.post_processor = { type: "TemplateProcessing", single: [{ Sequence: { id: "A" } }] };
    expect(createTokenizer(source).addsBos).toBe(false);
  });
});
