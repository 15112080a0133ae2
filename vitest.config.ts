import { defineConfig } from "vitest/config";

// Node before 22.18 does not read TypeScript by itself; workers that tests start inherit these flags.
const [major, minor] = process.versions.node.split(".").map(Number) as [number, number];
const execArgv = major > 22 || (major === 22 && minor >= 18) ? [] : ["--import", "tsx"];

export default defineConfig({
  test: {
    pool: "forks",
    execArgv,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: "node", include: ["test/**/*.test.ts"], exclude: ["test/browser/**"] } },
      { extends: true, test: { name: "browser", include: ["test/browser/**/*.test.ts"], testTimeout: 180_000 } },
    ],
  },
});
