// How much memory one more model can have under Node: what the machine has free, within the limits of control groups.
import { readFile } from "node:fs/promises";
import { freemem, totalmem } from "node:os";
import type { FreeMemory } from "../load/fit.ts";

/** Reads a file of the system's; undefined where there is none. */
export type ReadText = (path: string) => Promise<string | undefined>;

const readSystem: ReadText = (path) => readFile(path, "utf8").catch(() => undefined);

/**
 * The least of what is available and of what each control group above this process leaves. Files that are kept in memory
 * only to be read faster count as free: they make room. @source Linux, proc(5) MemAvailable; cgroups(7), v1 and v2
 */
export async function freeMemory(read: ReadText = readSystem): Promise<FreeMemory> {
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec((await read("/proc/meminfo")) ?? "")?.[1];
  const machine: FreeMemory =
    available === undefined ? elsewhere() : { bytes: Number(available) * 1024, what: "free memory of this machine" };
  const groups = await Promise.all((await groupFolders(read)).map((folder) => leftIn(folder, read)));
  return groups.reduce<FreeMemory>((least, bytes) => {
    if (bytes === undefined || bytes >= least.bytes) return least;
    return { bytes, what: "memory that its control group (a container, say) leaves" };
  }, machine);
}

/** macOS counts as used what it can free at once, so that only the whole is a bound there. */
function elsewhere(): FreeMemory {
  return process.platform === "win32"
    ? { bytes: freemem(), what: "free memory of this machine" }
    : { bytes: totalmem(), what: "memory of this machine" };
}

/** The group of this process and those above it, of either version. Within a container the first may be out of sight. */
async function groupFolders(read: ReadText): Promise<string[]> {
  const folders = ["/sys/fs/cgroup", "/sys/fs/cgroup/memory"];
  for (const line of ((await read("/proc/self/cgroup")) ?? "").split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined || (controllers !== "" && !controllers.split(",").includes("memory"))) continue;
    const root = controllers === "" ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
    for (let at = path; at.length > 1; at = at.slice(0, at.lastIndexOf("/"))) folders.push(root + at);
  }
  return folders;
}

async function leftIn(folder: string, read: ReadText): Promise<number | undefined> {
  const number = async (name: string): Promise<number> => Number.parseInt((await read(`${folder}/${name}`)) ?? "", 10);
  const stat = (await read(`${folder}/memory.stat`)) ?? "";
  const count = (key: string): number => Number(new RegExp(`^${key} (\\d+)$`, "m").exec(stat)?.[1] ?? 0);
  // v2, then v1; "max", or a number beyond all memory, is no limit.
  const left = (await number("memory.max")) - (await number("memory.current")) + count("file");
  if (Number.isFinite(left)) return left;
  const files = count("total_cache") || count("cache");
  const older = (await number("memory.limit_in_bytes")) - (await number("memory.usage_in_bytes")) + files;
  return Number.isFinite(older) ? older : undefined;
}
