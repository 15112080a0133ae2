// The directory of a trace, a golden or sessions: it becomes one with its manifest, which is written last.

import { rmdirSync } from "node:fs";
import { mkdir, open, readdir, rm, stat, statfs, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { Lfm2Error } from "../../lfm2-error.ts";
import { createPart, isLeftPart, type Part } from "./part-file.ts";

/** A directory, or the disk under it, cannot take what is to be written. */
export class RecordFolderError extends Lfm2Error {
  override readonly name = "RecordFolderError";
}

const MANIFESTS = ["trace.json", "golden.json", "sessions.json"];

/**
 * Before long work: whether `path` is new, empty, or holds a recording that may go, on a disk with room for `bytes`.
 * @throws RecordFolderError
 */
export async function checkRecordFolder(path: string, bytes: number, force: boolean): Promise<void> {
  const names = await readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new RecordFolderError({
      subject: path,
      expected: "a directory",
      found: error.code ?? error.message,
      remedy: "Name another one.",
    });
  });
  const content = names.filter((name) => !isLeftPart(name));
  const isOurs = content.length > 0 && (await holdsRecording(path));
  if (content.length > 0 && !(force && isOurs)) {
    const others = content.length === 1 ? `${content[0]} in it: it stays` : `${content.length} files in it: they stay`;
    const found = isOurs ? "a recording; replace it with --force" : others;
    throw new RecordFolderError({
      subject: path,
      expected: "a new or empty directory",
      found: `${found}, or name another one`,
    });
  }
  const { bavail, bsize } = await statfs(await nearestFolder(resolve(path)));
  if (bytes <= bavail * bsize) return;
  throw new RecordFolderError({
    subject: path,
    expected: `${bytes} bytes of free disk`,
    found: bavail * bsize,
    remedy: "Choose fewer points or positions.",
  });
}

/** Whether a manifest there is one of this project's: other people's files are not to be replaced. */
async function holdsRecording(path: string): Promise<boolean> {
  for (const name of MANIFESTS) {
    const text = await readBeginning(join(path, name)).catch(() => "");
    if (/"format":\s*"lfm2-(trace|golden|sessions)"/.test(text)) return true;
  }
  return false;
}

async function readBeginning(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(200), 0, 200, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}

async function nearestFolder(path: string): Promise<string> {
  const isThere = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return isThere || dirname(path) === path ? path : nearestFolder(dirname(path));
}

/**
 * Fills the directory, then gives its files their names, the manifest's last. Whatever ends it before leaves what was
 * there, or no manifest, so nothing that looks whole. What a killed process has left there goes.
 * @param fill  writes files; it is given a part for each by its name, and returns the manifest
 * @throws what `fill` throws; its files are removed then
 */
export async function writeRecordFolder<T extends object>(
  path: string,
  manifestName: string,
  fill: (partOf: (fileName: string) => Promise<Part>) => Promise<T>,
): Promise<T> {
  const isNew = (await mkdir(path, { recursive: true })) !== undefined;
  const removeNew = (): void => {
    try {
      if (isNew) rmdirSync(path);
    } catch {
      // Somebody else has put something into it.
    }
  };
  process.on("exit", removeNew);
  for (const name of await readdir(path)) if (isLeftPart(name)) await rm(join(path, name));
  const parts: Part[] = [];
  const partOf = async (fileName: string): Promise<Part> => {
    const part = await createPart(join(path, fileName));
    parts.push(part);
    return part;
  };
  try {
    const manifest = await fill(partOf);
    await writeFile((await partOf(manifestName)).path, `${manifestJson(manifest)}\n`);
    for (const name of MANIFESTS) await rm(join(path, name), { force: true });
    for (const part of parts) await part.keep();
    return manifest;
  } catch (error) {
    for (const part of parts) await part.drop();
    removeNew();
    throw error;
  } finally {
    process.off("exit", removeNew);
  }
}

/** Indented, but for lists of numbers and the entries of lists, which stand on one line. */
export function manifestJson(manifest: object): string {
  const entries = Object.entries(manifest).filter(([, value]) => value !== undefined);
  const lines = entries.map(([key, value]) => `  ${JSON.stringify(key)}: ${valueJson(value)}`);
  return `{\n${lines.join(",\n")}\n}`;
}

function valueJson(value: unknown): string {
  if (Array.isArray(value) && value.some((entry) => typeof entry === "object")) {
    return `[\n${value.map((entry) => `    ${spaced(entry)}`).join(",\n")}\n  ]`;
  }
  return spaced(value);
}

/** `{ "a": [1, 2] }` on one line. */
function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  return `{ ${entries.map(([key, entry]) => `${JSON.stringify(key)}: ${spaced(entry)}`).join(", ")} }`;
}
