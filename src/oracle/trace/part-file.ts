// A file or folder under a name of its own until it is whole: readers see what was there before, or all of the new one.
import { rmSync } from "node:fs";
import { realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

export interface Part {
  /** The name it will have. */
  readonly target: string;
  /** Where to write. */
  readonly path: string;
  /** Gives it the final name, in place of the file that has it. */
  keep(): Promise<void>;
  /** Removes it; without effect on one that is kept. */
  drop(): Promise<void>;
}

/** @returns a part of `target` beside it; the end of the process drops it, unless a signal without a handler ends it */
export async function createPart(target: string): Promise<Part> {
  // A link stays a link.
  const isFile = await stat(target).then(
    (found) => found.isFile(),
    () => false,
  );
  const place = isFile ? await realpath(target) : target;
  const path = join(dirname(place), `.${basename(place)}.${process.pid}.part`);
  const remove = (): void => rmSync(path, { recursive: true, force: true });
  // Before the folder that it is in, which was begun earlier.
  process.prependListener("exit", remove);
  return {
    target,
    path,
    async keep() {
      await rename(path, place);
      process.off("exit", remove);
    },
    async drop() {
      await rm(path, { recursive: true, force: true });
      process.off("exit", remove);
    },
  };
}

/** Whether a file of this name is a part whose process was killed before it could drop it. */
export function isLeftPart(name: string): boolean {
  const [, id] = /^\..+\.(\d+)\.part$/.exec(name) ?? [];
  return id !== undefined && !isRunning(Number(id));
}

function isRunning(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch (error) {
    // Somebody else's.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
