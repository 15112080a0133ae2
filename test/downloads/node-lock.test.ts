// One process at a time holds a lock, whoever left it behind.
import { randomUUID } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { withLock } from "../../src/downloads/node-lock.ts";
import { leaveAs, leaveKilled, leaveUntaken } from "./left-lock.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lfm2-lock-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** So many want the lock at once. @returns how many held it at the same time, at most */
async function contended(path: string, count: number): Promise<number> {
  let [held, most] = [0, 0];
  const one = () =>
    withLock(path, {}, async () => {
      most = Math.max(most, ++held);
      await sleep(2);
      held--;
    });
  await Promise.all(Array.from({ length: count }, one));
  return most;
}

describe("a lock", () => {
  it("is held by one, and nothing of it is left", async () => {
    expect(await contended(join(folder, "a/lock"), 3)).toBe(1);
    expect(readdirSync(join(folder, "a"))).toEqual([]);
  });

  it("of a process that was killed is taken over by one of many", async () => {
    const path = join(folder, "lock");
    await leaveKilled(path);
    expect(await contended(path, 3)).toBe(1);
  });

  it("has folders beside it by processes that were killed before they held it, until the next holds it", async () => {
    const path = join(folder, "lock");
    const elsewhere = `1-${"0".repeat(16)}-${randomUUID()}`;
    await leaveUntaken(path);
    leaveAs(`${path}.${elsewhere}`, elsewhere); // just made by a process of which nothing is known
    writeFileSync(`${path}.txt`, "of somebody else");
    expect(readdirSync(folder).length).toBe(3);
    await withLock(path, {}, async () => {});
    expect(readdirSync(folder).sort()).toEqual([`lock.${elsewhere}`, "lock.txt"]);
  });

  it("that nobody has touched for a while is taken over, and one that is touched is not", async () => {
    const path = join(folder, "lock");
    const elsewhere = `1-${"0".repeat(16)}-another`;
    leaveAs(path, elsewhere);
    await expect(withLock(path, { signal: AbortSignal.timeout(100) }, async () => "taken")).rejects.toThrow(/timeout/);
    leaveAs(path, elsewhere, 60_000);
    expect(await withLock(path, {}, async () => "taken")).toBe("taken");
  });

  it("that its holder has lost is left to whoever has it now", async () => {
    const path = join(folder, "lock");
    await withLock(path, {}, async () => {
      const [own] = readdirSync(path);
      rmSync(join(path, own));
      leaveAs(path, "1-another");
    });
    expect(readdirSync(path)).toEqual(["1-another"]);
  });

  it("is an error where none can be made", async () => {
    const file = join(folder, "lock");
    await withLock(file, {}, async () => {
      const inner = join(file, readdirSync(file)[0], "lock");
      await expect(withLock(inner, {}, async () => {})).rejects.toThrow(/ENOTDIR|EEXIST/);
      expect(dirname(inner)).toContain(file);
    });
  });
});
