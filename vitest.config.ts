import { defineConfig } from "vitest/config";

// Workers that tests start inherit these flags.
const execArgv = ["--import", new URL("./assembly/read-typescript.js", import.meta.url).href];

// Their bounds are milliseconds of a machine with nothing else to do, so nothing else of ours runs beside them.
const ALONE = ["test/api/open.test.ts", "test/text/caller.test.ts", "test/text/hostile-templates.test.ts"];

export default defineConfig({
  test: {
    pool: "forks",
    execArgv,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/browser/**", ...ALONE],
          maxWorkers: 2, // left to itself, vitest leaves one of two cores idle
        },
      },
      { extends: true, test: { name: "alone", include: ALONE, fileParallelism: false, sequence: { groupOrder: 1 } } },
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
