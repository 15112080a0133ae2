// The package in other people's builds: each app of this folder is installed with the packed tarball, built, and run in
// its runtime or in Chromium. Each has to give the ids that Node gives here.
//
//   node --import ./assembly/read-typescript.js test/consumers/run.ts [--tarball FILE] [quick | NAME…]
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { type LanguageModel, open } from "../../src/index.ts";
import type { Driver } from "../browser/engine.ts";
import { chromium } from "../browser/puppeteer-engines.ts";
import { consumers, type Run } from "./consumers.ts";
import { startCommand, startStatic } from "./servers.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Of one install, build or page. */
const LIMIT_MS = 240_000;

const { values, positionals } = parseArgs({ options: { tarball: { type: "string" } }, allowPositionals: true });
const scratch = mkdtempSync(join(tmpdir(), "lfm2-consumers-"));
// Bundlers of today need a newer Node than this package does: that of the development tools comes first.
const env = { ...process.env, PATH: join(ROOT, "node_modules/.bin") + delimiter + process.env.PATH };
const call = (file: string, args: readonly string[], cwd: string): Promise<{ stdout: string }> =>
  promisify(execFile)(file, args, { cwd, env, timeout: LIMIT_MS, maxBuffer: 1 << 26 });

let failed = 0;
let driver: Driver | undefined;
try {
  const chosen = Object.entries(consumers).filter(([name, { quick }]) =>
    positionals.length === 0 ? true : positionals.includes(name) || (positionals.includes("quick") && quick),
  );
  const unknown = positionals.filter((name) => name !== "quick" && consumers[name] === undefined);
  if (unknown.length > 0) throw new Error(`consumers: expected ${Object.keys(consumers).join(", ")}, found ${unknown}`);
  const packed = values.tarball ?? (await pack());
  cpSync(packed, join(scratch, "lfm2-wasm.tgz"));
  const expected = await idsHere();
  driver = await chromium.launch(false);
  for (const [name, { runs }] of chosen) {
    const begin = performance.now();
    const folder = join(scratch, name);
    const outcomes: string[] = [];
    try {
      cpSync(join(import.meta.dirname, name), folder, { recursive: true });
      await call("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", "--no-package-lock"], folder);
      for (const [title, run] of Object.entries(runs)) {
        const found = await attempt(run, folder, driver);
        if (found !== expected) failed++;
        outcomes.push(found === expected ? title : `${title}: expected ${expected}, found ${found}`);
      }
    } catch (error) {
      failed++;
      outcomes.push(String((error as { stderr?: string }).stderr || error));
    }
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    console.log(`${name} (${seconds} s): ${outcomes.join("; ")}`);
    rmSync(folder, { recursive: true, force: true });
  }
} finally {
  await driver?.close();
  rmSync(scratch, { recursive: true, force: true });
}
process.exitCode = failed > 0 ? 1 : 0;

async function pack(): Promise<string> {
  await call("npm", ["pack", "--silent", "--pack-destination", scratch], ROOT);
  return join(scratch, readdirSync(scratch).find((file) => file.endsWith(".tgz")) ?? "");
}

async function idsHere(): Promise<string> {
  const model: LanguageModel = await open();
  const prompt = await model.encodeChat([{ role: "user", content: "Hello!" }]);
  const ids: number[] = [];
  for await (const id of model.generate(prompt, { temperature: 0, maxTokens: 16 })) ids.push(id);
  await model.close();
  return ids.join(" ");
}

async function attempt(run: Run, folder: string, page: Driver): Promise<string> {
  if (run.build !== undefined) await call("npm", ["run", "--silent", run.build], folder);
  if ("command" in run) {
    const [file, ...args] = run.command;
    const { stdout } = await call(join(folder, file), args, folder);
    return stdout.trim();
  }
  const servers = "serve" in run ? [await startCommand(run.serve, folder, env)] : await startStatic(folder, run);
  try {
    await page.visit(servers[0].url + (run.path ?? ""));
    return await textOf(page);
  } finally {
    for (const { close } of servers) await close();
  }
}

/** What the page says once it says something. */
async function textOf(page: Driver): Promise<string> {
  for (const end = performance.now() + LIMIT_MS; performance.now() < end; ) {
    const text = await page.evaluate("document.body?.innerText.trim() ?? ''");
    if (text !== "") return text;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return `nothing within ${LIMIT_MS / 1000} s`;
}
