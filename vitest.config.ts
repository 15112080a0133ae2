import { defineConfig } from "vitest/config";

// Workers that tests start inherit these flags.
const execArgv = ["--import", new URL("./assembly/read-typescript.js", import.meta.url).href];

export default defineConfig({
  test: {
    pool: "forks",
    execArgv,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: "node", include: ["test/**/*.test.ts"], exclude: ["test/browser/**"] } },
      {
        extends: true,
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          testTimeout: 180_000,
          fileParallelism: false, // they measure delays
        },
      },
    ],
  },
});
