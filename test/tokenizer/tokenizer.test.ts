import * as library from "@huggingface/tokenizers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tokenizerOfGguf } from "../../src/formats/gguf/tokenizer.ts";
import { readTokenizerConfig } from "../../src/formats/hf/tokenizer-config.ts";
import { readTokenizer } from "../../src/formats/tokenizer-source.ts";
import { madeUpTokenizer } from "../../src/synth/vocabulary.ts";
import { writeOutCaseFolding } from "../../src/tokenizer/split-pattern.ts";
import { createTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { folderOf } from "../formats/tiny-model.ts";
import { goldenFile, nanoGguf, nanoJson } from "./nano.ts";

const sources = [
  { name: "tokenizer.json", tokenizer: createTokenizer(nanoJson()) },
  { name: "GGUF metadata", tokenizer: createTokenizer(nanoGguf()) },
];

const awkward: { cases: { text: string; ids: number[]; with_bos: number[]; decoded: string }[] } = JSON.parse(
  goldenFile("text/tokenizer.json"),
);
const many: { cases: { text: string; ids: number[] }[] } = JSON.parse(goldenFile("nano/tokenizer-2000.json"));
const broken: { cases: { ids: number[]; text: string; without_special: string }[] } = JSON.parse(
  goldenFile("text/decode.json"),
);
const splits: { patterns: Record<string, string>; cases: string[][] } = JSON.parse(goldenFile("text/split.json"));

for (const { name, tokenizer } of sources) {
  describe(`a tokenizer from ${name}`, () => {
    it("gives the ids and texts of the Rust library for awkward strings", () => {
      for (const { text, ids, with_bos, decoded } of awkward.cases) {
        expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(ids);
        expect(tokenizer.encode(text, { addBos: true })).toEqual(with_bos);
        expect(tokenizer.decode(ids)).toBe(decoded);
      }
    });

    it("gives the ids of the Rust library for 2,000 strings", () => {
      for (const { text, ids } of many.cases) expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(ids);
    });

    it("gives the texts of the Rust library for ids that are not UTF-8", () => {
      for (const { ids, text, without_special } of broken.cases) {
        expect(tokenizer.decode(ids), JSON.stringify(ids)).toBe(text);
        expect(tokenizer.decode(ids, { skipSpecial: true }), JSON.stringify(ids)).toBe(without_special);
      }
    });

    it("decodes what it encoded, for every text", () => {
      fc.assert(
        fc.property(texts, fc.boolean(), (text, parseSpecial) => {
          expect(tokenizer.decode(tokenizer.encode(text, { parseSpecial }))).toBe(text);
        }),
        { numRuns: 500 },
      );
    });

    it("streams to the same text as it decodes at once, for every sequence of ids", () => {
      const ids = fc.array(fc.integer({ min: 0, max: 2100 }), { maxLength: 40 });
      fc.assert(
        fc.property(ids, fc.boolean(), (sequence, skipSpecial) => {
          const stream = tokenizer.stream({ skipSpecial });
          const pieces = sequence.map((id) => stream.push(id));
          const whole = tokenizer.decode(sequence, { skipSpecial });
          expect(pieces.join("") + stream.end()).toBe(whole);
          for (let cut = 0; cut <= pieces.length; cut++) {
            // What is out is final, and a stream that ends here has said all that its ids say.
            const begun = tokenizer.stream({ skipSpecial });
            const out = sequence
              .slice(0, cut)
              .map((id) => begun.push(id))
              .join("");
            expect(whole.startsWith(out)).toBe(true);
            expect(out + begun.end()).toBe(tokenizer.decode(sequence.slice(0, cut), { skipSpecial }));
          }
        }),
        { numRuns: 500 },
      );
    });

    it("knows its special ids", () => {
      expect(tokenizer.bosId).toBe(1);
      expect(tokenizer.eosIds).toEqual([7, 2]);
      expect(tokenizer.addsBos).toBe(true);
      expect(tokenizer.vocabSize).toBe(2048);
      expect(tokenizer.idOf("<|im_start|>")).toBe(6);
      expect(tokenizer.idOf("<think>")).toBe(14);
      expect(tokenizer.idOf("Ġ")).toBe(236);
      expect(tokenizer.idOf("<|none|>")).toBeUndefined();
      expect(tokenizer.textOf(236)).toBe(" ");
      expect(tokenizer.textOf(7)).toBe("<|im_end|>");
      expect([7, 14, 236].map(tokenizer.isSpecial)).toEqual([true, false, false]);
    });
  });
}

// Unicode at large, and what the splitter and the whole tokens look at.
const texts = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({
    unit: fc.constantFrom(
      ..."'sſ1 \n\r\t\u0085\ufeff<|>é中😀",
      "<|im_end|>",
      "<think>",
      "</think>",
      "<|im_start|",
      "  ",
      "the",
    ),
  }),
);

const [{ tokenizer }] = sources;

// The package exports it, but its types do not resolve under NodeNext.
const { SplitPreTokenizer } = library as unknown as {
  SplitPreTokenizer: new (config: object) => { pre_tokenize(text: string): string[] };
};

describe("the split patterns", () => {
  for (const [name, pattern] of Object.entries(splits.patterns)) {
    it(`cut text as the Rust library does: ${name}`, () => {
      const split = new SplitPreTokenizer({
        type: "Split",
        pattern: { Regex: writeOutCaseFolding(pattern) },
        behavior: "Isolated",
        invert: false,
      });
      for (const pieces of splits.cases) expect(split.pre_tokenize(pieces.join(""))).toEqual(pieces);
    });
  }

  it("are the one that GGUF's `lfm2` stands for, in the checked-in files", () => {
    const json = nanoJson();
    for (const pattern of Object.values(splits.patterns)) {
      const other = structuredClone(json.tokenizer) as { pre_tokenizer?: unknown } & typeof json.tokenizer;
      (other.pre_tokenizer as { pretokenizers: { pattern: unknown }[] }).pretokenizers[0].pattern = { Regex: pattern };
      const reopened = createTokenizer({ ...json, tokenizer: other });
      for (const { text, ids } of awkward.cases) expect(reopened.encode(text)).toEqual(ids);
    }
  });
});

describe("white space", () => {
  // Unicode's White_Space, which Rust's \\s is; of these JavaScript's \\s lacks U+0085, and it has U+FEFF besides.
  const spaces = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code)).filter((c) =>
    /\p{White_Space}/u.test(c),
  );
  const others = ["\u001c", "\u001f", "\u180e", "\u200b", "\u2060", "\ufeff"];

  it("is every space of Unicode, and nothing else that is called one", () => {
    expect(spaces).toHaveLength(25);
    const cut = new Map(splits.cases.map((pieces) => [pieces.join(""), pieces]));
    for (const c of [...spaces, ...others]) {
      const pieces = cut.get(`a${c}b${c}${c}c ${c} d!${c}e${c}`);
      expect(pieces, c.charCodeAt(0).toString(16)).toBeDefined();
      // Punctuation takes what is no space with it, and newlines; other spaces stay with the word behind them.
      const isTaken = pieces?.includes(`!${c}`) === true && !/[\r\n]/.test(c);
      expect(isTaken, c.charCodeAt(0).toString(16)).toBe(!spaces.includes(c));
    }
  });
});

describe("BOS", () => {
  it("is put before a raw prompt once, also when the prompt begins with it", () => {
    expect(tokenizer.encode("a", { addBos: true })[0]).toBe(1);
    expect(tokenizer.encode("<|startoftext|>a", { addBos: true })).toEqual(tokenizer.encode("<|startoftext|>a"));
    expect(
      tokenizer.encode("<|startoftext|>a", { addBos: true, parseSpecial: false }).filter((id) => id === 1),
    ).toHaveLength(1);
    expect(tokenizer.encode("", { addBos: true })).toEqual([1]);
    expect(tokenizer.encode("a")[0]).not.toBe(1);
  });
});

describe("the longest of the added tokens that begin at a place", () => {
  const { tokens, tokenTypes, ...rest } = nanoGguf();
  const more = ["<|im", "<|im_end|>!", "<|im_end|>!?", "qend", "<|im_end|><|im_start|>"];
  const ids = more.map((_, i) => tokens.length + i);
  const nested = createTokenizer({
    ...rest,
    tokens: [...tokens, ...more],
    tokenTypes: [...(tokenTypes ?? []), 3, 3, 4, 3, 3],
  });

  it.each<[string, number[]]>([
    ["<|im_end|>!?", [ids[2]]],
    ["<|im_end|>!", [ids[1]]],
    ["<|im_end|>", [7]],
    ["<|im_end|><|im_start|>", [ids[4]]],
    ["<|im_end|><|im_end|>", [7, 7]],
    ["<|imqend", [ids[0], ids[3]]],
    ["qendqend", [ids[3], ids[3]]],
  ])("is taken from %j", (text, expected) => {
    expect(nested.encode(text)).toEqual(expected);
  });
});

describe("what the files say of BOS", () => {
  it("is told and not done: encoding puts it nowhere by itself", () => {
    for (const addBosToken of [true, false]) {
      const opened = createTokenizer(nanoGguf({ addBosToken }));
      expect(opened.addsBos).toBe(addBosToken);
      expect(opened.encode("a")).not.toContain(1);
      expect(opened.encode("a", { addBos: true })[0]).toBe(1);
    }
  });

  it("may be nothing, as in LFM2.5's tokenizer.json", () => {
    const source = nanoJson();
    source.tokenizer.post_processor = { type: "ByteLevel", trim_offsets: true };
    expect(createTokenizer({ ...source, config: { bos_token: "<|startoftext|>" } }).addsBos).toBe(false);
    expect(createTokenizer({ ...source, config: { bos_token: "<|startoftext|>", add_bos_token: true } }).addsBos).toBe(
      true,
    );
  });

  it("is never doubled, whatever the text begins with", () => {
    const starts = fc.constantFrom("", "<|startoftext|>", "<|startoftext|><|startoftext|>", "<|im_start|>", " ");
    fc.assert(
      fc.property(starts, texts, fc.boolean(), (start, text, parseSpecial) => {
        const plain = tokenizer.encode(start + text, { parseSpecial });
        const ids = tokenizer.encode(start + text, { parseSpecial, addBos: true });
        expect(ids).toEqual(plain[0] === 1 ? plain : [1, ...plain]);
      }),
    );
  });
});

describe("a vocabulary of 128,000 entries, in LFM2.5's layout", () => {
  const source = tokenizerOfGguf("made up", madeUpTokenizer(128_000, 124_894));
  if (source === undefined) throw new Error("expected a tokenizer, found none");
  const large = createTokenizer(readTokenizer(source));

  it("is whole", () => {
    expect(large.vocabSize).toBe(128_000);
    expect([large.bosId, large.eosIds, large.addsBos]).toEqual([124_894, [124_900, 124_895], false]);
    expect(large.encode("<|im_end|><think>")).toEqual([124_900, 124_901]);
    expect(large.encode(" ba", { addBos: true })).toEqual([124_894, large.idOf("Ġba")]);
  });

  it("gives the words it is made of as one id each, and every text back", () => {
    for (const id of [300, 5_000, 60_000, 65_535, 65_536, 100_000, 124_892]) {
      expect(large.encode(large.textOf(id))).toEqual([id]);
    }
    fc.assert(
      fc.property(texts, (text) => {
        expect(large.decode(large.encode(text))).toBe(text);
      }),
    );
  });
});

describe("100,000 texts", () => {
  it("come back as they were", () => {
    // One generator for all, as fast-check's own takes longer than the tokenizer.
    const [seed] = fc.sample(fc.integer(), 1);
    let state = seed | 1;
    const random = (below: number): number => {
      state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
      return ((state ^ (state >>> 13)) >>> 0) % below;
    };
    const atoms = [
      ..."aetno ESTR'.,!<|>_\n\t\r\u0085\u00a0\ufeffé中ひاहि😀𝔘",
      "<|im_end|>",
      "<think>",
      "  ",
      "the",
      "\r\n",
      "1",
      "23",
      "\u0000",
    ];
    for (let i = 0; i < 100_000; i++) {
      let text = "";
      for (let left = random(12); left >= 0; left--) {
        const code = random(0x110000);
        const isScalar = code < 0xd800 || code > 0xdfff;
        text += random(8) === 0 && isScalar ? String.fromCodePoint(code) : atoms[random(atoms.length)];
      }
      const ids = tokenizer.encode(text, { parseSpecial: random(2) === 0 });
      if (tokenizer.decode(ids) !== text) throw new Error(`seed ${seed}: ${JSON.stringify(text)} came back otherwise`);
    }
  });
});

describe("parseSpecial: false", () => {
  it("never gives a whole token, whatever the text", () => {
    const whole = new Set(Array.from({ length: 16 }, (_, id) => id));
    fc.assert(
      fc.property(texts, (text) => {
        expect(tokenizer.encode(text, { parseSpecial: false }).some((id) => whole.has(id))).toBe(false);
      }),
    );
  });

  it("does not make a whole token by merging either", () => {
    // A hostile file: the end-of-turn token is called "Ġthe", which the merges make of ordinary text.
    const { tokens, tokenTypes, ...rest } = nanoGguf();
    const the = tokens.indexOf("Ġthe");
    const hostile = createTokenizer({
      ...rest,
      tokens,
      tokenTypes: tokenTypes?.map((type, id) => (id === the ? 3 : type)),
    });
    const ids = hostile.encode("see the sea", { parseSpecial: false });
    expect(ids).not.toContain(the);
    expect(hostile.decode(ids)).toBe("see the sea");
  });
});

describe("skipSpecial", () => {
  it("leaves control tokens out and joins the bytes around them", () => {
    const ids = tokenizer.encode("<|im_start|>user\né<|im_end|><think>x</think>");
    expect(tokenizer.decode(ids, { skipSpecial: true })).toBe("user\né<think>x</think>");
    const [first, second] = tokenizer.encode("日");
    expect(tokenizer.decode([first, 7, second, ...tokenizer.encode("日").slice(2)], { skipSpecial: true })).toBe("日");
  });
});

describe("decode", () => {
  it("gives nothing for ids without a token", () => {
    expect(tokenizer.decode([2048, 127_999, -1, 1.5, Number.NaN])).toBe("");
  });

  it("gives U+FFFD for half a character, also at the end", () => {
    const [first, ...rest] = tokenizer.encode("中");
    expect(tokenizer.decode([first])).toBe("\ufffd");
    expect(tokenizer.decode([first, ...tokenizer.encode("a")])).toBe("\ufffda");
    expect(tokenizer.decode([first, ...rest])).toBe("中");
  });

  it("keeps a byte order mark", () => {
    expect(tokenizer.decode(tokenizer.encode("\ufeffa"))).toBe("\ufeffa");
  });
});

const added: {
  text: string;
  cases: {
    name: string;
    changes: Record<string, unknown>;
    files?: Record<string, object>;
    ids: number[];
    decoded_without_special: string;
  }[];
} = JSON.parse(goldenFile("text/added-tokens.json"));

describe("what files say otherwise", () => {
  const plain = createTokenizer(nanoGguf());
  const [imEnd, imStart, end] = ["<|im_end|>", "<|im_start|>", "<|endoftext|>"].map(plain.idOf) as number[];

  it("llama-bpe splits as lfm2 does", () => {
    const other = createTokenizer(nanoGguf({ pre: "llama-bpe" }));
    for (const { text } of awkward.cases) expect(other.encode(text)).toEqual(plain.encode(text));
  });

  it.each([1, 4])("control tokens of templates are whole and hidden, though typed %i", (type) => {
    const { tokenTypes } = nanoGguf();
    const typed = tokenTypes?.map((found, id) => ([imEnd, imStart].includes(id) ? type : found));
    const { encode, decode, isSpecial } = createTokenizer(nanoGguf({ tokenTypes: typed }));
    expect(encode("<|im_start|>a<|im_end|>")).toEqual(plain.encode("<|im_start|>a<|im_end|>"));
    expect(decode([imStart, imEnd], { skipSpecial: true })).toBe("");
    expect(isSpecial(imEnd)).toBe(true);
    // Where they do not count they are ordinary text.
    expect(encode("<|im_end|>", { parseSpecial: false })).not.toContain(imEnd);
  });

  it("special: false in tokenizer.json does not show them either", () => {
    const source = nanoJson();
    for (const token of source.tokenizer.added_tokens) if (token.id === imEnd) token.special = false;
    expect(createTokenizer(source).decode([imEnd], { skipSpecial: true })).toBe("");
  });

  it.each(added.cases)("files beside tokenizer.json add tokens as in transformers: $name", async (stated) => {
    const { changes, files = {}, ids } = stated;
    const source = nanoJson();
    const settings = Object.entries({ ...source.config, ...changes }).filter(([, value]) => value !== null);
    const written = { "tokenizer_config.json": Object.fromEntries(settings), ...files };
    const texts = Object.entries(written).map(([name, content]) => [name, JSON.stringify(content)]);
    const config = await readTokenizerConfig(folderOf(Object.fromEntries(texts)));
    const { encode, decode } = createTokenizer({ ...source, config: config ?? {} });
    expect(encode(added.text)).toEqual(ids);
    expect(decode(ids, { skipSpecial: true })).toBe(stated.decoded_without_special);
  });

  it("every id that any file says ends an answer does", () => {
    for (const source of [nanoGguf({ endIds: [300, imEnd] }), { ...nanoJson(), endIds: [300, imEnd] }]) {
      expect(createTokenizer(source).eosIds).toEqual([imEnd, 300, end]);
    }
  });
});
