// A safetensors file that is written from pieces in any order: all shapes are known, so every row has its place.

import { type FileHandle, open } from "node:fs/promises";
import { encodeSafetensorsHeader } from "../../formats/hf/safetensors.ts";
import { Lfm2Error } from "../../lfm2-error.ts";
import type { Part } from "./part-file.ts";
import type { TracePiece } from "./trace-pieces.ts";
import { bytesOf, isBias, type TracePlan } from "./trace-plan.ts";

/** Writes to the file at once; more would wait for the same disk. */
const AT_ONCE = 8;

/** @throws Error naming the file when it cannot be written; nothing is removed then */
export async function writeTensorFile(
  { path, target }: Pick<Part, "path" | "target">,
  plan: TracePlan,
  pieces: AsyncIterable<TracePiece>,
  metadata: ReadonlyMap<string, string>,
): Promise<void> {
  const header = encodeSafetensorsHeader(plan.points, metadata);
  const offsets = new Map<string, number>();
  let at = header.byteLength;
  for (const point of plan.points) {
    offsets.set(point.name, at);
    at += bytesOf(point);
  }
  const biases = new Set(plan.points.filter(isBias).map(({ name }) => name));
  const file = await open(path, "w").catch((error) => {
    throw unwritable(target, error);
  });
  const underWay = new Set<Promise<void>>();
  let failed: { error: unknown } | undefined;
  try {
    await writeAt(file, header, 0);
    for await (const { name, position, rows, data } of pieces) {
      const row = biases.has(name) ? 0 : position - plan.positions.from;
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      const writing = writeAt(file, bytes, (offsets.get(name) as number) + row * (data.byteLength / rows))
        .catch((error: unknown) => {
          failed ??= { error };
        })
        .then(() => {
          underWay.delete(writing);
        });
      underWay.add(writing);
      // Waiting here is what makes the run wait.
      if (underWay.size >= AT_ONCE) await Promise.race(underWay);
      if (failed !== undefined) throw failed.error;
    }
    await Promise.all(underWay);
    if (failed !== undefined) throw (failed as { error: unknown }).error;
    await file.truncate(at);
    await file.sync();
  } catch (error) {
    throw isSystemError(error) ? unwritable(target, error) : error;
  } finally {
    await Promise.all(underWay);
    await file.close();
  }
}

async function writeAt(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.byteLength - done, offset + done);
    done += bytesWritten;
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}

function unwritable(path: string, error: NodeJS.ErrnoException): Error {
  const found = error.code ?? error.message;
  const remedy = "Name another directory.";
  return new Lfm2Error({ subject: path, expected: "a place to write", found, remedy }, { cause: error });
}
