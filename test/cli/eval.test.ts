import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { golden, lfm2 } from "./lfm2.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lfm2-eval-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const text = `${golden}nano/samples.txt`;
const three = ["eval", "--against-mode", "exact", "-f", text, "-c", "64", "--windows", "3"];
const nineDigits = (value: number) => expect.closeTo(value, 8 - Math.max(0, Math.ceil(Math.log10(value))));

describe("lfm2 eval", () => {
  it("gives the figures that numpy computes from lfm2 logits, and shards merge to the same file and figures", async () => {
    const whole = join(folder, "whole.jsonl");
    const { code, stdout } = await lfm2([...three, "--json", "-o", whole]);
    expect(code).toBe(0);
    const found = JSON.parse(stdout);
    // float64, from the F32 rows that `lfm2 logits` writes for the three windows of 64 ids in either mode, by
    // llama.cpp's formulas. Eight digits: scores are kept with nine.
    expect(found).toMatchObject({
      model: { name: "lfm2-nano", backend: "wasm", mode: "int8", kvType: "f16" },
      base: { name: "lfm2-nano", backend: "wasm", mode: "exact", kvType: "f32" },
      text: { name: "samples.txt", tokens: 4662 },
      window: 64,
      windows: { of: 3, shard: "1/1", done: 3, missing: [] },
      positions: 93,
      perplexity: { value: nineDigits(1190.1327284), error: nineDigits(791.8876961) },
      againstBase: {
        perplexity: { value: nineDigits(1100.121741), error: nineDigits(723.8865636) },
        perplexityRatio: { value: nineDigits(1.0818191152), error: nineDigits(0.06202054158) },
        kl: {
          mean: { value: nineDigits(0.055127032464), error: nineDigits(0.016519280997) },
          median: nineDigits(0.00410820146704),
          p90: nineDigits(0.10243873157),
          p99: nineDigits(0.84240802084),
          max: nineDigits(1.1313199004),
        },
        sameTop: { value: 84 / 93, error: nineDigits(0.03082364793) },
        rmsDeltaP: { value: nineDigits(0.0635247599), error: nineDigits(0.02802845097) },
      },
    });

    const parts = ["1/2", "2/2"].map((shard) => [shard, join(folder, `part-${shard[0]}.jsonl`)]);
    for (const [shard, path] of parts) expect((await lfm2([...three, "--shard", shard, "-o", path])).code).toBe(0);
    const merged = join(folder, "merged.jsonl");
    const paths = parts.map(([, path]) => path).reverse();
    const merge = await lfm2(["eval", "merge", ...paths, "--json", "-o", merged]);
    expect([merge.code, JSON.parse(merge.stdout)]).toEqual([0, found]);
    expect(readFileSync(merged, "utf8")).toBe(readFileSync(whole, "utf8"));

    const half = await lfm2(["eval", "merge", paths[1]]);
    expect(half.code).toBe(1);
    expect(half.stderr).toContain("Missing of 3 windows: 1.");
    expect(half.stdout).toMatch(
      /2 of 3 windows of 64, 62 positions \(31 each\)\n[\s\S]*\n {2}mean KL divergence +0\.\d+ +± /,
    );
    const twice = await lfm2(["eval", "merge", whole, paths[0]]);
    expect([twice.code, twice.stderr]).toEqual([2, expect.stringContaining("found window 1, which")]);
  });

  const failures: readonly [args: string, code: number, message: string][] = [
    ["eval", 2, "eval: expected -f TEXT, found none."],
    [`eval -f ${text} -c 7`, 2, "--context: expected a window of at least 8 tokens, found 7."],
    [`eval -f ${text} --shard 3/2`, 2, '--shard: expected i/n with 1 ≤ i ≤ n, such as 2/4, found "3/2".'],
    [`eval -f ${text} --against-mode int4`, 2, '--against-mode: expected exact or int8, found "int4".'],
    ["eval -f no.txt", 1, "no.txt: expected a text file, found ENOENT."],
    [`eval -f ${golden}nano/llama.json`, 2, "text: expected at least 512 tokens, one window, found"],
    [`eval -f ${text} -c 2000 --shard 3/3`, 2, "--shard: expected at most 2 shards, one for each window, found 3."],
    [`eval -f ${text} -m ${golden}transformers/moe-small`, 1, "found none. lfm2 logits --ids works without one."],
    [
      `eval -f ${text} --against ${golden}transformers/moe-small`,
      2,
      "against: expected a model of the same vocabulary",
    ],
    [`eval merge ${text}`, 1, "samples.txt, line 1: expected JSON"],
    ["eval merge no.jsonl", 1, "no.jsonl: expected a file that lfm2 eval -o wrote, found none"],
  ];
  for (const [line, code, message] of failures) {
    it(`refuses: ${line.replaceAll(golden, "golden/")}`, async () => {
      const ended = await lfm2(line.split(" "));
      expect(ended.stderr).toContain(message);
      expect([ended.code, ended.stdout]).toEqual([code, ""]);
    });
  }
});
