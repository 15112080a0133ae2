// JSON from a file that somebody named.
import { open } from "node:fs/promises";

// A conversation that fills a context of 128,000 tokens is below a megabyte.
const MAX_BYTES = 1 << 24;

/** @throws Error naming the file: it cannot be read, is too large, or is not JSON */
export async function readJson(path: string, expected: string): Promise<unknown> {
  const unreadable = (error: NodeJS.ErrnoException): never => {
    throw new Error(`${path}: expected ${expected} as JSON, found ${error.code ?? error.message}. Check the path.`);
  };
  const file = await open(path).catch(unreadable);
  try {
    const { size } = await file.stat();
    if (size > MAX_BYTES) {
      throw new Error(`${path}: expected at most ${MAX_BYTES} bytes, found ${size}. Name a file of ${expected}.`);
    }
    const text = await file.readFile("utf8").catch(unreadable);
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new Error(`${path}: expected ${expected} as JSON, found ${(error as Error).message}.`, { cause: error });
    }
  } finally {
    await file.close();
  }
}
