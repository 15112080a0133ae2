import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Every model that a test opens starts threads, which would read and compile the same sources each time.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL("./node_modules/.cache/compiled", import.meta.url));

// What tests fetch is nobody's to keep, and none of theirs finds what somebody has kept.
const kept = mkdtempSync(join(tmpdir(), "lfm2-test-cache-"));
process.on("exit", () => rmSync(kept, { recursive: true, force: true }));
process.env.LFM2_CACHE = join(kept, "lfm2");
process.env.HF_HOME = join(kept, "huggingface");

// Workers that tests start inherit these flags.
const execArgv = ["--import", new URL("./assembly/read-typescript.js", import.meta.url).href];

// Their bounds are milliseconds of a machine with nothing else to do, so nothing else of ours runs beside them.
const ALONE = [
  "test/api/giving-up.test.ts",
  "test/sources/http-scenarios.test.ts",
  "test/text/caller.test.ts",
  "test/text/hostile-templates.test.ts",
  "test/worker/flight.test.ts",
];

// Many runs of what other tests do once: minutes, which every change need not wait for.
const LONG = "test/**/*.long.test.ts";

export default defineConfig({
  test: {
    pool: "forks",
    execArgv,
    testTimeout: 120_000, // the longest take 10 s of an idle machine
    hookTimeout: 60_000,
    reporters: ["default", "./test/still-running.ts"],
    projects: [
      {
        extends: true,
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/browser/**", LONG, ...ALONE],
          maxWorkers: 2, // left to itself, vitest leaves one of two cores idle
          isolate: false, // a process for every file would compile the same kernels again
        },
      },
      {
        extends: true,
        test: { name: "alone", include: ALONE, fileParallelism: false, isolate: false, sequence: { groupOrder: 1 } },
      },
      {
        extends: true,
        test: { name: "long", include: [LONG], testTimeout: 300_000, maxWorkers: 2, sequence: { groupOrder: 3 } },
      },
      {
        extends: true,
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          testTimeout: 180_000,
          fileParallelism: false, // they measure delays
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
