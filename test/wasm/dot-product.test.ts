// The probe, held against what the processor says of itself.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { dotProductWords } from "../../src/bench/product/dot-product-words.ts";
import { dotProductOfBytes } from "../../src/wasm/dot-product.ts";
import { usableBuilds } from "../../src/wasm/kernels.ts";

const isX64 = process.arch === "x64";
const cpu = existsSync("/proc/cpuinfo") ? readFileSync("/proc/cpuinfo", "utf8") : undefined;
const flags = process.execArgv.join(" ") + (process.env.NODE_OPTIONS ?? "");

function possible(): readonly string[] {
  if (process.arch === "arm64") return ["signed"];
  if (!isX64 || cpu === undefined) return ["unsigned", "signed", "saturating"];
  return /\bavx_vnni\b/.test(cpu) && !flags.includes("vnni") ? ["unsigned", "signed"] : ["saturating"];
}

it("is that of the processor", () => {
  const found = dotProductOfBytes();
  expect(possible()).toContain(found);
  const pairs = ["relaxed-pairs", "baseline"];
  expect(usableBuilds()).toEqual(found === "saturating" ? pairs : ["relaxed", ...pairs]);
});

// V8 can be told to do without the instructions of AVX-VNNI: then it saturates, on any x86.
it("is found, and said, to saturate where an x86's dot product is not used", () => {
  const without = isX64 ? ["--no-enable-avx-vnni", "--no-enable-avx-vnni-int8"] : [];
  const script = `import { dotProductWords } from "./src/bench/product/dot-product-words.ts";
    import { usableBuilds } from "./src/wasm/kernels.ts";
    console.log(usableBuilds().join(" "), "|", dotProductWords());`;
  const args = [...without, "--import", "./assembly/read-typescript.js", "--input-type=module", "-e", script];
  const cwd = new URL("../..", import.meta.url);
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", cwd });
  const [builds, words] = isX64
    ? ["relaxed-pairs baseline", "several instructions"]
    : [usableBuilds().join(" "), dotProductWords()];
  expect(stdout.trim(), stderr).toBe(`${builds} | ${words}`);
});
