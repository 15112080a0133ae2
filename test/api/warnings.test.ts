// What is odd about a model's files but runs: the library tells it, the command line says it.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { open } from "../../src/index.ts";
import { lfm2 } from "../cli/lfm2.ts";
import { writeGguf } from "../formats/gguf/gguf-writer.ts";
import { tinyMetadata, tinyTensors } from "../formats/tiny-model.ts";

const folder = mkdtempSync(join(tmpdir(), "lfm2-warnings-"));
afterAll(() => rmSync(folder, { recursive: true }));

const withoutBias = writeGguf(
  tinyMetadata(),
  tinyTensors().filter(({ name }) => !name.endsWith("exp_probs_b.bias")),
);
const NO_BIAS = /no layer has a router bias \(exp_probs_b\.bias\)/;

describe("warnings", () => {
  it("are the model's, and none where nothing is odd", async () => {
    const odd = await open(new Blob([withoutBias]), { contextLength: 8 });
    expect(odd.warnings).toEqual([expect.stringMatching(NO_BIAS)]);
    const embedded = await open(undefined, { contextLength: 8 });
    expect(embedded.warnings).toEqual([]);
    await Promise.all([odd.close(), embedded.close()]);
  });

  it("are on standard error of every command that opens files, and a section of inspect", async () => {
    const path = join(folder, "odd.gguf");
    writeFileSync(path, withoutBias);
    const [inspected, asJson, quantized, ran] = await Promise.all([
      lfm2(["inspect", path]),
      lfm2(["inspect", path, "--json"]),
      lfm2(["quantize", path, "-o", join(folder, "q8.gguf"), "--type", "Q8_0"]),
      lfm2(["logits", "-m", path, "--ids", "1", "-c", "8", "-o", join(folder, "logits.safetensors")]),
    ]);
    expect(inspected.stdout).toMatch(new RegExp(`^warnings\n.*${NO_BIAS.source}`, "m"));
    expect(JSON.parse(asJson.stdout).warnings).toEqual([expect.stringMatching(NO_BIAS)]);
    for (const { code, stderr } of [quantized, ran]) {
      expect(stderr).toMatch(new RegExp(`^warning: .*${NO_BIAS.source}`, "m"));
      expect(code).toBe(0);
    }
  });
});
