// Lines that come through a pipe or from a file: read as they are asked for, and bounded.

import { Lfm2Error } from "../../lfm2-error.ts";
import { decodeText, MAX_JSON_BYTES } from "../files/text-input.ts";
import type { LineReader } from "./line-reader.ts";
import { note } from "./terminal.ts";

/** More than a context of any model holds. */
const MAX_LINE_BYTES = MAX_JSON_BYTES;
const NEWLINE = 10;

export function createPipedLines(): LineReader {
  const { stdin, stdout, stderr } = process;
  const screen = stderr.isTTY ? stderr : stdout;
  const chunks: AsyncIterator<Buffer> = stdin[Symbol.asyncIterator]();
  const listeners: (() => void)[] = [];
  let rest: Buffer = Buffer.alloc(0);
  let isFirst = true;

  /** The bytes up to the next newline; undefined at the end of input. */
  async function nextBytes(): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    let length = 0;
    for (;;) {
      const end = rest.indexOf(NEWLINE);
      const part = end < 0 ? rest : rest.subarray(0, end);
      parts.push(part);
      length += part.length;
      if (length > MAX_LINE_BYTES) {
        throw new Lfm2Error({
          subject: "standard input",
          expected: `lines of at most ${MAX_LINE_BYTES} bytes`,
          found: "a longer one",
        });
      }
      rest = end < 0 ? Buffer.alloc(0) : rest.subarray(end + 1);
      if (end >= 0) return Buffer.concat(parts, length);
      const { value, done } = await chunks.next();
      if (done) return length === 0 ? undefined : Buffer.concat(parts, length);
      rest = value;
    }
  }

  return {
    interactive: false,
    async next(prompt) {
      for (;;) {
        const bytes = await nextBytes();
        if (bytes === undefined) return undefined;
        try {
          const text = decodeText(bytes, "standard input", { dropMark: isFirst }).replace(/\r$/, "");
          isFirst = false;
          if (screen.isTTY) screen.write(`${prompt}${text}\n`);
          return text;
        } catch (error) {
          isFirst = false;
          note(`${(error as Error).message} This line is passed over.`);
        }
      }
    },
    typed: () => "",
    discard() {},
    onInterrupt(listener) {
      listeners.push(listener);
      process.on("SIGINT", listener);
    },
    close() {
      for (const listener of listeners) process.off("SIGINT", listener);
      stdin.destroy();
    },
  };
}
