// Locks as processes leave them that are killed.
import { spawn } from "node:child_process";
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const MODULE = new URL("../../src/downloads/node-lock.ts", import.meta.url).href;

/** By a process of that name, which may not be of this machine. @param ageMs  since when nobody has touched it */
export function leaveAs(path: string, holder: string, ageMs: number = 0): void {
  const past = new Date(Date.now() - ageMs);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, holder), "");
  utimesSync(join(path, holder), past, past);
}

/** By a process that is killed while it holds the lock. */
export function leaveKilled(path: string): Promise<void> {
  return killed(`import { withLock } from ${JSON.stringify(MODULE)};
    await withLock(${JSON.stringify(path)}, {}, async () => process.kill(process.pid, "SIGKILL"));`);
}

/** By a process that is killed as it is about to move the folder that it has made into the lock's place. */
export function leaveUntaken(path: string): Promise<void> {
  return killed(`import { promises } from "node:fs";
    import { syncBuiltinESMExports } from "node:module";
    promises.rename = () => process.kill(process.pid, "SIGKILL");
    syncBuiltinESMExports();
    const { withLock } = await import(${JSON.stringify(MODULE)});
    await withLock(${JSON.stringify(path)}, {}, async () => {});`);
}

async function killed(script: string): Promise<void> {
  const args = [...process.execArgv, "--input-type=module", "--eval", script];
  const child = spawn(process.execPath, args, { stdio: "inherit" });
  const signal = await new Promise((resolve) => child.once("exit", (_, by) => resolve(by)));
  if (signal !== "SIGKILL") throw new Error(`expected a process that was killed, found it ended by ${signal}`);
}
