// `lfm2 bench` as a program: its table, its JSON, its plots, its refusals, and Ctrl-C.
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Run } from "../../src/bench/product/run.ts";
import { ending, lfm2, start } from "./lfm2.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lfm2-bench-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const small = ["bench", "-p", "16", "-n", "4", "-r", "1"];

describe("lfm2 bench", () => {
  it("prints a table with every combination, writes the figures and draws them", async () => {
    const lists = ["-d", "0,30", "-t", "1,2", "--kernels", "baseline", "--kv-type", "f16,int8", "--mode", "exact"];
    const files = ["-o", join(folder, "run.json"), "--plot", join(folder, "plots")];
    const { code, stdout, stderr } = await lfm2([...small, ...lists, ...files]);
    expect(code, stderr).toBe(0);
    const rows = [...stdout.matchAll(/^\| exact +\| baseline +\| +([12]) \| (f16|int8) +\| (.*?) +\|/gm)];
    expect(rows.length).toBe(2 * 2 * 4);
    expect(new Set(rows.map(([line]) => line)).size).toBe(rows.length);
    expect(stdout).toContain("Read limit");
    expect(stderr).toContain("No -m given");

    const run: Run = JSON.parse(readFileSync(join(folder, "run.json"), "utf8"));
    expect(run.rows.length).toBe(rows.length);
    for (const { tokensPerSecond } of run.rows) expect(tokensPerSecond.median).toBeGreaterThan(0);
    expect(readdirSync(join(folder, "plots")).sort()).toEqual([
      "decode-by-depth.svg",
      "decode-by-threads.svg",
      "memory-by-context.svg",
      "prefill-by-depth.svg",
      "prefill-by-threads.svg",
    ]);

    const again = join(folder, "again");
    expect((await lfm2(["bench", "plot", join(folder, "run.json"), "-o", again])).code).toBe(0);
    const refused = await lfm2(["bench", "plot", join(folder, "run.json"), "-o", again]);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("expected no SVG files in it")]);
    for (const file of readdirSync(again)) {
      expect(readFileSync(join(again, file), "utf8")).toBe(readFileSync(join(folder, "plots", file), "utf8"));
    }
  });

  it("prints one JSON object with --json", async () => {
    const { code, stdout } = await lfm2([...small, "-p", "0", "-t", "1", "-d", "9999,0", "--json"]);
    expect(code).toBe(0);
    const run: Run = JSON.parse(stdout);
    expect(run.rows).toMatchObject([{ kind: "decode", tokens: 4, depth: 0, threads: 1 }]);
    expect(run.notes[0]).toContain("Left out: decode 4 at 9,999");
  });

  it("measures ids that are run ahead beside the same one by one, and draws their speed by acceptance", async () => {
    const ahead = ["-p", "0", "-n", "24", "-r", "2", "-t", "1", "--acceptance", "0,0.9,forced"];
    const plots = join(folder, "ahead");
    const { code, stdout, stderr } = await lfm2(["bench", ...ahead, "--json", "--plot", plots]);
    expect(code, stderr).toBe(0);
    const run: Run = JSON.parse(stdout);
    expect(run.rows.map(({ right }) => right)).toEqual([0, 0.9, "forced", undefined]);
    for (const { right, ofPlain } of run.rows) expect(ofPlain?.rounds.length).toBe(right === undefined ? undefined : 2);
    expect(readdirSync(plots)).toEqual(["decode-by-acceptance.svg"]);
  });

  it("prints what there is at Ctrl-C, and ends with 130", async () => {
    const child = start(["bench", "-p", "16", "-n", "0", "-r", "100000", "-t", "1"]);
    const ended = ending(child);
    child.stdin.end();
    await once(child.stderr, "data"); // that the embedded model is used: measuring begins soon
    await new Promise((resolve) => setTimeout(resolve, 3000));
    child.kill("SIGINT");
    const { code, stdout, stderr } = await ended;
    expect(code).toBe(130);
    expect(stdout).toContain("Stopped before its end");
    expect(stderr).not.toMatch(/error/i);
  });

  const wrong: readonly [string, string][] = [
    ["-p many", '--prefill: expected an integer of at least 0, found "many".'],
    ["-d 0,", '--depth: expected an integer of at least 0, found "".'],
    ["-t 0", '--threads: expected an integer of at least 1, found "0".'],
    ["-t 65", "--threads: expected an integer in [1, 64], found 65."],
    ["-r 0", '--rounds: expected an integer of at least 1, found "0".'],
    ["--kv-type f16,q4", '--kv-type: expected f32 or f16 or int8, found "q4".'],
    ["--kernels fast", '--kernels: expected baseline or relaxed or relaxed-pairs, found "fast".'],
    ["--mode int4", '--mode: expected exact or int8, found "int4".'],
    ["--acceptance 0.5,2", '--acceptance: expected numbers from 0 to 1, or forced, found "2".'],
    ["--fill it", '--fill: expected prompt or cache, found "it".'],
    ["-d 5000", "bench: expected a test that fits into 4096 positions, found prefill 512 at 5,000"],
    ["-p 0 -n 0", "bench: expected a test that fits into 4096 positions, found none."],
    ["a.gguf -m b.gguf", "--model: expected one model, found a.gguf and b.gguf."],
    ["plot -o plots", "missing required argument 'run.json'."],
    ["plot run.json", "required option '-o, --output <folder>' not specified."],
  ];
  it.each(wrong)("%s ends with 2 and says why", async (line, message) => {
    const { code, stdout, stderr } = await lfm2(["bench", ...line.split(" ")]);
    expect(stderr).toContain(`error: ${message}`);
    expect([code, stdout]).toEqual([2, ""]);
  });

  it("plots nothing but its own files", async () => {
    const { code, stderr } = await lfm2(["bench", "plot", "package.json", "-o", folder]);
    expect(code).toBe(1);
    expect(stderr).toContain("package.json: expected a file that `lfm2 bench -o` wrote");
  });
});
