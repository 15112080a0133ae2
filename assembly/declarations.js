// Generates src/wasm/compiled.ts, the types of the kernels, from the declarations that asc emits for them.

/** A function as asc declares it, after its comment. */
const FUNCTION = /^ {2}export function (\w+)\((.*)\): (\w+);$/gm;
/** A global, which asc declares as the object that JavaScript sees. */
const GLOBAL = /^ {2}export const (\w+): \{\n.*\n {4}get value\(\): number;?\n( {4}set value.*\n)? {2}\};$/gm;
/** How a kernel's parameters end if threads share its work. */
const SHARED = /(?:, )?begin: number, end: number(?:, scratch: number)?$/;

/**
 * @param kernels  asc's declarations of the kernels, which are those of every build
 * @param sizes    asc's declarations of assembly/sizes.ts, and the module itself
 */
export function declarationsOf(kernels, sizes) {
  const functions = Array.from(kernels.matchAll(FUNCTION), ([, name, parameters]) => ({ name, parameters }));
  const shared = functions.filter(({ parameters }) => SHARED.test(parameters));
  return [
    "// Made by assembly/build.js from what asc says of the kernels; changes here are lost.",
    "",
    typeOf("Kernels", kernels),
    ...namesOf("kernelNames", "keyof Kernels", functions),
    "/** Of the kernels whose work threads share, the arguments before begin, end and scratch. */",
    "export type SharedArguments = {",
    ...shared.map(({ name, parameters }) => `  ${name}: [${parameters.replace(SHARED, "")}];`),
    "};",
    "",
    "/** A kernel's place here is its number among threads. */",
    ...namesOf("sharedKernels", "keyof SharedArguments", shared),
    typeOf("Sizes", sizes.declarations),
    "/** The module of assembly/sizes.ts, in base64. */",
    `export const sizesModule = "${Buffer.from(sizes.module).toString("base64")}";`,
    "",
  ].join("\n");
}

function namesOf(list, type, functions) {
  return [`export const ${list}: readonly (${type})[] = [`, ...functions.map(({ name }) => `  "${name}",`), "];", ""];
}

/** The exports that asc's namespace declares, as a type. Comments stay: they state a parameter's type in the module. */
function typeOf(name, declarations) {
  const members = declarations
    .slice(declarations.indexOf("{\n") + 2, declarations.indexOf("\n}\n"))
    .replace(FUNCTION, "  $1($2): $3;")
    .replace(GLOBAL, (_, name, isMutable) => `  readonly ${name}: { ${isMutable ? "" : "readonly "}value: number };`);
  const unknown = /^ *export .*$/m.exec(members);
  if (unknown) throw new Error(`${name}: expected functions and globals of numbers, found: ${unknown[0].trim()}`);
  return `export type ${name} = {\n${members}\n};\n`;
}
