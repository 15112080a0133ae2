// Makes the package that is published, in `dist` or the folder named: the sources compiled, the kernels beside them, and
// four files bundled: three with what they import from other packages, as a browser's worker has no import map to find it
// by, and the helper threads' entry, so that a worker of a worker loads one script.
import { execFileSync } from "node:child_process";
import { cpSync, readdirSync, rmSync } from "node:fs";
import { build } from "esbuild";
import "./build.js";

const BUNDLED = ["files/browser-thread.js", "text/browser-thread.js", "wasm/instantiate.js", "worker/browser-helper.js"];

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
