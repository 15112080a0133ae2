// The rooms of the project and the arrows between them: who may import whom, and which ops have twins.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const src = fileURLToPath(new URL("../src", import.meta.url));

/** A room is a folder of src, or a file directly in it. Everything may also import itself. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  "float.ts": [],
  ops: [],
  blocks: [],
  tokenizer: [],
  sources: [],
  sampling: ["float.ts"],
  constrain: [],
  formats: ["blocks", "sources", "float.ts"],
  model: ["ops", "float.ts"],
  reference: ["ops", "blocks", "float.ts"],
  wasm: ["ops", "blocks"],
  "fit.ts": ["wasm"],
  engine: ["model", "ops", "sampling"],
  chat: ["tokenizer", "engine", "sampling"],
  picture: ["model"],
  // Which tensors of a checkpoint the graph asks for.
  parameters: ["blocks", "formats", "model", "ops", "sources"],
  quantize: ["blocks", "formats", "model", "ops", "parameters", "sources", "tokenizer"],
  oracle: [
    "call-options.ts",
    "engine",
    "ops",
    "model",
    "formats",
    "sources",
    "blocks",
    "parameters",
    "reference",
    "float.ts",
    "picture",
  ],
  synth: ["blocks", "formats", "model", "parameters", "quantize", "sampling", "tokenizer"],
  // File, backend and graph meet in load.ts, which runs in the model's thread; the rest meets in open.ts.
  "load-options.ts": ["fit.ts", "model", "ops", "quantize", "wasm"],
  "load.ts": [
    "blocks",
    "engine",
    "fit.ts",
    "formats",
    "load-options.ts",
    "model",
    "ops",
    "parameters",
    "quantize",
    "reference",
    "wasm",
  ],
  worker: [
    "constrain",
    "engine",
    "fit.ts",
    "formats",
    "load-options.ts",
    "load.ts",
    "model",
    "oracle",
    "sampling",
    "sources",
    "wasm",
  ],
  text: ["chat", "constrain", "formats", "tokenizer", "worker"],
  "language-model.ts": ["chat", "constrain", "formats", "load-options.ts", "model", "oracle", "sampling", "text"],
  "create-language-model.ts": [
    "call-options.ts",
    "chat",
    "constrain",
    "engine",
    "formats",
    "language-model.ts",
    "load-options.ts",
    "model",
    "oracle",
    "sampling",
    "text",
    "worker",
  ],
  "opening-options.ts": ["load-options.ts", "tokenizer"],
  "call-options.ts": ["load-options.ts", "opening-options.ts", "sampling"],
  "open.ts": [
    "create-language-model.ts",
    "formats",
    "language-model.ts",
    "load-options.ts",
    "model",
    "opening-options.ts",
    "sources",
    "text",
    "tokenizer",
    "worker",
  ],
  // The doors.
  "index.ts": ["chat", "constrain", "language-model.ts", "open.ts", "oracle", "sources", "text", "worker"],
  "index.browser.ts": ["chat", "constrain", "language-model.ts", "open.ts", "oracle", "sources", "text", "worker"],
  "vitest.ts": ["oracle", "sources"],
  bench: [
    "index.ts",
    "open.ts",
    "load-options.ts",
    "load.ts",
    "model",
    "ops",
    "blocks",
    "wasm",
    "formats",
    "sources",
    "engine",
    "parameters",
    "tokenizer",
    "worker",
    "picture",
  ],
  cli: [
    "fit.ts",
    "index.ts",
    "open.ts",
    "load-options.ts",
    "load.ts",
    "blocks",
    "chat",
    "constrain",
    "formats",
    "model",
    "oracle",
    "parameters",
    "picture",
    "quantize",
    "sampling",
    "sources",
    "synth",
    "text",
    "tokenizer",
    "wasm",
    "ops",
    "bench",
    "worker",
  ],
};

interface Import {
  readonly from: string;
  readonly to: string;
}

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(src, join(entry.parentPath, entry.name)));
}

const room = (file: string): string => file.split("/")[0];

const imports: Import[] = files(src).flatMap((from) =>
  Array.from(readFileSync(join(src, from), "utf8").matchAll(/(?:from|import|import\()\s*"([^"]+)"/g), ([, to]) => ({
    from,
    to,
  })),
);
const local = imports
  .filter(({ to }) => to.startsWith("."))
  .map(({ from, to }) => ({ from, to: relative(src, join(src, dirname(from), to)) }));

describe("rooms", () => {
  it("are all known", () => {
    expect([...new Set(files(src).map(room))].sort()).toEqual(Object.keys(arrows).sort());
  });

  it("import only where an arrow leads", () => {
    expect(local.length).toBeGreaterThan(100);
    const wrong = local.filter(({ from, to }) => room(from) !== room(to) && !arrows[room(from)]?.includes(room(to)));
    expect(wrong.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  it("import files that are there, by their .ts names", () => {
    const wrong = local.filter(({ to }) => !to.endsWith(".ts") || !existsSync(join(src, to)));
    expect(wrong).toEqual([]);
  });

  it("use Node's modules at Node's doors only, and few packages", () => {
    const outside = imports.filter(({ to }) => !to.startsWith("."));
    const doors =
      /^(cli|bench|picture)\/|^(index|vitest)\.ts$|^sources\/disk\.ts$|^oracle\/(tensor-file|part-file|record-folder|write-trace|write-golden)\.ts$|^text\/(node-thread|start-node)\.ts$|^worker\/(node-worker|start-node|node-machine|node-helper|free-memory)\.ts$/;
    const node = outside.filter(({ from, to }) => to.startsWith("node:") && !doors.test(from));
    expect(node.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
    const { dependencies, devDependencies, peerDependencies } = JSON.parse(
      readFileSync(join(src, "../package.json"), "utf8"),
    );
    for (const { from, to } of outside.filter(({ to }) => !to.startsWith("node:"))) {
      // What `npm run bench` alone reaches may use what is there for development alone.
      const isDevelopment = /^bench\/(kernels|browser-peers)\.ts$/.test(from);
      const own = from === "vitest.ts" ? peerDependencies : isDevelopment ? devDependencies : dependencies;
      expect(Object.keys(own), from).toContain(to);
    }
  });

  it("keep mathematics that engines round differently out of everything that computes", () => {
    const computing = files(src).filter((file) =>
      /^(float\.ts|reference|sampling|model|engine|wasm|blocks|quantize|synth)/.test(file),
    );
    const inexact =
      /Math\.(?:exp|expm1|log|log2|log10|log1p|pow|sin|cos|tan|tanh|sinh|cosh|atan|atan2|asin|acos|cbrt|hypot)\(|\*\*/;
    const wrong = computing.filter((file) => {
      const code = readFileSync(join(src, file), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
      // 2 ** n is exact, and so is a power with two literals.
      return inexact.test(code.replace(/\b2 \*\* (\([^)]*\)|[\w-]+)/g, ""));
    });
    expect(wrong).toEqual([]);
  });
});

describe("ops", () => {
  it("have twins of the same file name in reference/ and assembly/", () => {
    const reference = readdirSync(join(src, "reference")).filter(
      (file) => !["tensor.ts", "backend.ts", "embed.ts"].includes(file),
    );
    const assembly = readdirSync(join(src, "../assembly"));
    expect(reference.filter((file) => !assembly.includes(file))).toEqual([]);
  });
});
