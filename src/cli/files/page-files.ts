// The built page, as the package has it: dist/web, and in lfm2/ the package's own files, which the package holds elsewhere.
import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { cp, mkdir, readFile, stat } from "node:fs/promises";
import { extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { PageFile } from "../../server/page-app.ts";
import { UsageError } from "../exit.ts";

const project = fileURLToPath(new URL("../../../", import.meta.url));
const MODEL = "lfm2-nano-Q4_0.gguf";

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

/** Where each file of the page is, by its path in the page. @throws UsageError where the page has not been built */
export function pageFiles(): ReadonlyMap<string, string> {
  const built = join(project, "dist/web");
  if (!existsSync(join(built, "index.html"))) {
    throw new UsageError({
      subject: "page",
      expected: `it built, in ${built}`,
      found: "nothing",
      remedy: "In a clone, type: npm run build",
    });
  }
  const files = new Map<string, string>();
  for (const entry of readdirSync(built, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) files.set(relative(built, path).replaceAll("\\", "/"), path);
  }
  const assets = join(project, "dist/assets");
  for (const name of readdirSync(assets)) files.set(`lfm2/${name}`, join(assets, name));
  files.set(`lfm2/${MODEL}`, join(project, "golden/nano", MODEL));
  return files;
}

/** Reads a file when it is asked for; nothing but the page's own can be. */
export function readingFrom(files: ReadonlyMap<string, string>): (path: string) => Promise<PageFile | undefined> {
  return async (path) => {
    const place = files.get(path);
    const found = place && (await stat(place).catch(() => undefined));
    if (place === undefined || !found) return undefined;
    const bytes = new Uint8Array(await readFile(place));
    const version = createHash("sha256").update(bytes).digest("hex").slice(0, 32);
    return { bytes, version, type: TYPES[extname(place)] ?? "application/octet-stream" };
  };
}

/** The page as files that any host can serve. */
export async function copyPage(files: ReadonlyMap<string, string>, folder: string): Promise<void> {
  for (const [path, place] of files) {
    const to = join(folder, path);
    await mkdir(join(to, ".."), { recursive: true });
    await cp(place, to);
  }
}
