import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeSafetensors } from "../../src/formats/hf/safetensors.ts";
import { npyFile, npzFile } from "../formats/npz-writer.ts";
import { goldenTensors } from "../model/run.ts";
import { golden, lfm2 } from "./lfm2.ts";

let folder: string;
const model = `${golden}transformers/moe-small`;
const theirs = `${model}/len17.safetensors`;
const [trace, other] = ["trace", "other"];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "lfm2-compare-"));
  const ids = (await goldenTensors("transformers/moe-small/len17.safetensors")).get("input_ids")?.data.join() as string;
  const write = (output: string, ...flags: string[]) =>
    lfm2(["trace", "-m", model, "--ids", ids, "--mode", "exact", ...flags, "-o", output], { cwd: folder });
  expect((await write(trace)).code).toBe(0);
  expect((await write(other, "--kv-type", "int8")).code).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true }));

const compare = (...args: string[]) => lfm2(["compare", ...args], { cwd: folder });

describe("lfm2 compare", () => {
  it("says that a trace is equal to transformers', and ends with 0", async () => {
    const { code, stdout, stderr } = await compare(trace, theirs, "-m", model);
    // The folder of the model holds the other runs, too.
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/^warning: .*another file of weights, which is not read\.\n$/),
    ]);
    expect(stdout).toContain("45 points in both (56 in A alone)");
    expect(stdout).toContain("Equal within tolerance at every point");
  });

  it("says where two runs part and why, and ends with 1; the same as JSON", async () => {
    const args = [trace, other, "--tolerance", "4e-5"];
    const { code, stdout } = await compare(...args);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /They part at model\.layers\.2\.self_attn\.out_proj\.input \(point \d+ of 101\), from token 0 on/,
    );
    expect(stdout).toContain("Not a mistake: keys and values stored as int8, in B (kv-int8).");
    const json = await compare(...args, "--json");
    expect(json.code).toBe(1);
    const found = JSON.parse(json.stdout);
    expect(found).toMatchObject({ equal: false, first: "model.layers.2.self_attn.out_proj.input" });
    expect(found.cause).toMatchObject({ cause: "kv-int8", kind: "precision", side: "B" });
    expect(found.points).toHaveLength(101);
  });

  it("reads a .npz under names of its own, and a batch axis", async () => {
    const tensors = await goldenTensors("transformers/moe-small/len17.safetensors");
    const shifted = Float32Array.from(tensors.get("model.layers.1")?.data as Float32Array);
    shifted[64 * 3 + 5] += 1;
    writeFileSync(
      join(folder, "b.npz"),
      npzFile([{ name: "out/1.npy", bytes: npyFile("<f4", "(1, 17, 64)", shifted) }], true),
    );
    writeFileSync(join(folder, "names.json"), '{"out/{layer}": "model.layers.{layer}"}');
    const { code, stdout } = await compare(theirs, "b.npz", "--map", "names.json");
    expect(code).toBe(1);
    expect(stdout).toContain("They part at model.layers.1 (point 1 of 1), from token 3 on, at 1 of 17 positions");
  });

  it("compares the points that are asked for", async () => {
    const { stdout } = await compare(trace, other, "--points", "**.gate.*", "--json");
    const { points } = JSON.parse(stdout);
    expect(points.length).toBe(20);
    expect(points.every(({ name }: { name: string }) => name.includes(".gate."))).toBe(true);
  });

  it("writes a report that loads nothing and believes no name", async () => {
    const name = 'model.layers.1.<img src=x onerror="alert(1)">';
    const data = new Float32Array(17);
    const file = (by: number) =>
      writeSafetensors(new Map([[name, { dtype: "F32" as const, shape: [17, 1], data: data.map(() => by) }]]));
    writeFileSync(join(folder, "a.safetensors"), file(0));
    writeFileSync(join(folder, "b.safetensors"), file(1));
    expect((await compare("a.safetensors", "b.safetensors", "--html", "evil.html")).code).toBe(1);
    const evil = readFileSync(join(folder, "evil.html"), "utf8");
    expect(evil).not.toContain("<img");
    expect(evil).toContain("&#60;img");
    expect((await compare(trace, other, "--tolerance", "4e-5", "--html", "report.html")).code).toBe(1);
    const html = readFileSync(join(folder, "report.html"), "utf8");
    expect(html).not.toMatch(/<script|https?:|url\(|src=|href=|@import/);
    expect(html).not.toMatch(/NaN|undefined|\[object/);
    expect(html.match(/<svg /g)).toHaveLength(3);
    expect(html.match(/<title>/g)?.length).toBeGreaterThan(10);
    expect(html.length).toBeLessThan(200_000);
    const again = await compare("a.safetensors", "a.safetensors", "--html", "report.html");
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining("or replace it with --force.")]);
  });

  const usage: readonly [args: string[], message: RegExp][] = [
    [[trace], /missing required argument 'B'/],
    [[trace, "nothing.safetensors"], /nothing\.safetensors: expected a file, found nothing there/],
    [[trace, "names.json"], /names\.json: expected a safetensors header/],
    [["/", trace], /expected trace\.json, found no such file/],
    [[trace, other, "--tolerance", "some"], /--tolerance: expected a number from 0, found "some"/],
    [[trace, other, "--points", "blocks.*"], /expected at least one point of .*trace, found none/],
    [[trace, theirs, "--map", "no.json"], /no\.json: expected names as JSON, found ENOENT/],
  ];
  it.each(usage)("ends with 2 when there is nothing to compare: %j", async (args, message) => {
    const { code, stdout, stderr } = await compare(...args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});
