import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadTensor, readSafetensors, type SafeTensor } from "../../src/formats/hf/safetensors.ts";
import { type OpenOptions, open } from "../../src/index.ts";
import { openFile } from "../../src/sources/disk.ts";
import { golden, lfm2, nanoGolden } from "./lfm2.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lfm2-logits-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function readLogits(path: string) {
  const file = await openFile(path);
  try {
    const { tensors } = await readSafetensors(file);
    expect([...tensors.keys()].sort()).toEqual(["input_ids", "logits"]);
    const { dtype, shape } = tensors.get("logits") as SafeTensor;
    const ids = tensors.get("input_ids") as SafeTensor;
    expect([dtype, ids.dtype]).toEqual(["F32", "I64"]);
    return { shape, data: await loadTensor(file, tensors.get("logits")!), ids: await loadTensor(file, ids) };
  } finally {
    await file.close();
  }
}

async function libraryLogits(source: string | undefined, ids: number[], options: OpenOptions): Promise<Float32Array> {
  const model = await open(source, options);
  try {
    return (await model.logits(ids)).data;
  } finally {
    await model.close();
  }
}

describe("lfm2 logits", () => {
  const moeSmall = `${golden}transformers/moe-small`;
  const runs: readonly [what: string, model: string | undefined, vocabSize: number, flags: string[], OpenOptions][] = [
    ["the embedded model", undefined, 2048, [], {}],
    ["a folder without tokenizer, exact", moeSmall, 320, ["--mode", "exact"], { mode: "exact" }],
    ["the same on the reference", moeSmall, 320, ["--backend", "reference"], { backend: "reference" }],
  ];
  for (const [what, model, vocabSize, flags, options] of runs) {
    it(`writes the library's bits: ${what}`, async () => {
      const output = join(folder, `${what}.safetensors`);
      const ids = [1, 6, 250, 3];
      const where = model === undefined ? [] : ["-m", model];
      const { code, stdout } = await lfm2(["logits", ...where, ...flags, "--ids", ids.join(), "-o", output]);
      expect([code, stdout]).toEqual([0, ""]);
      const found = await readLogits(output);
      expect(found.shape).toEqual([ids.length, vocabSize]);
      expect([...found.ids].map(Number)).toEqual(ids);
      expect(found.data).toEqual(await libraryLogits(model, ids, options));
    });
  }

  it("replaces a file as a whole, and leaves nothing else behind", async () => {
    const own = mkdtempSync(join(folder, "own-"));
    const output = join(own, "out.safetensors");
    writeFileSync(output, "old");
    const args = ["logits", "--ids", "1", "-o", output];
    const refused = await lfm2(args);
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/found one\. Name another, or replace it/),
    ]);
    expect((await lfm2([...args, "--force"])).code).toBe(0);
    expect((await readLogits(output)).shape).toEqual([1, 2048]);
    expect(readdirSync(own)).toEqual(["out.safetensors"]);
  });

  it("encodes a prompt with the beginning-of-text token, and tells the highest logits as JSON", async () => {
    const prompt = nanoGolden[0].prompt.replace("<|startoftext|>", "");
    const { code, stdout } = await lfm2(["logits", "--prompt", prompt, "--json", "--mode", "exact"]);
    expect(code).toBe(0);
    const { model, shape, ids, top } = JSON.parse(stdout);
    expect([model, shape]).toEqual(["lfm2-nano", [13, 2048]]);
    expect(ids.slice(0, 4)).toEqual([1, 6, 330, 214]);
    expect(top).toHaveLength(5);
    expect(top[0]).toEqual({ id: 14, logit: expect.closeTo(16.74, 0), text: "<think>" });
    expect(top.map(({ logit }: { logit: number }) => logit)).toEqual(
      [...top.map(({ logit }: { logit: number }) => logit)].sort((a, b) => b - a),
    );
  });

  it("tells the same to people where no file is asked for", async () => {
    const { code, stdout } = await lfm2(["logits", "-m", moeSmall, "--ids", "1,2"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^The 5 highest logits after the last of 2 positions:\n(?: +\d+ +-?\d+\.\d{5}\n){5}$/);
  });
});
