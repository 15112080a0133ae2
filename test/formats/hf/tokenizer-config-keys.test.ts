// Keys of tokenizer_config.json: those of the published kind say nothing, one that might change ids is told.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { writeSafetensors } from "../../../src/formats/hf/safetensors.ts";
import { openCheckpoint } from "../../../src/formats/open-checkpoint.ts";
import { golden } from "../../model/run.ts";
import { folderOf, tinyConfig, tinyHfTensors } from "../tiny-model.ts";

const published = JSON.parse(readFileSync(golden("nano/hf/tokenizer_config.json"), "utf8"));

async function warningsOf(tokenizerConfig: object): Promise<readonly string[]> {
  const files = {
    "config.json": JSON.stringify(tinyConfig),
    "model.safetensors": writeSafetensors(tinyHfTensors()),
    "tokenizer_config.json": JSON.stringify(tokenizerConfig),
  };
  const checkpoint = await openCheckpoint(folderOf(files), undefined);
  await Promise.all(checkpoint.files.map((file) => file.close()));
  return checkpoint.warnings;
}

describe("tokenizer_config.json", () => {
  it("of the published kind gives no warning, nor what is false or null", async () => {
    expect(await warningsOf({ ...published, add_prefix_space: false, split_special_tokens: null })).toEqual([]);
  });

  it.each(["add_prefix_space", "split_special_tokens", "add_eos_token", "do_lower_case"])(
    "is told of where it says %s",
    async (key) => {
      expect(await warningsOf({ ...published, [key]: true })).toEqual([
        expect.stringMatching(`tokenizer_config\\.json: unknown key, which is not used: "${key}"`),
      ]);
    },
  );
});
