// The TypeScript that README and docs show runs as it stands, over the embedded model, with what its text takes for granted.
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { golden } from "../model/run.ts";

const root = new URL("../../", import.meta.url);
const folder = mkdtempSync(join(tmpdir(), "lfm2-docs-"));
afterAll(() => rmSync(folder, { recursive: true }));

const NANO = golden("nano/lfm2-nano-Q4_0.gguf");
/** Checkpoints that the text names. */
const standIns: readonly (readonly [name: string, path: string])[] = [["LFM2-8B-A1B-Q4_0.gguf", NANO]];

const opened = `import { open } from "lfm2-wasm";
const model = await open(${JSON.stringify(NANO)}, { threads: 1 });
`;
const weather = `{ type: "function", function: { name: "get_weather", parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] } } }`;
const asked = `const messages: any[] = [{ role: "user", content: "What's the weather in Paris?" }];
const tools = [${weather}];
const functions: any = { get_weather: async () => "11" };
`;

/** What stands around a block, by its first line; what it has to print then, if anything. */
const surroundings: Readonly<Record<string, { before?: string; after?: string; prints?: RegExp }>> = {
  'import { open } from "lfm2-wasm";': { prints: /\w+ \w+/ },
  'import { Lfm2Error, open } from "lfm2-wasm";': {
    before: `const file = ${JSON.stringify(NANO)}, contextLength = -1;\nlet seen;`,
    after: "console.log(seen);",
    prints: /OptionError contextLength an integer/,
  },
  "const answer = createAnswerCollector();": {
    before: `import { createAnswerCollector } from "lfm2-wasm";\n${opened}${asked}`,
    after: "await model.close();\nconsole.log(messages.map(({ role }) => role).join());",
    prints: /^user,assistant/,
  },
  'const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };': {
    before: `${opened}const messages = [{ role: "user", content: "Where is the Eiffel Tower?" }];`,
    after: "await model.close();",
  },
  'import { capabilities } from "lfm2-wasm";': { prints: /kernels: '(?:relaxed(?:-pairs)?|baseline)', threads: \d+/ },
  'import { planTrace } from "lfm2-wasm";': {
    before: `${opened}const ids = [1, 6, 330];`,
    after: "\n{ if (name === 'model.layers.23') console.log(rows, data.length, position); }\nawait model.close();",
    prints: /^\d+\n3 384 0\n$/,
  },
};

/** Run by test/vitest.test.ts, in a project of its own. */
const ELSEWHERE = ['import "lfm2-wasm/vitest";'];

interface Block {
  readonly document: string;
  readonly code: string;
}

const blocks: readonly Block[] = ["README.md", ...readdirSync(new URL("docs", root)).map((name) => `docs/${name}`)]
  // Those two show the source itself.
  .filter((document) => document.endsWith(".md") && !/lfm2\.md|exercises\.md/.test(document))
  .flatMap((document) => {
    const text = readFileSync(new URL(document, root), "utf8");
    return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => ({ document, code }));
  });

function program({ code }: Block): string {
  const { before = "", after = "" } = surroundings[code.split("\n")[0]];
  // An ellipsis stands for what a reader does with it.
  const whole = `${before}\n${code.replace(/ …$/m, "").replace('// "OptionError"', "seen = [kind, subject, expected].join(' '); // \"OptionError\"")}\n${after}`;
  const named = standIns.reduce((text, [name, path]) => text.replaceAll(`"${name}"`, JSON.stringify(path)), whole);
  return named.replaceAll('"lfm2-wasm"', JSON.stringify(new URL("src/index.ts", root).href));
}

function run(file: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const flags = ["--import", new URL("assembly/read-typescript.js", root).href];
  return new Promise((resolve) => {
    execFile(process.execPath, [...flags, file], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
    });
  });
}

describe("a block of TypeScript in README or docs", () => {
  const own = blocks.filter(({ code }) => !ELSEWHERE.includes(code.split("\n")[0]));

  it("is known to this test, whichever it is", () => {
    expect(own.filter(({ code }) => surroundings[code.split("\n")[0]] === undefined)).toEqual([]);
    expect(own.length).toBeGreaterThanOrEqual(6);
  });

  it.each(own.map((block, i) => [i, block.document, block] as const))("runs: block %i, of %s", async (i, _, block) => {
    const file = join(folder, `${i}.mts`);
    writeFileSync(file, program(block));
    const { code, stdout, stderr } = await run(file);
    expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
    const { prints } = surroundings[block.code.split("\n")[0]];
    if (prints !== undefined) expect(stdout).toMatch(prints);
  });
});
