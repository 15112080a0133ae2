// The rooms of the project and the arrows between them: who may import whom, and which ops have twins.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const src = fileURLToPath(new URL("../src", import.meta.url));

/** A room is a folder of src, or a file directly in it. Everything may also import itself. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  "columns.ts": [],
  "float.ts": [],
  "lfm2-error.ts": [],
  "quantities.ts": [],
  "web-types.d.ts": [],
  // The options of a call, checked before any work begins.
  options: [],
  ops: [],
  blocks: [],
  tokenizer: [],
  sources: [],
  // The package's own files, for pages.
  "package-files": ["sources"],
  // Files fetched from servers once, and kept.
  downloads: ["quantities.ts", "sources"],
  // Models by name, as the Hugging Face Hub has them.
  hub: ["downloads", "sources"],
  sampling: ["float.ts"],
  "json-schema": [],
  constrain: ["json-schema", "tokenizer"],
  model: ["ops", "float.ts"],
  formats: ["options", "blocks", "sources", "float.ts", "model", "tokenizer"],
  // What a reader changes of a model that runs.
  edits: ["float.ts", "model", "ops"],
  reference: ["ops", "blocks", "float.ts"],
  wasm: ["ops", "blocks"],
  engine: ["edits", "model", "ops", "sampling"],
  chat: ["tokenizer", "engine", "json-schema", "sampling"],
  picture: ["model", "quantities.ts"],
  // Which tensors of a checkpoint the graph asks for.
  parameters: ["blocks", "formats", "model", "ops", "sources"],
  quantize: ["blocks", "formats", "model", "parameters", "tokenizer"],
  oracle: [
    "edits",
    "options",
    "engine",
    "ops",
    "model",
    "formats",
    "sources",
    "blocks",
    "parameters",
    "quantize",
    "reference",
    "columns.ts",
    "float.ts",
    "picture",
    "quantities.ts",
  ],
  synth: ["blocks", "formats", "model", "parameters", "quantize", "sampling", "tokenizer"],
  // File, backend and graph meet in load, in the model's thread; the rest meets in api.
  load: [
    "options",
    "blocks",
    "engine",
    "formats",
    "model",
    "ops",
    "parameters",
    "quantities.ts",
    "quantize",
    "reference",
    "wasm",
  ],
  // The thread in which a page finds, fetches and keeps a model's files.
  files: ["downloads", "formats", "hub", "package-files", "sources", "worker"],
  worker: [
    "package-files",
    "constrain",
    "edits",
    "engine",
    "formats",
    "load",
    "model",
    "oracle",
    "sampling",
    "sources",
    "tokenizer",
    "wasm",
  ],
  // What an engine can do, and how to get what is missing.
  capabilities: ["downloads", "load", "wasm", "worker"],
  text: ["package-files", "chat", "constrain", "formats", "quantities.ts", "tokenizer", "worker"],
  api: [
    "options",
    "package-files",
    "chat",
    "constrain",
    "downloads",
    "engine",
    "formats",
    "load",
    "model",
    "oracle",
    "sampling",
    "sources",
    "text",
    "tokenizer",
    "worker",
  ],
  // What is said turn by turn, wherever it is shown.
  conversation: ["api", "chat"],
  // The doors.
  "public.ts": [
    "api",
    "capabilities",
    "chat",
    "constrain",
    "engine",
    "formats",
    "load",
    "model",
    "ops",
    "oracle",
    "package-files",
    "sampling",
    "text",
    "tokenizer",
  ],
  "index.ts": [
    "api",
    "capabilities",
    "downloads",
    "formats",
    "hub",
    "oracle",
    "public.ts",
    "sources",
    "text",
    "worker",
  ],
  "page.ts": ["api", "files", "package-files", "sources", "text", "wasm", "worker"],
  "index.browser.ts": ["api", "capabilities", "files", "package-files", "page.ts", "public.ts"],
  "index.no-model.ts": ["api", "capabilities", "files", "package-files", "page.ts", "public.ts"],
  "index.inline.ts": ["api", "capabilities", "files", "package-files", "page.ts", "public.ts"],
  "vitest.ts": ["oracle", "sources"],
  bench: [
    "index.ts",
    "load",
    "model",
    "ops",
    "blocks",
    "wasm",
    "formats",
    "engine",
    "parameters",
    "tokenizer",
    "worker",
    "picture",
    "quantities.ts",
  ],
  // The page that runs models in a browser.
  web: [
    "api",
    "bench",
    "capabilities",
    "chat",
    "edits",
    "files",
    "float.ts",
    "formats",
    "load",
    "model",
    "ops",
    "oracle",
    "page.ts",
    "parameters",
    "quantities.ts",
    "sampling",
    "server",
    "sources",
    "text",
    "wasm",
    "worker",
  ],
  // Tools of servers that speak MCP.
  mcp: [],
  // Requests of programs, in the protocols that they speak.
  server: ["chat", "conversation", "index.ts", "options", "sampling"],
  cli: [
    "columns.ts",
    "server",
    "mcp",
    "conversation",
    "downloads",
    "edits",
    "hub",
    "index.ts",
    "load",
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
    "bench",
    "quantities.ts",
    "worker",
  ],
};

/** What every room may import without being told here: all of them throw. */
const EVERYWHERE = "lfm2-error.ts";

/** Of one folder, for one look to take in. */
const MOST_FILES = 20;

interface Import {
  readonly from: string;
  readonly to: string;
}

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
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
  // ?worker&url and the like tell the page's bundler how.
  .map(({ from, to }) => ({ from, to: relative(src, join(src, dirname(from), to.replace(/\?.*$/, ""))) }));

describe("rooms", () => {
  it("are all known", () => {
    expect([...new Set(files(src).map(room))].sort()).toEqual(Object.keys(arrows).sort());
  });

  it("import only where an arrow leads", () => {
    expect(local.length).toBeGreaterThan(100);
    const isAllowed = (from: string, to: string): boolean =>
      from === to || to === EVERYWHERE || arrows[from]?.includes(to);
    const wrong = local.filter(({ from, to }) => !isAllowed(room(from), room(to)));
    expect(wrong.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  it("use every arrow", () => {
    const used = new Set(local.map(({ from, to }) => `${room(from)} → ${room(to)}`));
    const drawn = Object.entries(arrows).flatMap(([from, to]) => to.map((other) => `${from} → ${other}`));
    expect(drawn.filter((arrow) => !used.has(arrow))).toEqual([]);
  });

  it("have no file that imports itself by way of others", () => {
    const next = new Map(files(src).map((file) => [file, [] as string[]]));
    for (const { from, to } of local) next.get(from)?.push(to);
    // Files that import nothing but files already taken away are taken away; what remains runs in circles or leads there.
    for (let before = -1; before !== next.size; ) {
      before = next.size;
      for (const [file, to] of next) if (!to.some((other) => next.has(other))) next.delete(file);
    }
    expect([...next.keys()]).toEqual([]);
  });

  it("have at most twenty files to a folder", () => {
    const halls = ["src", "assembly", "test"].flatMap((top) => {
      const folder = join(src, "..", top);
      const inside = readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
      return [...new Set(inside.map(({ parentPath }) => parentPath))]
        .filter((parent) => inside.filter(({ parentPath }) => parentPath === parent).length > MOST_FILES)
        .map((parent) => relative(folder, parent));
    });
    expect(halls).toEqual([]);
  });

  it("import files that are there, by their .ts and .tsx names", () => {
    const wrong = local.filter(({ to }) => !/\.tsx?$/.test(to) || !existsSync(join(src, to)));
    expect(wrong).toEqual([]);
  });

  it("use Node's modules at Node's doors only, and few packages", () => {
    const outside = imports.filter(({ to }) => !to.startsWith("."));
    const doors =
      /^(cli|bench|picture|web\/build)\/|^(index|vitest|web\/vite\.config)\.ts$|^server\/(app|node-listen|http\/doors)\.ts$|^sources\/disk\.ts$|^capabilities\/node\.ts$|^mcp\/stdio-transport\.ts$|^(hub|downloads)\/node-[\w-]+\.ts$|^oracle\/(trace\/(tensor-file|part-file|record-folder|write-trace)|golden\/write-golden)\.ts$|^text\/(node-thread|start-node)\.ts$|^worker\/(node-worker|start-node|node-machine|node-platform|node-helper|free-memory)\.ts$/;
    const node = outside.filter(({ from, to }) => to.startsWith("node:") && !doors.test(from));
    expect(node.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
    const { dependencies, devDependencies, peerDependencies } = JSON.parse(
      readFileSync(join(src, "../package.json"), "utf8"),
    );
    for (const { from, to } of outside.filter(({ to }) => !to.startsWith("node:"))) {
      // What `npm run bench` alone reaches may use what is there for development alone.
      // So may the page, which is bundled.
      const isDevelopment = /^(bench\/peers\/(kernels|browser-peers)\.ts$|web\/)/.test(from);
      const isOptional = from === "vitest.ts" || to.startsWith("@modelcontextprotocol/");
      const own = isOptional ? peerDependencies : isDevelopment ? devDependencies : dependencies;
      const [scope, name] = to.split("/");
      expect(Object.keys(own), from).toContain(to.startsWith("@") ? `${scope}/${name}` : scope);
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
    const assembly = readdirSync(join(src, "../assembly/ops"));
    expect(reference.filter((file) => !assembly.includes(file))).toEqual([]);
  });
});

describe("block formats", () => {
  it("have twins of the same file name in blocks/ and assembly/", () => {
    const [blocks, assembly] = ["blocks", "../assembly/formats"].map((folder) => readdirSync(join(src, folder)));
    const written = /^(?:block-format|f16|finite|scale-search|steps)\.ts$/; // what reading and writing them takes besides
    expect(blocks.filter((file) => !written.test(file)).sort()).toEqual(assembly.sort());
  });
});
