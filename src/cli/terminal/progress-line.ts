// One line on standard error that is rewritten in place while something takes long.
import { styled } from "./terminal.ts";

export interface ProgressLine {
  show(text: string): void;
  /** Leaves the line empty, for what comes next. */
  clear(): void;
}

/** Shorter work needs no progress line. */
const DELAY_MS = 200;
const INTERVAL_MS = 80;

/** Silent where standard error is not a terminal. */
export function createProgressLine(): ProgressLine {
  const { stderr } = process;
  if (!stderr.isTTY) return { show() {}, clear() {} };
  let latest = "";
  let written = "";
  let timer: NodeJS.Timeout | undefined;
  // On a timer, so that the latest text appears even if none follows for long.
  const write = (): void => {
    if (latest !== written) stderr.write(`\r\x1b[K${styled(stderr, "dim", latest.slice(0, stderr.columns - 1))}`);
    written = latest;
    timer = setTimeout(write, INTERVAL_MS).unref();
  };
  return {
    show(text) {
      latest = text;
      timer ??= setTimeout(write, DELAY_MS).unref();
    },
    clear() {
      clearTimeout(timer);
      timer = undefined;
      if (written !== "") stderr.write("\r\x1b[K");
      latest = "";
      written = "";
    },
  };
}
