// The caller's thread keeps its turns while the text thread has long work, and hears of it when that has no end.
import { afterEach, describe, expect, it } from "vitest";
import type { StoredTokenizer } from "../../src/formats/checkpoint.ts";
import { startNodeText } from "../../src/text/start-node.ts";
import { createText, type ModelText } from "../../src/text/text.ts";
import { BYTE_CHARACTERS } from "../../src/tokenizer/byte-alphabet.ts";
import { least } from "../least.ts";
import { nanoJson } from "../tokenizer/nano.ts";
import { watchTurns } from "./turns.ts";

/** What is promised is 50 ms; three times that, for a machine that does other work beside. Building takes some 270 ms. */
const MOST_GAP_MS = 150;

let text: ModelText | undefined;
afterEach(() => text?.close());

function textOf(changes: object): ModelText {
  const { tokenizer, config } = nanoJson();
  const bytes = new TextEncoder().encode(JSON.stringify({ ...tokenizer, ...changes }));
  const stored: StoredTokenizer = { kind: "json", tokenizer: bytes, config: { add_bos_token: config.add_bos_token } };
  return createText(startNodeText, { tokenizer: stored, chatTemplate: undefined, embeddingRows: undefined });
}

describe("the caller of the text thread", () => {
  it("keeps its turns while a tokenizer of 65,536 tokens is built, and while it encodes", async () => {
    // Every byte and every pair of bytes but those that end in the last one: 256 + 256 · 255.
    const merges = BYTE_CHARACTERS.flatMap((a) => BYTE_CHARACTERS.slice(0, 255).map((b) => [a, b]));
    const tokens = [...BYTE_CHARACTERS, ...merges.map((pair) => pair.join(""))];
    const model = { ...nanoJson().tokenizer.model, vocab: Object.fromEntries(tokens.map((t, id) => [t, id])), merges };
    const [gap] = await least([MOST_GAP_MS], async () => {
      const inThread = textOf({ model, added_tokens: [], post_processor: null });
      const turns = watchTurns();
      const { vocabSize, encode, decode } = await inThread.tokenizer();
      const said = "seven more words for a model ".repeat(500);
      expect(decode(await encode(said))).toBe(said);
      const longest = turns();
      expect(vocabSize).toBe(65_536);
      await inThread.close();
      return [longest];
    });
    expect(gap).toBeLessThan(MOST_GAP_MS);
  });

  it("is told of a split pattern that backtracks without end, and can go on", async () => {
    const [split, byteLevel] = [
      { type: "Split", pattern: { Regex: "(?:[a-z]+)+!|\\s|[^\\s]" }, behavior: "Isolated", invert: false },
      { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
    ];
    text = textOf({ pre_tokenizer: { type: "Sequence", pretokenizers: [split, byteLevel] } });
    const { encode, decode } = await text.tokenizer();
    const [gap] = await least([MOST_GAP_MS], async () => {
      const turns = watchTurns();
      const [hopeless, next] = await Promise.allSettled(["a".repeat(50), "so! on"].map((said) => encode(said)));
      const longest = turns();
      expect(hopeless).toMatchObject({
        reason: {
          name: "TokenizerError",
          message: "text: expected ids for 50 characters, found no end of it within 1 s.",
        },
      });
      expect(decode(next.status === "fulfilled" ? next.value : [])).toBe("so! on");
      return [longest];
    });
    expect(gap).toBeLessThan(MOST_GAP_MS);
  });
});
