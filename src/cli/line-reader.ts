// Lines that a person types, or that come through a pipe, one at a time.
import { createInterface } from "node:readline";
import { Writable } from "node:stream";

export interface LineReader {
  /** Whether a person sits at a terminal. */
  readonly interactive: boolean;
  /** The next line; undefined at the end of input. Lines that came early wait for their turn. */
  next(prompt: string): Promise<string | undefined>;
  /** What has been typed so far. */
  typed(): string;
  /** Forgets what has been typed. */
  discard(): void;
  /** Ctrl-C. In a terminal it is a key; a signal, too, ends up here. */
  onInterrupt(listener: () => void): void;
  close(): void;
}

/**
 * One readline interface for the whole session. It keeps the terminal in raw mode, so Ctrl-C reaches this process alone
 * and not npm or the shell around it; while nobody asks for a line, keys are taken silently.
 */
export function createLineReader(): LineReader {
  const { stdin, stdout, stderr } = process;
  const screen = stderr.isTTY ? stderr : stdout;
  const interactive = Boolean(stdin.isTTY && screen.isTTY);
  let silent = true;
  const echo = new Writable({
    write(chunk, _encoding, done) {
      if (!silent) screen.write(chunk);
      done();
    },
  });
  Object.defineProperty(echo, "columns", { get: () => screen.columns });
  const resized = (): boolean => echo.emit("resize");
  if (interactive) screen.on("resize", resized);

  const lines = createInterface({ input: stdin, output: interactive ? echo : undefined, terminal: interactive });
  const waiting: string[] = [];
  let closed = false;
  let wake = (): void => {};
  lines.on("line", (line) => {
    silent = true; // pasted lines arrive together; the later ones are shown when their turn comes
    waiting.push(line);
    wake();
  });
  lines.on("close", () => {
    closed = true;
    wake();
  });

  return {
    interactive,
    async next(prompt) {
      const typedNow = interactive && waiting.length === 0;
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
      const line = waiting.shift();
      // Nothing has shown a line that came early or through a pipe.
      if (!typedNow && screen.isTTY && line !== undefined) screen.write(`${prompt}${line}\n`);
      return line;
    },
    typed: () => lines.line,
    discard() {
      lines.write(null, { ctrl: true, name: "e" });
      lines.write(null, { ctrl: true, name: "u" });
    },
    onInterrupt(listener) {
      if (interactive) lines.on("SIGINT", listener);
      process.on("SIGINT", listener);
    },
    close() {
      screen.off("resize", resized);
      lines.close();
    },
  };
}
