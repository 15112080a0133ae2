// Standard input as lines, typed or piped.
import type { LineReader } from "./line-reader.ts";
import { createPipedLines } from "./piped-lines.ts";
import { createTypedLines } from "./typed-lines.ts";

export function createLineReader(): LineReader {
  const { stdin, stdout, stderr } = process;
  return stdin.isTTY && (stderr.isTTY || stdout.isTTY) ? createTypedLines() : createPipedLines();
}
