// The SHA-256 of a whole file, however large, as its publishers state it.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";

/** @returns undefined where there is no such file */
export async function sizeOfFile(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? found.size : undefined;
}

/** Hexadecimal. @param onProgress  called with bytes read */
export async function sha256OfFile(
  path: string,
  signal: AbortSignal,
  onProgress: (done: number) => void,
): Promise<string> {
  const hash = createHash("sha256");
  let done = 0;
  try {
    for await (const piece of createReadStream(path, { highWaterMark: 1 << 20, signal })) {
      hash.update(piece as Buffer);
      done += (piece as Buffer).length;
      onProgress(done);
    }
  } catch (error) {
    signal.throwIfAborted(); // a stream ends with an error of its own, not with the signal's reason
    throw error;
  }
  return hash.digest("hex");
}
