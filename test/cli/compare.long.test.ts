import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
    lfm2(["trace", "-m", model, "--ids", ids, ...flags, "-o", output], { cwd: folder });
  expect((await write(trace)).code).toBe(0);
  const one = { dtype: "F32" as const, shape: [1, 1], data: Float32Array.of(1) };
  writeFileSync(join(folder, "no-ids.safetensors"), writeSafetensors(new Map([["lm_head", one]])));
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
    expect(stdout).toContain("45 points in both (58 in A alone)");
    expect(stdout).toContain("Equal within tolerance at every point");
  });

  it("says where two runs part and why, and ends with 1; the same as JSON", async () => {
    const args = [trace, other, "--tolerance", "4e-5"];
    const { code, stdout } = await compare(...args);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /They part at model\.layers\.2\.self_attn\.out_proj\.input \(point \d+ of 103\), from token 0 on/,
    );
    expect(stdout).toContain("Equal within rounding: keys and values stored as int8, in B (kv-int8).");
    const json = await compare(...args, "--json");
    expect(json.code).toBe(1);
    const found = JSON.parse(json.stdout);
    expect(found).toMatchObject({
      verdict: "rounding",
      equal: false,
      first: "model.layers.2.self_attn.out_proj.input",
    });
    expect(found.cause).toMatchObject({ cause: "kv-int8", kind: "precision", side: "B" });
    expect(found.points).toHaveLength(103);
  });

  it("makes A by itself, exactly, from the ids that B has, and leaves nothing behind", async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith("lfm2-compare-")).length;
    const { code, stdout, stderr } = await compare("-m", model, theirs);
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^A {2}run here: moe-small, wasm, exact, f32 KV cache; 17/),
    ]);
    expect(stderr).toMatch(/^warning: [^\n]*\nwasm exact · KV f32 · [^\n]*\n$/);
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith("lfm2-compare-"))).toHaveLength(before);
    // Other ids than B's are another run.
    expect((await compare("-m", model, theirs, "--ids", "5,6,7")).code).toBe(1);
  });

  it("says first that it allows more than float32 needs, why, and how it would not; accepts it if told", async () => {
    const args = [trace, other];
    const { code, stdout } = await compare(...args);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^Wide tolerance: 0\.08 × max\(1, largest number\), for an int8 KV cache in B\. Record B again with lfm2 trace, whose default is float32\.\n/,
    );
    expect(stdout).toContain("\nEqual within rounding: an int8 KV cache in B; the nearest to its tolerance is ");
    expect((await compare(...args, "--accept", "rounding,near-ties")).code).toBe(0);
    expect((await compare(...args, "--accept", "near-ties")).code).toBe(1);
    // Within float32's tolerance nothing was rounded, whatever was allowed.
    const same = await compare(theirs, theirs, "--precision", "bf16");
    expect([same.code, same.stdout]).toEqual([
      0,
      expect.stringMatching(/^Wide tolerance: 0\.1 .* Leave --precision out\.\n/),
    ]);
    const wide = await compare(...args, "--tolerance", "0.05");
    expect([wide.code, wide.stdout]).toEqual([
      0,
      expect.stringMatching(/^Wide tolerance: 0\.05 × .*, as asked for\. Leave --tolerance out\.\n/),
    ]);
    const ours = await compare("-m", model, theirs, "--kv-type", "f16");
    expect(ours.stdout).toMatch(
      /^Wide tolerance: 0\.005 .* for an f16 KV cache in A\. Leave --mode and --kv-type out\.\n/,
    );
    const narrow = await compare(...args, "--precision", "f32");
    expect(narrow.stdout).toMatch(/^A {2}trace[\s\S]*\nEqual within rounding: keys and values stored as int8, in B/);
  });

  it("writes JUnit XML and annotations of GitHub Actions", async () => {
    const { code, stdout } = await compare(trace, other, "--precision", "f32", "--junit", "lfm2.xml", "--github");
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /\n::error title=compare other::Equal within rounding: keys and values stored as int8, in B [^\n]*%0AThey part at /,
    );
    // Beside JSON, which has to stay JSON, they go where GitHub reads as well.
    const json = await compare(trace, other, "--precision", "f32", "--json", "--github");
    expect(JSON.parse(json.stdout)).toMatchObject({ verdict: "rounding" });
    expect(json.stderr).toMatch(/^::error title=compare other::Equal within rounding/m);
    const xml = readFileSync(join(folder, "lfm2.xml"), "utf8");
    expect(xml).toMatch(/<testsuites tests="104" failures="65" /);
    expect(xml).toContain('<testcase classname="trace and other" name="model.layers.0"/>');
    const accepted = await compare(trace, other, "--accept", "rounding", "--junit", "lfm2.xml", "--force", "--github");
    expect([accepted.code, accepted.stdout]).toEqual([0, expect.not.stringContaining("::error")]);
    expect(readFileSync(join(folder, "lfm2.xml"), "utf8")).toMatch(/<testsuites tests="104" failures="0" /);
  });

  it("reads what llama-debug writes, and refuses what torch.save does with the line that converts it", async () => {
    const { code, stdout } = await compare("-m", model, `${golden}dumps/llamacpp-model.bin`);
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining("\nB: one row for 9: held against the last (lm_head).\n"),
    ]);
    writeFileSync(join(folder, "theirs.pt"), Uint8Array.of(0x50, 0x4b, 3, 4));
    const refused = await compare("-m", model, "theirs.pt");
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringMatching(
        /^error: theirs\.pt: expected tensors, found a Python pickle of torch\.save\. Convert it: python -c "import sys, torch; .*" "theirs\.pt" "theirs\.safetensors"\n$/,
      ),
    ]);
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

  it("compares traces at the positions that both have, and refuses those that have none in common", async () => {
    const ids = ["--ids", "1,2,3,4,5,6"];
    const write = (output: string, positions: string) =>
      lfm2(["trace", "-m", model, ...ids, "--positions", positions, "-o", output], { cwd: folder });
    for (const [name, positions] of [
      ["early", ":3"],
      ["late", "2:"],
      ["last", "4:"],
    ])
      await write(name, positions);
    const { code, stdout } = await compare("early", "late");
    expect([code, stdout]).toEqual([0, expect.stringContaining("A: positions 2 to 2, which both have.")]);
    const apart = await compare("early", "last");
    expect([apart.code, apart.stderr]).toEqual([
      2,
      "error: last: expected some of the positions 0 to 2, which early holds, found 4 to 5. Record the same positions.\n",
    ]);
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
    [[trace], /expected A and B, or -m MODEL and B, found one path/],
    [[trace, "nothing.safetensors"], /nothing\.safetensors: expected a file, found nothing there/],
    [[trace, "names.json"], /names\.json: expected a safetensors header/],
    [["/", trace], /expected trace\.json, found no such file/],
    [[trace, other, "--tolerance", "some"], /--tolerance: expected a finite number from 0, found "some"/],
    [[trace, other, "--tolerance", "1e999"], /--tolerance: expected a finite number from 0, found "1e999"/],
    [[trace, other, "--points", "blocks.*"], /expected at least one point of .*trace, found none/],
    [[trace, other, "--ids", "1"], /--ids: expected them for a run made here, found two recordings/],
    [[trace, other, "--all", "--json"], /--all: expected none with --json, which lists every point, found one/],
    [[trace, other, "--threads", "2"], /--threads: expected none with two recordings, for nothing is run, found one/],
    [[trace, other, "--mode", "exact", "-m", model], /--mode: expected none with two recordings/],
    [[theirs, "-m", model, "--map-a", "hf"], /--map-a: expected none with a run made here for A, found one/],
    [[trace, other, "--map", "hf"], /--map: expected none with other, whose points have the graph's names, found one/],
    [[trace, other, "--accept", "all"], /--accept: expected some of rounding,near-ties, found "all"/],
    [["no-ids.safetensors", "-m", model], /no-ids\.safetensors: expected input_ids beside its tensors, found none/],
    [[trace, other, "--precision", "fp4"], /argument 'fp4' is invalid. Allowed choices are f32, bf16, f16, q8/],
    [["nothing", "-m", "no-model"], /nothing: expected a file, found nothing there/],
    [[trace, theirs, "--map", "no.json"], /no\.json: expected names as JSON, found ENOENT/],
  ];
  it.each(usage)("ends with 2 when there is nothing to compare: %j", async (args, message) => {
    const { code, stdout, stderr } = await compare(...args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});
