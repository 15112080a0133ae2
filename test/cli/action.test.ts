// The step of action.yml, run by hand as GitHub runs it: bash, inputs as variables, npx on the path.
import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { command, golden } from "./lfm2.ts";

const text = readFileSync(fileURLToPath(new URL("../../action.yml", import.meta.url)), "utf8");
const { version } = JSON.parse(readFileSync(fileURLToPath(new URL("../../package.json", import.meta.url)), "utf8"));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lfm2-action-"));
  // What npx would fetch is this working tree; the package's name and version are left out.
  const words = command.map((word) => `'${word}'`).join(" ");
  writeFileSync(join(folder, "npx"), `#!/bin/bash\necho "$2" >npx.log\nexec ${words} "\${@:3}"\n`);
  chmodSync(join(folder, "npx"), 0o755);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Lines of the step's `run: |`, without their indentation. */
const script = (/\n {6}run: \|\n((?: {8}[^\n]*\n)+)/.exec(text)?.[1] ?? "").replaceAll(/^ {8}/gm, "");

function step(inputs: Readonly<Record<string, string>>): Promise<{ code: number; stdout: string }> {
  const unset = { RECORDING: "", MODEL: "", GOLDEN: "", ARGUMENTS: "", VERSION: version };
  const env = { ...process.env, ...unset, ...inputs, PATH: `${folder}:${process.env.PATH}` };
  return new Promise((resolve) => {
    execFile(
      "bash",
      ["--noprofile", "--norc", "-eo", "pipefail", "-c", script],
      { cwd: folder, env },
      (error, stdout) => resolve({ code: error === null ? 0 : Number(error.code), stdout }),
    );
  });
}

describe("action.yml", () => {
  it("is one composite step whose variables are its inputs, of this version of the package", () => {
    expect(text.match(/^ {4}- /gm)).toHaveLength(1);
    const inputs = [...text.matchAll(/^ {2}(\w+):\n {4}description/gm)].map(([, name]) => name).sort();
    const variables = [...text.matchAll(/^ {8}([A-Z]+): \$\{\{ inputs\.(\w+) \}\}$/gm)];
    expect(variables.map(([, , name]) => name).sort()).toEqual(inputs);
    for (const [, variable, name] of variables) expect(variable).toBe(name.toUpperCase());
    expect(text).toContain(`default: ${version}\n`);
  });

  it("compares a recording with a model, and with a golden; what differs is annotated", async () => {
    const recording = `${golden}dumps/hooks.safetensors`;
    const equal = await step({ RECORDING: recording, MODEL: `${golden}transformers/moe-small` });
    expect([equal.code, equal.stdout]).toEqual([0, expect.stringContaining("Equal within tolerance at every point")]);
    expect(readFileSync(join(folder, "npx.log"), "utf8")).toBe(`lfm2-wasm@${version}\n`);
    expect(readFileSync(join(folder, "lfm2.xml"), "utf8")).toContain('<testsuites tests="72" failures="0"');

    const other = {
      RECORDING: `${golden}transformers/moe-odd/len9.safetensors`,
      GOLDEN: `${golden}transformers/moe-odd`,
    };
    const narrow = await step({ ...other, ARGUMENTS: "--points lm_head model.layers.*" });
    expect([narrow.code, narrow.stdout]).toEqual([0, expect.stringMatching(/ len9 +6 .* ok\n/)]);

    const lines = await step({
      ...other,
      ARGUMENTS: "--case len9\n--points\n  'lm_head'\n  \"model.layers.{0..1}\"\n",
    });
    expect([lines.code, lines.stdout]).toEqual([0, expect.stringMatching(/ len9 +3 .* ok\n/)]);

    const wrong = await step({
      RECORDING: recording,
      MODEL: `${golden}transformers/moe-odd`,
      ARGUMENTS: "--ids 1,2,3",
    });
    expect([wrong.code, wrong.stdout]).toEqual([
      1,
      expect.stringMatching(/\n::error title=compare [^\n]*::Different: /),
    ]);
  });

  it("takes a model or a golden, and says so where it has neither or both", async () => {
    const recording = { RECORDING: `${golden}dumps/hooks.safetensors` };
    const said = (found: string): string =>
      `::error title=lfm2::model, golden: expected one of the two, found ${found}.\n`;
    expect(await step(recording)).toMatchObject({ code: 2, stdout: said("neither") });
    const both = { MODEL: `${golden}transformers/moe-small`, GOLDEN: `${golden}transformers/moe-odd` };
    expect(await step({ ...recording, ...both })).toMatchObject({ code: 2, stdout: said("both") });
  });

  it("stops where its arguments cannot be read as words", async () => {
    const inputs = { RECORDING: `${golden}dumps/hooks.safetensors`, MODEL: `${golden}transformers/moe-small` };
    const { code, stdout } = await step({ ...inputs, ARGUMENTS: "--points 'lm_head" });
    expect([code === 0, stdout]).toEqual([false, ""]);
  });
});
