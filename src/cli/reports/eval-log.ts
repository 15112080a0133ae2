// A file of results that grows by a line per window, so that a run that was stopped goes on where it was.

import { type FileHandle, open, truncate } from "node:fs/promises";
import { Lfm2Error } from "../../lfm2-error.ts";
import {
  differences,
  type EvalFile,
  type EvalHeader,
  evalLine,
  parseEvalFile,
  shardName,
} from "../../oracle/eval/eval-file.ts";
import type { WindowScores } from "../../oracle/eval/evaluate.ts";
import { decodeText, readBytes } from "../files/text-input.ts";
import { checkWritable } from "../files/write-file.ts";

/** A text of 5 million tokens against a base comes to that. */
const MAX_BYTES = 100_000_000;

export interface EvalLog {
  /** What an earlier run has written. */
  readonly known: readonly WindowScores[];
  /** Returns once the line is in the file. */
  append(scores: WindowScores): Promise<void>;
  close(): Promise<void>;
}

/** @throws Error when the file holds results of something else, unless `force` allows replacing them */
export async function openEvalLog(path: string, header: EvalHeader, force = false): Promise<EvalLog> {
  await checkWritable(path);
  const found = force ? undefined : await readIfThere(path);
  if (found !== undefined) {
    const others = differences(found.header, header);
    const [own, expected] = [shardName(found.header.shard), shardName(header.shard)];
    if (own !== expected) others.push(`shard ${own} instead of ${expected}`);
    if (others.length > 0) {
      throw new Lfm2Error({
        subject: path,
        expected: "results of this run",
        found: others.join(", "),
        remedy: "Name another file, or start over with --force.",
      });
    }
    // Half a line of a run that was stopped while it wrote.
    await truncate(path, found.wholeBytes);
  }
  const file = await open(path, found === undefined ? "w" : "a");
  try {
    if (found === undefined) await write(file, evalLine(header));
  } catch (error) {
    await file.close();
    throw error;
  }
  return {
    known: found?.scores ?? [],
    append: (scores) => write(file, evalLine(scores)),
    close: () => file.close(),
  };
}

async function write(file: FileHandle, line: string): Promise<void> {
  await file.appendFile(line);
  await file.datasync();
}

/** @throws Error, FormatError: there is no such file, or it is not a file of results */
export async function readEvalFile(path: string): Promise<EvalFile> {
  const found = await readIfThere(path);
  if (found !== undefined) return found;
  throw new Lfm2Error({
    subject: path,
    expected: "a file that lfm2 eval -o wrote",
    found: "none, or an empty one",
    remedy: "Check the path.",
  });
}

/** Undefined where there is no file, or not even a whole header in it. */
async function readIfThere(path: string): Promise<(EvalFile & { readonly wholeBytes: number }) | undefined> {
  const bytes = await readBytes(path, { expected: "a file of results", maxBytes: MAX_BYTES }).catch((error: Error) => {
    if ((error.cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT") return undefined;
    throw error;
  });
  const wholeBytes = (bytes?.lastIndexOf(NEWLINE) ?? -1) + 1;
  if (bytes === undefined || wholeBytes === 0) return undefined;
  // Cut before it is decoded: a character may have been cut, too.
  return { ...parseEvalFile(decodeText(bytes.subarray(0, wholeBytes), path), path), wholeBytes };
}

const NEWLINE = 10;
