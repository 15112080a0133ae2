// Logits of steps out of a file of arrays, ours or another program's: the last row of each, in one width.
import { refuse, within } from "../../formats/refusal.ts";
import type { ByteSource } from "../../sources/source.ts";
import { pointOf, readArrays } from "../recorded/arrays.ts";
import type { LogitsOf } from "./session-check.ts";

export interface SessionArrays {
  readonly names: readonly string[];
  /** @throws FormatError when it has too few columns */
  readonly logitsOf: LogitsOf;
}

/**
 * Arrays [vocab], [rows, vocab] or [1, rows, vocab], whose last row counts.
 * @param vocabSize  columns that count, where there may be more
 * @throws FormatError when the file is none of arrays, or damaged
 */
export async function readLogits(
  source: ByteSource,
  vocabSize: number | undefined,
  signal?: AbortSignal,
): Promise<SessionArrays> {
  const arrays = new Map((await readArrays(source, signal)).map((array) => [array.name, array]));
  return {
    names: [...arrays.keys()],
    async logitsOf(name) {
      const array = arrays.get(name);
      if (array === undefined) return undefined;
      const { rows, cols, read } = pointOf(source.name, name, array, "logits");
      if (vocabSize !== undefined && cols < vocabSize) {
        const subject = within(source.name, name);
        refuse(subject, `logits of ${vocabSize} ids`, `${cols}`, "Record them whole, before anything is chosen.");
      }
      return ((await read(rows - 1, 1)) as Float32Array).subarray(0, vocabSize);
    },
  };
}
