// Compiles the kernels with asc, as asconfig.json says, and writes their types for TypeScript. Does nothing when all that it
// makes is newer than the sources.
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, extname } from "node:path";
import asc from "assemblyscript/asc";
import { declarationsOf } from "./declarations.js";

/** Generated, so not committed. */
const DECLARATIONS = "src/wasm/compiled.ts";

const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  console.error(
    `note: the devDependency node@24 is not installed here; going on with this machine's Node ${process.versions.node}.`,
  );
}

const { targets } = JSON.parse(readFileSync("asconfig.json", "utf8"));
const sources = ["asconfig.json", ...readdirSync("assembly", { recursive: true }).map((file) => `assembly/${file}`)];
const newest = Math.max(...sources.map((file) => statSync(file).mtimeMs));
const kernels = Object.entries(targets).filter(([target]) => target !== "sizes");
const made = [DECLARATIONS, ...kernels.map(([, { outFile }]) => outFile)];

if (made.some((file) => !existsSync(file) || statSync(file).mtimeMs < newest)) {
  let declarations;
  for (const [target, { outFile }] of kernels) {
    const compiled = await compile("assembly/index.ts", target);
    mkdirSync(dirname(outFile), { recursive: true }); // a fresh clone has no such folder
    writeFileSync(outFile, compiled.module);
    declarations = compiled.declarations; // the same for every build
  }
  writeFileSync(DECLARATIONS, declarationsOf(declarations, await compile("assembly/sizes.ts", "sizes")));
}

async function compile(entry, target) {
  const made = new Map();
  const { error, stderr } = await asc.main([entry, "--target", target, "--bindings", "raw"], {
    writeFile: (name, contents) => made.set(name.endsWith(".d.ts") ? "declarations" : extname(name), contents),
  });
  if (!error) return { module: made.get(".wasm"), declarations: made.get("declarations") };
  console.error(`${stderr}\nkernels: asc could not compile target "${target}": ${error.message}`);
  process.exit(1);
}
