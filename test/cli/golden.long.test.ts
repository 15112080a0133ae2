import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TensorToWrite, writeSafetensors } from "../../src/formats/hf/safetensors.ts";
import { goldenTensors } from "../model/run.ts";
import { golden, lfm2 } from "./lfm2.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lfm2-golden-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("lfm2 golden check", () => {
  it.each(["wasm", "reference"])("finds golden/transformers/moe-small kept to, case by case: %s", async (backend) => {
    const folder = `${golden}transformers/moe-small`;
    const { code, stdout } = await lfm2(["golden", "check", folder, "--backend", backend, "--json"]);
    const { passed, checks } = JSON.parse(stdout);
    expect([code, passed, checks.length]).toEqual([0, true, 4 * 45 + 1]);
    // Another program's numbers are never these to the last bit.
    expect(checks.some(({ gap }: { gap: { maxAbs: number } }) => gap.maxAbs > 0)).toBe(true);
  });

  /** What another program might write: transformers' tensors over 17 positions, some of them changed. */
  async function foreign(file: string, change: (name: string, data: Float32Array | Int32Array) => boolean | undefined) {
    const tensors = new Map<string, TensorToWrite>();
    for (const [name, { shape, data }] of await goldenTensors("transformers/moe-small/len17.safetensors")) {
      if (change(name, data) === false) continue;
      tensors.set(name, { dtype: data instanceof Int32Array ? "I32" : "F32", shape, data });
    }
    const path = join(folder, file);
    writeFileSync(path, writeSafetensors(tensors));
    return path;
  }
  const check = (path: string, ...more: string[]) =>
    lfm2(["golden", "check", `${golden}transformers/moe-small`, "--trace", path, ...more]);

  it("takes another program's tensors, knows its case by the ids, and lists experts in any order", async () => {
    const same = await check(await foreign("same.safetensors", () => undefined));
    expect([same.code, same.stdout]).toEqual([0, expect.stringMatching(/\n {2}len17 +45 .* ok\n/)]);

    const turned = await foreign("turned.safetensors", (name, data) => {
      if (/\.gate\.(experts|weights)$/.test(name))
        for (let i = 0; i < data.length; i += 2) data.subarray(i, i + 2).reverse();
      return undefined;
    });
    expect((await check(turned)).code).toBe(0);
  });

  it("names the tensor that is off, how far, where, and why so much and no more is allowed", async () => {
    const name = "model.layers.3.conv";
    const off = await foreign("off.safetensors", (path, data) => {
      if (path === name) data[2 * 64 + 5] += 0.5;
      return undefined;
    });
    const { code, stdout } = await check(off);
    expect(code).toBe(1);
    expect(stdout).toMatch(/\n {2}len17 +45 {2}model\.layers\.3\.conv +0\.5 .* 1 outside\n/);
    expect(stdout).toContain(`len17, ${name} [17, 64]: not close (transformers itself differs by 1e-5`);
    expect(stdout).toContain(
      "Mismatched elements: 1 / 1088 (0.1%)\n  Greatest absolute difference: 0.5 at index (2, 5) (up to",
    );
  });

  it("calls a wrong expert wrong, a missing tensor missing, and another shape another shape", async () => {
    const experts = "model.layers.3.feed_forward.gate.experts";
    const wrong = await foreign("wrong.safetensors", (name, data) => {
      if (name === experts) data[6] = (data[6] + 1) % 8 === data[7] ? (data[6] + 2) % 8 : (data[6] + 1) % 8;
      return name !== "model.layers.4.ffn_norm";
    });
    const { code, stdout } = await check(wrong);
    expect(code).toBe(1);
    expect(stdout).toContain(`${experts} [17, 2]: not close (an expert is chosen or not)`);
    // Those that are there are compared, the others listed; those that are asked for have to be there.
    expect(stdout).toContain("\nNot recorded: model.layers.4.ffn_norm\n");
    const asked = await check(wrong, "--points", "lm_head", "model.layers.4.*");
    expect([asked.code, asked.stdout]).toEqual([
      1,
      expect.stringContaining("model.layers.4.ffn_norm [17, 64]: expected a tensor of this shape, found nothing."),
    ]);
    expect((await check(wrong, "--points", "lm_head", "model.layers.{0..3}.conv")).code).toBe(0);
    expect((await check(wrong, "--points", "model.layers.9")).code).toBe(2);
  });

  it("calls a row too many another shape, and a tensor that the golden does not have by its name", async () => {
    const tensors = new Map<string, TensorToWrite>();
    for (const [name, { shape, data }] of await goldenTensors("transformers/moe-small/len17.safetensors")) {
      if (name === "logits") {
        const longer = Float32Array.from([...data, ...data.subarray(0, 320)]);
        tensors.set(name, { dtype: "F32", shape: [18, 320], data: longer });
      } else if (/ids$|layers\.1$/.test(name)) {
        tensors.set(name, { dtype: data instanceof Int32Array ? "I32" : "F32", shape, data });
      }
    }
    tensors.set("mine", { dtype: "F32", shape: [1, 1], data: Float32Array.of(1) });
    const path = join(folder, "longer.safetensors");
    writeFileSync(path, writeSafetensors(tensors));
    const { code, stdout } = await check(path);
    expect(code).toBe(1);
    expect(stdout).toContain("lm_head [17, 320]: expected a tensor of this shape, found [18, 320].");
    expect(stdout).toMatch(/\nNot recorded: model\.embed_tokens, .*\nNot in the golden: mine\n$/);
  });

  it("writes JUnit XML and annotations of GitHub Actions", async () => {
    const off = await foreign("junit.safetensors", (path, data) => {
      if (path === "model.layers.3.conv") data[2 * 64 + 5] += 0.5;
      return undefined;
    });
    const report = join(folder, "lfm2.xml");
    const { code, stdout } = await check(off, "--junit", report, "--github");
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /\n::error title=golden [^\n]*moe-small::len17, model\.layers\.3\.conv \[17, 64\]: not close [^\n]*%0A {2}Mismatched elements: 1 \/ 1088 \(0\.1%25\)%0A/,
    );
    const xml = readFileSync(report, "utf8");
    expect(xml).toMatch(
      /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<testsuites tests="45" failures="1" errors="0" time="[\d.]+">\n/,
    );
    expect(xml).toContain('    <testcase classname="len17" name="model.layers.3"/>\n');
    expect(xml).toMatch(
      /<testcase classname="len17" name="model\.layers\.3\.conv">\n {6}<failure message="len17, model\.layers\.3\.conv \[17, 64\]: not close [^"]*">/,
    );
    expect((await check(off, "--junit", report)).stderr).toContain("or replace it with --force.");
    const same = await check(await foreign("same-again.safetensors", () => undefined), "--github");
    expect(same.stdout).not.toContain("::");
  });

  it("refuses options that would be ignored, by name", async () => {
    const ignored = [
      ["--map", "hf"],
      ["--trace", "x.safetensors", "--threads", "2"],
    ];
    const errors = [
      "--map: expected none with a model, whose points have the golden's names, found one.",
      "--threads: expected none with --trace, for nothing is run, found one.",
    ];
    for (const [i, flags] of ignored.entries()) {
      const { code, stderr } = await lfm2(["golden", "check", `${golden}transformers/moe-small`, ...flags]);
      expect([code, stderr]).toEqual([2, expect.stringContaining(errors[i])]);
    }
  });

  it("refuses a run of other ids, a file that shares no point, and a golden that is none", async () => {
    const other = await foreign("other.safetensors", (name, data) => {
      if (name === "input_ids") data[0] = 20;
      return undefined;
    });
    expect((await check(other)).stderr).toContain("expected a run of the ids of one case, found 0 that fit");
    const alien = join(folder, "alien.safetensors");
    writeFileSync(alien, writeSafetensors(new Map([["x", { dtype: "F32", shape: [1, 1], data: Float32Array.of(1) }]])));
    const { code, stderr } = await check(alien, "--case", "len1");
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining("expected at least one of the golden's points, found none"),
    ]);
    expect((await check(alien, "--case", "len9")).code).toBe(2);
    const none = await lfm2(["golden", "check", folder]);
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining("golden.json, found no such file")]);
  });
});

describe("lfm2 golden make", () => {
  it("writes what both backends keep to, in the graph's own names, wherever the folder goes with its model", async () => {
    const home = mkdtempSync(join(folder, "home-"));
    cpSync(`${golden}transformers/moe-small/model.safetensors`, join(home, "model.safetensors"));
    cpSync(`${golden}transformers/moe-small/config.json`, join(home, "config.json"));
    const output = join(home, "expected");
    const made = await lfm2(["golden", "make", "-m", home, "--ids", "5,6,7,8", "-o", output]);
    expect([made.code, made.stdout]).toEqual([0, ""]);
    const manifest = JSON.parse(readFileSync(join(output, "golden.json"), "utf8"));
    expect(manifest.model).toMatchObject({ path: "..", sha256Of: "files" });
    expect(manifest.run).toEqual({ mode: "exact", kvType: "f32" });
    expect(manifest.made.again).toBe(`lfm2 golden make -m ${home} --ids 5,6,7,8 -o ${output}`);
    for (const { reason } of manifest.tolerances) expect(reason.length).toBeGreaterThan(20);

    const elsewhere = join(folder, "elsewhere");
    cpSync(home, elsewhere, { recursive: true });
    rmSync(home, { recursive: true });
    for (const backend of ["wasm", "reference"]) {
      const { code, stdout } = await lfm2(["golden", "check", join(elsewhere, "expected"), "--backend", backend]);
      expect([code, stdout]).toEqual([0, expect.stringMatching(/ ok\n$/)]);
    }
    const other = await lfm2([
      "golden",
      "check",
      join(elsewhere, "expected"),
      "-m",
      `${golden}transformers/moe-no-norm`,
    ]);
    expect([other.code, other.stderr]).toEqual([2, expect.stringContaining("Another file than the golden's")]);
  });

  it("tells int8 from exact on weights that have integer products", async () => {
    const output = join(folder, "nano");
    expect((await lfm2(["golden", "make", "--ids", "1,6,330,214", "-o", output])).code).toBe(0);
    expect((await lfm2(["golden", "check", output])).code).toBe(0);
    expect((await lfm2(["golden", "check", output, "--mode", "int8"])).code).toBe(1);
  });

  it("wants a reason with a tolerance, and a tolerance with a reason", async () => {
    const args = ["golden", "make", "--ids", "1,2", "--points", "lm_head", "-o", join(folder, "loose")];
    expect((await lfm2([...args, "--atol", "0.1"])).code).toBe(2);
    expect((await lfm2([...args, "--reason", "because"])).code).toBe(2);
    expect((await lfm2([...args, "--atol", "wide", "--reason", "because"])).code).toBe(2);
    expect((await lfm2([...args, "--atol", "0.1", "--rtol", "0.5", "--reason", "bfloat16 weights"])).code).toBe(0);
    const { tolerances } = JSON.parse(readFileSync(join(folder, "loose", "golden.json"), "utf8"));
    expect(tolerances.at(-1)).toEqual({ points: "**", atol: 0.1, rtol: 0.5, reason: "bfloat16 weights" });
  });
});
