// A step as a WebAssembly module over memory that both sides see.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** With the options of the shipped kernels. */
export async function compileStep(name: string): Promise<WebAssembly.Module> {
  const files = new Map<string, Uint8Array>();
  const { error, stderr } = await asc.main(
    [`examples/int4-gemv/steps/${name}.ts`, "--target", "relaxed-threads", "--baseDir", root],
    {
      readFile: (file, folder) => {
        try {
          return readFileSync(`${folder}/${file}`, "utf8");
        } catch {
          return null;
        }
      },
      writeFile: (file, contents) => {
        files.set(file.replace(/^.*\./, ""), contents as unknown as Uint8Array);
      },
    },
  );
  if (error) throw new Error(`${name}: ${stderr}`);
  return new WebAssembly.Module(files.get("wasm") as Uint8Array<ArrayBuffer>);
}

/** What the steps export, each some of it. Addresses are bytes of the shared memory. */
export interface StepKernels {
  gemv(y: number, w: number, x: number, rows: number, cols: number): void;
  quantize?(to: number, x: number, cols: number): void;
  pack?(to: number, from: number, rows: number, cols: number): void;
  gemvOfExperts(y: number, w: number, x: number, chosen: number, k: number, rows: number, cols: number): void;
  gemmOfFour(y: number, w: number, x: number, stride: number, rows: number, cols: number): void;
}

export function instantiateStep(module: WebAssembly.Module, memory: WebAssembly.Memory): StepKernels {
  const imports = { env: { memory, abort: () => {} } };
  return new WebAssembly.Instance(module, imports).exports as unknown as StepKernels;
}
