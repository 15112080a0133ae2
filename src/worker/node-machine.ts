// What the machine under Node has to offer the kernels.
import { readdir, readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import type { Machine } from "../load/machine.ts";
import { usableBuilds } from "../wasm/kernels.ts";
import { freeMemory } from "./free-memory.ts";

export async function nodeMachine(): Promise<Machine> {
  return { cores: await physicalCores(), sharedMemory: true, builds: usableBuilds(), memory: await freeMemory() };
}

/**
 * Cores that this process may use, two threads of one core counted once: they share its multipliers. Linux tells which
 * belong together; elsewhere two threads to a core are assumed of x64 alone.
 */
async function physicalCores(): Promise<number> {
  const threads = availableParallelism();
  try {
    const root = "/sys/devices/system/cpu";
    const cpus = (await readdir(root)).filter((name) => /^cpu\d+$/.test(name));
    const siblings = cpus.map((cpu) => readFile(`${root}/${cpu}/topology/thread_siblings_list`, "utf8"));
    return Math.min(threads, new Set(await Promise.all(siblings)).size);
  } catch {
    return process.arch === "x64" ? Math.max(1, threads >> 1) : threads;
  }
}
