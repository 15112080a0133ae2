// One hash for all: every Node that is here, as `lfm2 verify` runs in it.
import { spawnSync } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { expectedBits } from "../../src/oracle/same-bits.ts";
import { usableBuilds } from "../../src/wasm/kernels.ts";
import { command } from "../cli/lfm2.ts";

/** The one that runs this, the one that is installed for development, and what the shell would start. */
const nodes = [
  process.execPath,
  fileURLToPath(new URL("../../node_modules/.bin/node", import.meta.url)),
  ...(process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "node")),
].filter((path) => existsSync(path));
const programs = [...new Map(nodes.map((path) => [realpathSync(path), path])).values()];
/** As V8 compiles for an x86 without AVX-VNNI. */
const withoutVnni = process.arch === "x64" ? ["--no-enable-avx-vnni", "--no-enable-avx-vnni-int8"] : [];

describe("the embedded model's logits", () => {
  it.each([...programs.map((program) => [program, []] as const), [process.execPath, withoutVnni] as const])(
    "have the expected bits in %s %j, in both modes, every build it runs, on one thread and two",
    (program, flags) => {
      const { stdout, stderr, status } = spawnSync(program, [...flags, ...command.slice(1), "verify", "--json"], {
        encoding: "utf8",
        env: { ...process.env, NODE_OPTIONS: "" },
      });
      expect(status, stderr).toBe(0);
      const { engine, expected, found } = JSON.parse(stdout);
      expect(expected).toEqual(expectedBits);
      const major = Number(/^node (\d+)\./.exec(engine)?.[1]);
      // Relaxed SIMD came with V8 11.4.
      const relaxed = flags.length > 0 ? ["relaxed-pairs"] : usableBuilds().toReversed().slice(1);
      const ownBuilds = ["baseline", ...(major >= 22 ? relaxed : [])];
      const runs = found.map((run: Record<string, unknown>) => [run.mode, run.kernels, run.threads, run.sha256]);
      expect(runs).toEqual(
        (["exact", "int8"] as const).flatMap((mode) =>
          ownBuilds.flatMap((kernels) => [1, 2].map((threads) => [mode, kernels, threads, expectedBits[mode]])),
        ),
      );
    },
  );
});
