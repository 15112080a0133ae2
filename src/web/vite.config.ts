// The page, built into dist/web: files that any host can serve.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { POLICY } from "../server/page-policy.ts";
import { offlineWorker } from "./build/offline-worker.ts";
import { copyPackageFiles } from "./build/package-files.ts";

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const project = path("../..").replace(/\/$/, "");

if (!existsSync(`${project}/dist/assets/model-thread.js`)) {
  execFileSync(process.execPath, [`${project}/assembly/package.js`], { cwd: project, stdio: "inherit" });
}

export default defineConfig({
  root: path("."),
  base: "./", // the site may lie in a folder, as on GitHub Pages
  cacheDir: `${project}/node_modules/.cache/vite`,
  logLevel: "warn",
  build: {
    outDir: `${project}/dist/web`,
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1000,
  },
  worker: { format: "es" },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [
    { name: "lfm2-policy", transformIndexHtml: (html) => html.replace("POLICY", POLICY) },
    copyPackageFiles(project),
    offlineWorker(),
  ],
});
