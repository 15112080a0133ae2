// A lock that processes share by the file system, since Node has no flock: a folder with one file in it, whose name says
// who holds it, and which the holder touches as long as it lives.
//
// A lock is taken by moving a folder made beforehand into its place, which fails where one with a file in it is. One that
// was left behind by a process that was killed is taken over by renaming the file in it. Both happen at once or not at all,
// and the file that is renamed is that of the process that was found dead, not of one that came first. A process that is killed
// before its folder is in place leaves that folder behind, which whoever holds the lock next removes.
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readlink, rename, rm, rmdir, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { wait } from "../sources/patience.ts";
import type { LockOptions } from "./shelf.ts";

const TOUCH_MS = 2_000;
/** Several touches may be late on a busy machine. */
const LEFT_BEHIND_MS = 20_000;
const ASK_MS = 300;
/** What follows the lock's name in that of a folder made beforehand: process, place, a random UUID. */
const MADE_BEFOREHAND = /^\d+-[0-9a-f]{16}-[0-9a-f-]{36}$/;

/** @throws what `work` throws; the signal's reason; what the file system says where no folder can be made */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const { signal, onWait } = options;
  const place = await placeHere();
  const own = `${process.pid}-${place}-${randomUUID()}`;
  await mkdir(dirname(path), { recursive: true });
  let hasWaited = false;
  while (!(await take(path, own)) && !(await takeOver(path, own, place))) {
    if (!hasWaited) onWait?.();
    hasWaited = true;
    await wait(ASK_MS, signal);
  }
  const touching = setInterval(() => {
    const now = new Date();
    utimes(join(path, own), now, now).catch(() => {});
  }, TOUCH_MS);
  touching.unref();
  try {
    await removeLeftBehind(path, place);
    return await work();
  } finally {
    clearInterval(touching);
    await rm(join(path, own), { force: true });
    // It stays where somebody else has taken it over, or is just taking it.
    await rmdir(path).catch(() => {});
  }
}

async function take(path: string, own: string): Promise<boolean> {
  const made = `${path}.${own}`;
  await mkdir(made);
  try {
    await writeFile(join(made, own), "");
    await rename(made, path);
    return true;
  } catch (error) {
    await rm(made, { recursive: true, force: true });
    if (!isTaken(error)) throw error;
    // Windows moves nothing into the place of an empty folder, either.
    await rmdir(path).catch(() => {});
    return false;
  }
}

/** Folders that were made beforehand by processes that have ended since. */
async function removeLeftBehind(path: string, place: string): Promise<void> {
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(dirname(path)).catch(() => [])) {
    const holder = name.slice(prefix.length);
    const made = join(dirname(path), name);
    if (!name.startsWith(prefix) || !MADE_BEFOREHAND.test(holder) || !(await isLeftBehind(made, holder, place)))
      continue;
    await rm(made, { recursive: true, force: true }).catch(() => {}); // another may be removing it as well
  }
}

/** ENOENT: the folder made beforehand was taken for one that is left behind, by a process that a pause of this one misled. */
function isTaken(error: unknown): boolean {
  return ["EEXIST", "ENOTEMPTY", "EPERM", "EACCES", "ENOENT"].includes(String((error as NodeJS.ErrnoException).code));
}

async function takeOver(path: string, own: string, place: string): Promise<boolean> {
  const [holder] = await readdir(path).catch(() => []);
  if (holder === undefined || !(await isLeftBehind(join(path, holder), holder, place))) return false;
  try {
    // Touched first: under its new name it must at no time look left behind, or another would take it, too.
    const now = new Date();
    await utimes(join(path, holder), now, now);
    await rename(join(path, holder), join(path, own));
    return true;
  } catch {
    return false;
  }
}

async function isLeftBehind(path: string, holder: string, place: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return false;
  const [pid, where] = holder.split("-");
  if (where === place && /^\d+$/.test(pid) && !isAlive(Number(pid))) return true;
  return Date.now() - found.mtimeMs > LEFT_BEHIND_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Where a process id means this process: containers of one machine, or of one name, count their own. */
async function placeHere(): Promise<string> {
  const namespace = await readlink("/proc/self/ns/pid").catch(() => "");
  return createHash("sha256").update(`${hostname()}\n${namespace}`).digest("hex").slice(0, 16);
}
