import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { StoredTokenizer } from "../../src/formats/checkpoint.ts";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import { readTokenizer } from "../../src/formats/tokenizer-source.ts";
import { diskFolder } from "../../src/sources/disk.ts";
import { createTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { goldenFile } from "./nano.ts";

const { cases }: { cases: { text: string; ids: number[] }[] } = JSON.parse(goldenFile("nano/tokenizer-2000.json"));

describe("the embedded model's files as they are read", () => {
  for (const [folder, file] of [
    ["nano", "lfm2-nano-Q4_0.gguf"],
    ["nano/hf", undefined],
  ] as const) {
    it(`give the ids of the Rust library: ${folder}/${file ?? ""}`, async () => {
      const checkpoint = await openCheckpoint(
        diskFolder(fileURLToPath(new URL(`../../golden/${folder}`, import.meta.url))),
        file,
      );
      await Promise.all(checkpoint.files.map((source) => source.close()));
      const tokenizer = createTokenizer(readTokenizer(checkpoint.tokenizer as StoredTokenizer));
      for (const { text, ids } of cases) expect(tokenizer.encode(text)).toEqual(ids);
      expect([tokenizer.bosId, tokenizer.eosIds, tokenizer.addsBos]).toEqual([1, [7, 2], true]);
      expect(checkpoint.chatTemplate).toBe(goldenFile("nano/chat_template.jinja"));
    });
  }
});
