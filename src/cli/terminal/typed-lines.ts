// Lines that a person types at a terminal.
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import type { LineReader } from "./line-reader.ts";
import { note } from "./terminal.ts";

/**
 * One readline interface for the whole session. It keeps the terminal in raw mode, so Ctrl-C reaches this process alone
 * and not npm or the shell around it; while nobody asks for a line, keys are taken silently.
 */
export function createTypedLines(): LineReader {
  const { stdin, stdout, stderr } = process;
  const screen = stderr.isTTY ? stderr : stdout;
  let silent = true;
  const echo = new Writable({
    write(chunk, _encoding, done) {
      if (!silent) screen.write(chunk);
      done();
    },
  });
  Object.defineProperty(echo, "columns", { get: () => screen.columns });
  const resized = (): boolean => echo.emit("resize");
  screen.on("resize", resized);

  // readline replaces what is not UTF-8 by U+FFFD, which somebody may also have typed.
  let isBroken = false;
  let decoder = strictDecoder();
  const listen = (bytes: Buffer): void => {
    if (lines.line === "") isBroken = false;
    try {
      decoder.decode(bytes, { stream: true });
    } catch {
      isBroken = true;
      decoder = strictDecoder();
    }
  };
  stdin.on("data", listen);
  const lines = createInterface({ input: stdin, output: echo, terminal: true });
  const listeners: (() => void)[] = [];
  /** Undefined: a line that is not UTF-8. */
  const waiting: (string | undefined)[] = [];
  let closed = false;
  let wake = (): void => {};
  lines.on("line", (line) => {
    silent = true; // pasted lines arrive together; the later ones are shown when their turn comes
    waiting.push(isBroken && line.includes("\uFFFD") ? undefined : line);
    wake();
  });
  lines.on("close", () => {
    closed = true;
    wake();
  });

  return {
    interactive: true,
    async next(prompt) {
      for (;;) {
        const typedNow = waiting.length === 0;
        if (typedNow && !closed) {
          silent = false;
          lines.setPrompt(prompt);
          lines.prompt(true);
        }
        while (waiting.length === 0 && !closed) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        silent = true;
        if (waiting.length === 0) return undefined;
        const line = waiting.shift();
        if (line === undefined) {
          note("The line is not UTF-8, so it is passed over.");
          continue;
        }
        // A line that came early has not been shown yet.
        if (!typedNow) screen.write(`${prompt}${line}\n`);
        return line;
      }
    },
    typed: () => lines.line,
    discard() {
      lines.write(null, { ctrl: true, name: "e" });
      lines.write(null, { ctrl: true, name: "u" });
    },
    onInterrupt(listener) {
      listeners.push(listener);
      lines.on("SIGINT", listener);
      process.on("SIGINT", listener);
    },
    close() {
      for (const listener of listeners) process.off("SIGINT", listener);
      screen.off("resize", resized);
      stdin.off("data", listen);
      lines.close();
    },
  };
}

const strictDecoder = (): TextDecoder => new TextDecoder("utf-8", { fatal: true });
