// One line on standard error that is rewritten in place while something takes long.
import { styled } from "./terminal.ts";

export interface ProgressLine {
  show(text: string): void;
  /** Leaves the line empty, for what comes next. */
  clear(): void;
}

/** What is over sooner needs no progress. */
const DELAY_MS = 200;
const INTERVAL_MS = 80;

/** Silent where standard error is no terminal. */
export function createProgressLine(): ProgressLine {
  const { stderr } = process;
  if (!stderr.isTTY) return { show() {}, clear() {} };
  let next = performance.now() + DELAY_MS;
  let visible = false;
  return {
    show(text) {
      const now = performance.now();
      if (now < next) return;
      next = now + INTERVAL_MS;
      visible = true;
      stderr.write(`\r\x1b[K${styled(stderr, "dim", text.slice(0, stderr.columns - 1))}`);
    },
    clear() {
      if (visible) stderr.write("\r\x1b[K");
      visible = false;
      next = performance.now() + DELAY_MS;
    },
  };
}
