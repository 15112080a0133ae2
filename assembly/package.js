// Makes the package that is published, in `dist` or the folder named: the compiled sources, and the kernels beside them. Three
// files are bundled. Two contain what they import from other packages, since a worker in a browser has no import map to find
// packages by. The third is where helper threads begin, so that a worker of a worker loads a single script.
import { execFileSync } from "node:child_process";
import { cpSync, readdirSync, rmSync } from "node:fs";
import { build } from "esbuild";
import "./build.js";

const BUNDLED = ["text/browser-thread.js", "wasm/instantiate.js", "worker/browser-helper.js"];

const outdir = process.argv[2] ?? "dist";
rmSync(outdir, { recursive: true, force: true });
const tsc = [import.meta.dirname + "/../node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json", "--outDir", outdir];
execFileSync(process.execPath, tsc, { stdio: "inherit" });
for (const file of readdirSync("src/wasm").filter((name) => name.endsWith(".wasm"))) {
  cpSync(`src/wasm/${file}`, `${outdir}/wasm/${file}`);
}
await build({
  entryPoints: BUNDLED.map((file) => `${outdir}/${file}`),
  bundle: true,
  format: "esm",
  sourcemap: true,
  logLevel: "warning",
  allowOverwrite: true,
  outbase: outdir,
  outdir,
});
