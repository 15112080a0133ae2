// A lock that processes share by a file, since Node has no flock: whoever makes the file holds it, and touches it as long
// as it lives. One that nobody has touched for a while was left behind by a process that was killed.
//
// Should two processes ever hold one lock, as after a machine slept, both write the same bytes to the same places.
import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { wait } from "../sources/patience.ts";
import type { LockOptions } from "./shelf.ts";

const TOUCH_MS = 2_000;
/** Several touches may be late on a busy machine. */
const LEFT_BEHIND_MS = 20_000;
const ASK_MS = 300;

/** @throws what `work` throws; the signal's reason; what the file system says where no file can be made */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const { signal, onWait } = options;
  const own = `${process.pid} ${hostname()} ${randomUUID()}\n`;
  await mkdir(dirname(path), { recursive: true });
  for (let tries = 0; !(await take(path, own)); tries++) {
    if (await isLeftBehind(path)) {
      await removeLeft(path);
      continue;
    }
    if (tries === 0) onWait?.();
    await wait(ASK_MS, signal);
  }
  const touching = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, TOUCH_MS);
  touching.unref();
  try {
    return await work();
  } finally {
    clearInterval(touching);
    if ((await contentOf(path)) === own) await rm(path, { force: true });
  }
}

async function take(path: string, own: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    await file.writeFile(own).finally(() => file.close());
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function isLeftBehind(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return false;
  const [pid, host] = ((await contentOf(path)) ?? "").split(/\s/);
  if (host === hostname() && /^\d+$/.test(pid) && !isAlive(Number(pid))) return true;
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

/** Moved away first, so that of several processes one removes it, and none removes what another has made since. */
async function removeLeft(path: string): Promise<void> {
  const moved = `${path}.${randomUUID()}`;
  await rename(path, moved).catch(() => {});
  await rm(moved, { force: true });
}

const contentOf = (path: string): Promise<string | undefined> => readFile(path, "utf8").catch(() => undefined);
