import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readConfig } from "../../src/model/config.ts";
import { createWeights, type Weights } from "../../src/model/weights.ts";
import { tinyGguf } from "../formats/tiny-model.ts";
import { golden, lfm2 } from "./lfm2.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lfm2-inspect-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const lfm2Config = readFileSync(new URL("../../src/picture/lfm2-8b-a1b.json", import.meta.url), "utf8");

/** The published checkpoint's shapes, as a file of its full size in which every weight is a hole on disk. */
function writeHollowCheckpoint(path: string): void {
  const header: Record<string, object> = {};
  let at = 0;
  const add = (name: string, dtype: "BF16" | "F32", shape: number[]): void => {
    const bytes = shape.reduce((product, axis) => product * axis, dtype === "BF16" ? 2 : 4);
    header[name] = { dtype, shape, data_offsets: [at, at + bytes] };
    at += bytes;
  };
  createWeights(readConfig(JSON.parse(lfm2Config)), ({ path: name, role, rows, cols, experts }) => {
    if (name.endsWith("expert_bias")) add(name, "F32", [cols]);
    else if (experts === 1) add(`${name}.weight`, "BF16", role === "vector" && rows === 1 ? [cols] : [rows, cols]);
    else {
      const projection = name.split(".").at(-1);
      for (let e = 0; e < experts; e++) add(name.replace(/[^.]+$/, `${e}.${projection}.weight`), "BF16", [rows, cols]);
    }
    return {} as Weights["embedTokens"];
  });
  const json = Buffer.from(JSON.stringify(header));
  const file = openSync(path, "w");
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeSync(file, length);
  writeSync(file, json);
  ftruncateSync(file, 8 + json.length + at);
  closeSync(file);
}

const kinds: readonly [what: string, args: () => string[], expected: RegExp[]][] = [
  [
    "the embedded model",
    () => [],
    [
      /^lfm2-nano$/m,
      /lfm2_moe: 24 layers, 18 conv and 6 attention; 2 dense and 22 sparse/,
      /Q4_0 +132 +10\.5 M/,
      /<\|im_end\|> \(7, tokenizer\.ggml\.eos_token_id\)/,
    ],
  ],
  [
    "a GGUF file without chat template",
    () => [tiny()],
    [/GGUF v3/, /2 layers, 1 conv and 1 attention/, /chat template +none/],
  ],
  [
    "a dense GGUF file",
    () => ["-m", `${golden}gguf-dense/Q8_0.gguf`],
    [/architecture +lfm2: 5 layers, 3 conv and 2 attention$/m],
  ],
  ["a GGUF file in K-quants", () => [`${golden}gguf/Q4_K.gguf`], [/^ +Q4_K +\d+ .* 4\.50$/m]],
  [
    "a Hugging Face folder",
    () => [`${golden}nano/hf`],
    [/^hf$/m, /safetensors/, /\(generation_config\.json\)/, /BF16/],
  ],
  [
    "a model whose context was stretched",
    () => [`${golden}transformers/moe-yarn`],
    [/RoPE base 100, YaRN scaling by 4 from 32$/m],
  ],
  [
    "one safetensors file",
    () => [`${golden}transformers/moe-small/model.safetensors`],
    [/2 of 8 experts/, /tokenizer +none/],
  ],
];

function tiny(): string {
  const path = join(folder, "tiny.gguf");
  writeFileSync(path, tinyGguf());
  return path;
}

describe("lfm2 inspect", () => {
  for (const [what, args, expected] of kinds) {
    it(`tells what ${what} is`, async () => {
      const { code, stdout } = await lfm2(["inspect", ...args()]);
      expect(code).toBe(0);
      for (const pattern of expected) expect(stdout).toMatch(pattern);
      expect(stdout).toMatch(/^memory \(wasm int8, KV f16, context [\d,]+\)$/m);
    });
  }

  it("gives the same as JSON, with every tensor on request", async () => {
    const { code, stdout } = await lfm2(["inspect", "--json", "--tensors", "--context", "1000", "--kv-type", "int8"]);
    expect(code).toBe(0);
    const found = JSON.parse(stdout);
    expect(found).toMatchObject({
      name: "lfm2-nano",
      source: "embedded",
      container: "GGUF v3",
      fileBytes: 6664960,
      config: { numHiddenLayers: 24, numExperts: 32 },
      tokenizer: { tokens: 2048, bos: { id: 1, text: "<|startoftext|>" } },
    });
    expect(found.layers).toHaveLength(24);
    expect(found.layers[2]).toMatchObject({ index: 2, operator: "attention", feedForward: "sparse" });
    expect(found.tensors).toHaveLength(256);
    const sum = (of: (tensor: { bytes: number; parameters: number }) => number): number =>
      found.tensors.reduce((total: number, tensor: { bytes: number; parameters: number }) => total + of(tensor), 0);
    expect(found.parameters).toBe(sum(({ parameters }) => parameters));
    const inLayers = found.layers.reduce(
      (total: number, layer: Record<"operatorSize" | "feedForwardSize", { bytes: number }>) =>
        total + layer.operatorSize.bytes + layer.feedForwardSize.bytes,
      0,
    );
    expect(inLayers + found.outside.bytes).toBe(sum(({ bytes }) => bytes));
    // 6 attention layers, 2 × 32 pages of 32 positions × (64 int8 and 2 float32 scales); for each of 4 sequences
    // 18 convolutions, 2 × (2 + 15 that a guess may take back) × 128 float32;
    // every cache in whole pairs of cache lines.
    expect(found.memory.stateBytes).toBe(6 * 2 * 32 * 32 * (64 + 8) + 4 * 18 * 2 * (2 + 15) * 128 * 4);
    expect(found.memory.totalBytes).toBe(found.memory.banks[0].bytes);
  });

  it("lists tensors by name, format and shape", async () => {
    const { stdout } = await lfm2(["inspect", "--tensors"]);
    expect(stdout).toMatch(/^ +model\.layers\.2\.feed_forward\.experts\.w1 +Q4_0 +32 × 32 × 128 +73\.7 kB$/m);
  });

  it("counts LFM2-8B-A1B and plans its banks without reading its 16.7 GB", async () => {
    writeFileSync(join(folder, "config.json"), lfm2Config);
    writeHollowCheckpoint(join(folder, "model.safetensors"));
    const begin = performance.now();
    const { code, stdout } = await lfm2(["inspect", folder, "--json"]);
    expect(code).toBe(0);
    expect(performance.now() - begin).toBeLessThan(20_000); // reading would take longer on most disks
    const found = JSON.parse(stdout);
    // Counts by formula; docs/lfm2.md has them part by part.
    expect([found.parameters, found.activeParameters]).toEqual([8_339_930_560, 1_557_740_992]);
    expect(found.memory.banks.length).toBeGreaterThan(4);
    for (const { bytes } of found.memory.banks) expect(bytes).toBeLessThanOrEqual(2 ** 32);
    const units = found.memory.banks.flatMap((bank: { units: string[] }) => bank.units);
    expect([...units].sort()).toEqual(["model", ...Array.from({ length: 24 }, (_, i) => `model.layers.${i}`)].sort());
    const text = (await lfm2(["inspect", folder])).stdout;
    expect(text).toContain("8.34 B, 1.56 B of them at work per token");
    expect(text).toMatch(/^ +0 +embedding, layers 0–\d+ /m);
  });

  it("draws the layers", async () => {
    const path = join(folder, "layers.svg");
    const { code, stderr } = await lfm2(["inspect", "--svg", path]);
    expect(code).toBe(0);
    expect(stderr).toContain(`Wrote ${path}.`);
    expect(readFileSync(path, "utf8")).toMatch(/^<svg .*lfm2-nano: 24 layers[\s\S]*<\/svg>\n$/);
    const again = await lfm2(["inspect", "--svg", path]);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("or replace it with --force.")]);
    expect((await lfm2(["inspect", "--svg", path, "--force"])).code).toBe(0);
  });
});
