// Compiles the kernels with asc, as asconfig.json says, when a source is newer than the module it made.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import asc from "assemblyscript/asc";

const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  console.error(
    `note: the devDependency node@24 is not installed here; going on with this machine's Node ${process.versions.node}.`,
  );
}

const { targets } = JSON.parse(readFileSync("asconfig.json", "utf8"));
const sources = ["asconfig.json", ...readdirSync("assembly", { recursive: true }).map((file) => `assembly/${file}`)];
const newest = Math.max(...sources.map((file) => statSync(file).mtimeMs));

for (const [target, { outFile }] of Object.entries(targets)) {
  if (existsSync(outFile) && statSync(outFile).mtimeMs >= newest) continue;
  const { error, stderr } = await asc.main(["--target", target]);
  if (error) {
    console.error(`${stderr}\nkernels: asc could not compile target "${target}": ${error.message}`);
    process.exit(1);
  }
}
