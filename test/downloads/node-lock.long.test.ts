// Many processes find the lock of one that is gone, and one at a time holds it.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { withLock } from "../../src/downloads/node-lock.ts";
import { leaveAs } from "./left-lock.ts";

const MODULE = new URL("../../src/downloads/node-lock.ts", import.meta.url).href;
const PROCESSES = 8;

/** Waits for a common moment, and notes when it holds the lock, and when no more. */
const contender = (lock: string, log: string, at: number): string => `
  import { appendFileSync } from "node:fs";
  import { setTimeout as sleep } from "node:timers/promises";
  import { withLock } from ${JSON.stringify(MODULE)};
  await sleep(${at} - Date.now());
  await withLock(${JSON.stringify(lock)}, {}, async () => {
    appendFileSync(${JSON.stringify(log)}, "+");
    await sleep(100);
    appendFileSync(${JSON.stringify(log)}, "-");
  });`;

async function ended(script: string): Promise<number | null> {
  const args = [...process.execArgv, "--input-type=module", "--eval", script];
  const child = spawn(process.execPath, args, { stdio: "inherit" });
  return new Promise((resolve) => child.once("exit", resolve));
}

it.each([1, 2, 3, 4, 5, 6])("is never held twice, round %i", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lfm2-lock-"));
  try {
    const [lock, log] = [join(folder, "lock"), join(folder, "log")];
    writeFileSync(log, "");
    leaveAs(lock, "1-another", 60_000);
    const scripts = Array.from({ length: PROCESSES }, () => contender(lock, log, Date.now() + 2_000));
    expect(await Promise.all(scripts.map(ended))).toEqual(new Array(PROCESSES).fill(0));
    expect(readFileSync(log, "utf8")).toBe("+-".repeat(PROCESSES));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("is never held twice by those of one process that find it at about the same time", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lfm2-lock-"));
  try {
    const path = join(folder, "lock");
    for (let round = 0; round < 150; round++) {
      leaveAs(path, "1-another", 60_000);
      const over = new AbortController();
      let [held, most] = [0, 0];
      const contend = async (turns: number): Promise<void> => {
        for (let turn = 0; turn < turns; turn++) await new Promise((next) => setImmediate(next));
        await withLock(path, { signal: over.signal }, async () => {
          most = Math.max(most, ++held);
          await sleep(5);
          held--;
          over.abort();
        }).catch((error) => expect(error).toBe(over.signal.reason));
      };
      await Promise.all(Array.from({ length: 12 }, (_, i) => contend(i % 4)));
      expect([round, most]).toEqual([round, 1]);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
