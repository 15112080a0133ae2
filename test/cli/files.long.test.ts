// The commands that write models: quantize, convert, synth.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import { diskFolder } from "../../src/sources/disk.ts";
import { closeAll } from "../formats/golden-files.ts";
import { small } from "../synth/small.ts";
import { ending, golden, lfm2, start } from "./lfm2.ts";

const nano = `${golden}nano/lfm2-nano-Q4_0.gguf`;
const hf = `${golden}nano/hf`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lfm2-files-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("lfm2 quantize", () => {
  it("writes a file and says what is in it", async () => {
    const output = join(folder, "q8.gguf");
    const { code, stdout, stderr } = await lfm2(["quantize", hf, "-o", output, "--type", "Q8_0"]);
    expect([code, stdout]).toEqual([0, ""]);
    expect(stderr).toMatch(/^Wrote .*q8\.gguf \(11\.9 MB\) in .*: weights 21\.7 MB → 11\.8 MB, 54\.5 %\.$/m);
    expect(stderr).toMatch(/^ {2}Q8_0 +133 tensors +10\.7 M weights +11\.4 MB$/m);
    const checkpoint = await openCheckpoint(diskFolder(folder), "q8.gguf");
    await closeAll(checkpoint);
    expect(checkpoint.tensors.get("model.embed_tokens.weight")?.format).toBe("Q8_0");
    expect(checkpoint.metadata.get("general.name")).toBe("hf");
  });

  it("does not replace a file without --force, and then as a whole", async () => {
    const own = mkdtempSync(join(folder, "own-"));
    const output = join(own, "model.gguf");
    writeFileSync(output, "mine");
    const args = ["quantize", nano, "-o", output, "--type", "q8_0"];
    const refused = await lfm2(args);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(
      "model.gguf: expected no file of this name, found one. Name another, or replace it",
    );
    expect(readFileSync(output, "utf8")).toBe("mine");
    const forced = await lfm2([...args, "--force"]);
    expect(forced.code).toBe(0);
    expect(forced.stderr).toContain(
      "Some weights were quantized before (Q4_0); quantizing the original model would lose",
    );
    expect(readFileSync(output, "latin1").slice(0, 4)).toBe("GGUF");
    expect(readdirSync(own)).toEqual(["model.gguf"]);
  });

  it("gives the numbers that --quantize gives at load", async () => {
    const [file, atLoad] = ["file", "load"].map((name) => join(folder, `${name}.safetensors`));
    const quantized = join(folder, "q4km.gguf");
    await lfm2(["quantize", hf, "-o", quantized, "--type", "Q4_K_M"]);
    const logits = ["logits", "--ids", "1,6,330", "--mode", "exact"];
    const { stderr } = await lfm2([...logits, "-m", hf, "--quantize", "Q4_K_M", "-o", atLoad]);
    expect(stderr).toContain("wasm exact · weights to Q4_K_M · KV f32");
    await lfm2([...logits, "-m", quantized, "-o", file]);
    expect(Buffer.compare(readFileSync(atLoad), readFileSync(file))).toBe(0);
  });
});

describe("lfm2 convert", () => {
  it("writes a folder that opens", async () => {
    const output = join(folder, "hf");
    const { code, stdout, stderr } = await lfm2(["convert", nano, "-o", output]);
    expect([code, stdout]).toEqual([0, ""]);
    expect(stderr).toMatch(/: 21\.7 MB of BF16 weights, config\.json, .*tokenizer\.json, .*model\.safetensors\.$/m);
    const run = await lfm2([
      "run",
      "-m",
      output,
      "-p",
      "What is the capital of Poland?",
      "--greedy",
      "--mode",
      "exact",
    ]);
    expect(run.stdout).toBe("The capital of Poland is Warsaw.\n");
  });

  it("takes an empty folder, and none that has something in it", async () => {
    const output = join(folder, "empty");
    mkdirSync(output);
    expect((await lfm2(["convert", nano, "-o", output, "--type", "F32"])).code).toBe(0);
    const again = await lfm2(["convert", nano, "-o", output]);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain("expected a new or empty folder, found 6 files in it. Name another one.");
    expect(readdirSync(folder).filter((name) => name.endsWith(".part"))).toEqual([]);
  });
});

describe("lfm2 synth", () => {
  it("writes the same file for the same seed", async () => {
    const config = join(folder, "config.json");
    writeFileSync(config, JSON.stringify(small));
    const outputs = ["a", "b", "c"].map((name) => join(folder, `${name}.gguf`));
    const seeds = ["5", "5", "6"];
    for (const [i, output] of outputs.entries()) {
      const args = ["synth", "--config", config, "--quant", "Q4_0", "--layers", "2", "-s", seeds[i], "-o", output];
      expect((await lfm2(args)).code).toBe(0);
    }
    const [a, b, c] = outputs.map((output) => readFileSync(output));
    expect([a.equals(b), a.equals(c)]).toEqual([true, false]);
    expect((await lfm2(["inspect", outputs[0]])).stdout).toContain("2 layers, 1 conv and 1 attention");
  });

  it("leaves nothing behind when Ctrl-C stops it", async () => {
    const own = mkdtempSync(join(folder, "own-"));
    const child = start(["synth", "--shape", "lfm2-8b-a1b", "--quant", "Q8_0", "-o", join(own, "big.gguf")]);
    const ended = ending(child);
    while (!readdirSync(own).some((name) => name.endsWith(".part"))) await new Promise((done) => setTimeout(done, 5));
    child.kill("SIGINT");
    expect(await ended).toEqual({ code: 130, stdout: "", stderr: "" });
    expect(readdirSync(own)).toEqual([]);
  });
});

describe("wrong usage of the commands that write models ends with 2 and says why", () => {
  const types = "Q4_0, Q8_0, Q4_K_M, Q5_K_M, Q6_K, F16, BF16, F32";
  const cases: readonly [string, string][] = [
    ["quantize --type Q4_0 -o x.gguf", "missing required argument 'path or URL'"],
    [`quantize ${nano} --type Q4_0`, "required option '-o, --output <path>' not specified"],
    [`quantize ${nano} -o x.gguf`, "required option '--type <type>' not specified"],
    [`quantize ${nano} -o x.gguf --type Q3`, `--type: expected ${types}, found "Q3".`],
    [
      `convert ${nano} -o x --type F16`,
      "option '--type <type>' argument 'F16' is invalid. Allowed choices are BF16, F32.",
    ],
    [
      "synth --quant Q4_0 -o x.gguf",
      "synth: expected --shape lfm2-350m, lfm2-700m, lfm2-1.2b, lfm2-2.6b, lfm2.5-2.6b, lfm2-8b-a1b, lfm2.5-8b-a1b, lfm2-24b-a2b, or --config, found neither.",
    ],
    ["synth --shape lfm2-8b-a1b -o x.gguf", "required option '--quant <type>' not specified"],
    [
      "synth --shape lfm2-8b-a1b --layers 25 --quant Q4_0 -o x.gguf",
      "--layers: expected at most 24, as many as the model has, found 25.",
    ],
    [
      "run -p x --quantize Q3",
      '--quantize: expected Q4_0 or Q8_0 or Q4_K_M or Q5_K_M or Q6_K or F16 or BF16 or F32, found "Q3".',
    ],
  ];
  for (const [line, message] of cases) {
    it(`lfm2 ${line.replaceAll(golden, "golden/")}`, async () => {
      const { code, stdout, stderr } = await lfm2(line.split(" "), { cwd: folder });
      expect(stderr).toContain(`error: ${message}`);
      expect([code, stdout]).toEqual([2, ""]);
      expect(existsSync(join(folder, "x.gguf"))).toBe(false);
    });
  }
});
