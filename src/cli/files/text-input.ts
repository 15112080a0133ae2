// Text from a named file or a pipe: bounded while it is read, refused if it is not UTF-8, without a byte order mark.

import { constants, createReadStream, openSync } from "node:fs";
import { stat } from "node:fs/promises";
import { Socket } from "node:net";
import { parseExactJson } from "../../chat/exact-json.ts";
import { checkStructure, jsonLimits } from "../../formats/json.ts";
import { Lfm2Error, partsOf } from "../../lfm2-error.ts";
import { note } from "../terminal/terminal.ts";

/** Text cannot be had, is too long, or is not what it should be. */
export class InputError extends Lfm2Error {
  override readonly name = "InputError";
}

/** More than a hundred contexts of 128,000 tokens. */
export const MAX_TEXT_BYTES = 1 << 26;
/** A conversation that fills a context of 128,000 tokens is below a megabyte. */
export const MAX_JSON_BYTES = 1 << 22;
/** A pipe that is silent for so long may never end: somebody may have left it open. */
const PATIENCE_MS = 3000;

/** The name that stands for standard input. */
export const STANDARD_INPUT = "-";

export interface InputOptions {
  /** "a text file", "a list of tools as JSON". */
  readonly expected: string;
  readonly maxBytes: number;
}

export function subjectOf(path: string): string {
  return path === STANDARD_INPUT ? "standard input" : path;
}

/**
 * @param path  a file, a device, a pipe, or `-` for standard input
 * @throws InputError naming it: it cannot be read, or is longer than that, in which case no more of it is read
 */
export async function readBytes(path: string, { expected, maxBytes }: InputOptions): Promise<Uint8Array> {
  const subject = subjectOf(path);
  const chunks: Buffer[] = [];
  let length = 0;
  const timer = setTimeout(() => note(`Waiting for ${subject} to end.`), PATIENCE_MS);
  try {
    for await (const chunk of path === STANDARD_INPUT ? process.stdin : await openStream(path)) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > maxBytes) break;
    }
  } catch (error) {
    const found = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    throw new InputError({ subject, expected, found, remedy: "Check the path." }, { cause: error });
  } finally {
    clearTimeout(timer);
  }
  if (length <= maxBytes) return Buffer.concat(chunks, length);
  throw new InputError({
    subject,
    expected: `${expected} of at most ${maxBytes} bytes`,
    found: "more",
    remedy: "Shorten it.",
  });
}

/** A pipe that nobody writes into would hold a thread, and with it the end of the process, if it were read as a file is. */
async function openStream(path: string): Promise<AsyncIterable<Buffer>> {
  if (!(await stat(path)).isFIFO()) return createReadStream(path);
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return new Socket({ fd, readable: true, writable: false });
}

export async function readTextFile(path: string): Promise<string> {
  return decodeText(await readBytes(path, { expected: "a text file", maxBytes: MAX_TEXT_BYTES }), subjectOf(path));
}

/**
 * @param options.dropMark  leave out a byte order mark at the beginning (default true)
 * @throws InputError for bytes that are not UTF-8: replacing them would silently give another text
 */
export function decodeText(bytes: Uint8Array, subject: string, { dropMark = true } = {}): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: !dropMark }).decode(bytes);
  } catch (cause) {
    const found = isUtf16(bytes) ? "UTF-16" : "other bytes";
    throw new InputError({ subject, expected: "text in UTF-8", found, remedy: "Convert it first." }, { cause });
  }
}

function isUtf16([first, second]: Uint8Array): boolean {
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
}

/**
 * JSON as Python reads it: numbers and the order of members are kept as they are written, because templates print them.
 * @throws InputError naming the file: it cannot be read, is too long or too deep, or is not JSON
 */
export async function readJson(path: string, expected: string): Promise<unknown> {
  const options = { expected: `${expected} as JSON`, maxBytes: MAX_JSON_BYTES };
  const subject = subjectOf(path);
  const text = decodeText(await readBytes(path, options), subject);
  checkStructure(text, subject, jsonLimits.settings.values, `Name a file of ${expected}.`);
  try {
    return parseExactJson(text, { keepOrder: true });
  } catch (error) {
    throw new InputError(
      { subject, expected: options.expected, found: (error as Error).message },
      {
        cause: error,
      },
    );
  }
}

/** What the library says of something that a file holds, as an error about that file. */
export function errorInFile(path: string, error: unknown): unknown {
  if (!(error instanceof Lfm2Error)) return error;
  const { subject, sentence } = error;
  const parts = { subject: `${path}: ${subject}`, sentence: sentence && `${path}: ${sentence}` };
  return new InputError({ ...partsOf(error), ...parts }, { cause: error });
}
