import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { dotProductOfBytes } from "../../src/wasm/dot-product.ts";
import { usableBuilds } from "../../src/wasm/kernels.ts";

const x64 = process.arch === "x64";

const cpu = existsSync("/proc/cpuinfo") ? readFileSync("/proc/cpuinfo", "utf8") : "";
const flags = process.execArgv.join(" ") + (process.env.NODE_OPTIONS ?? "");

it.runIf(x64 && /\bavx_vnni\b/.test(cpu) && !flags.includes("vnni"))("is that of a CPU with AVX-VNNI", () => {
  expect(["unsigned", "signed"]).toContain(dotProductOfBytes());
  expect(usableBuilds()).toEqual(["relaxed", "relaxed-pairs", "baseline"]);
});

it.runIf(process.arch === "arm64")("is that of ARM", () => {
  expect(dotProductOfBytes()).toBe("signed");
});

// V8 can be told to do without the instructions of AVX-VNNI: then it saturates, on any x86.
it.runIf(x64)("is found to saturate where the CPU's dot product is not used", () => {
  const flags = ["--no-enable-avx-vnni", "--no-enable-avx-vnni-int8", "--import", "./assembly/read-typescript.js"];
  const script = 'import { usableBuilds } from "./src/wasm/kernels.ts"; console.log(usableBuilds().join(" "));';
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, "--input-type=module", "-e", script], {
    encoding: "utf8",
    cwd: new URL("../..", import.meta.url),
  });
  expect(stdout.trim(), stderr).toBe("relaxed-pairs baseline");
});
