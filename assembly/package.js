// Makes the package that is published, in `dist` or the folder named: the sources compiled; in `assets`, the kernels and
// three scripts, each with all that it imports, so that a bundler has only to copy it; and these files once more as text,
// for bundlers that copy nothing.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";
import "./build.js";

const outdir = process.argv[2] ?? "dist";
const assets = `${outdir}/assets`; // nothing but what may have to be copied
rmSync(outdir, { recursive: true, force: true });
const tsc = [import.meta.dirname + "/../node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json", "--outDir", outdir];
execFileSync(process.execPath, tsc, { stdio: "inherit" });
cpSync("src/web-types.d.ts", `${outdir}/web-types.d.ts`); // which tsc reads, and leaves where it is
mkdirSync(assets);
const kernels = readdirSync("src/assets").filter((name) => name.endsWith(".wasm"));
for (const name of kernels) cpSync(`src/assets/${name}`, `${assets}/${name}`);

// Packages are those of this project, wherever the folder lies.
const nodePaths = [import.meta.dirname + "/../node_modules"];
const bundled = { bundle: true, format: "esm", logLevel: "warning", allowOverwrite: true, nodePaths };
const threads = {
  "files-thread": `${outdir}/files/browser-thread.js`,
  "model-thread": `${outdir}/worker/browser-worker.js`,
  "text-thread": `${outdir}/text/browser-thread.js`,
};
await build({ ...bundled, entryPoints: threads, minify: true, outdir: assets });
// What a page itself loads imports no other package: it may have no import map to find one by.
await build({ ...bundled, entryPoints: [`${outdir}/wasm/instantiate.js`], outfile: `${outdir}/wasm/instantiate.js` });

const text = (name, encoding) => [name, readFileSync(`${assets}/${name}`, encoding)];
const scripts = Object.keys(threads).map((name) => text(`${name}.js`, "utf8"));
const inlined = Object.fromEntries([...scripts, ...kernels.map((name) => text(name, "base64"))]);
writeFileSync(`${outdir}/package-files/inlined.js`, `export const inlined = ${JSON.stringify(inlined)};\n`);
