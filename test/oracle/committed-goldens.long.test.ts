// The goldens of this repository, held by the command's own rules against what the kernels compute.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type LanguageModel, open } from "../../src/index.ts";
import { checkModel, createChecker, openCase, type PointCheck } from "../../src/oracle/golden/golden-check.ts";
import { type GoldenManifest, readGolden } from "../../src/oracle/golden/golden-manifest.ts";
import { diskFolder } from "../../src/sources/disk.ts";
import { goldenFolder } from "../formats/golden-files.ts";

const folders = [
  ...readdirSync(`${goldenFolder}transformers`).map((name) => `transformers/${name}`),
  "gguf",
  "gguf-dense",
  "gguf-odd",
]
  .filter((name) => !name.endsWith(".md"))
  .map((name) => join(goldenFolder, name));

async function check(folder: string, golden: GoldenManifest): Promise<PointCheck[]> {
  const checks: PointCheck[] = [];
  const models = new Map<string, LanguageModel>();
  for (const one of golden.cases) {
    const path = join(folder, one.model ?? golden.model?.path ?? "");
    const model = models.get(path) ?? (await open(path, { ...golden.run, threads: 1 }));
    models.set(path, model);
    const expected = await openCase(diskFolder(folder), golden, one);
    checks.push(...(await checkModel(model, one, await createChecker(expected, one, golden.tolerances))));
    await expected.close();
  }
  await Promise.all([...models.values()].map((model) => model.close()));
  return checks;
}

describe.each(folders)("%s", (folder) => {
  it("is kept to by the kernels in exact mode, every tensor of every case", async () => {
    const golden = await readGolden(diskFolder(folder));
    const checks = await check(folder, golden);
    expect(checks.filter(({ passed }) => !passed)).toEqual([]);
    // Every file of expected values is a case, unless its model is made on the spot.
    const files = readdirSync(folder).filter((name) => /^(?!model).*\.safetensors$/.test(name));
    const made = folder.endsWith("gguf") ? ["BF16.safetensors", "F16.safetensors", "F32.safetensors"] : [];
    expect([...golden.cases.map(({ file }) => file), ...made].sort()).toEqual(files.sort());
    // Up to 17 positions, those of transformers hold every module's output; the least of a model are 12, or else 27.
    // That of a stored head holds its logits alone, for nothing else differs.
    const modules = folder.endsWith("-stored-head") ? 0 : /-(yarn|linear)$/.test(folder) ? 12 : 27;
    const traced = folder.includes("transformers") ? golden.cases.filter(({ ids }) => ids.length <= 17).length : 0;
    expect(checks.length).toBeGreaterThanOrEqual(golden.cases.length + traced * modules);
    for (const { rule } of checks) expect(rule.reason.length).toBeGreaterThan(20);
  });
});
