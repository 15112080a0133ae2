// Ctrl-C in a conversation: stops what is under way, clears what is typed, or quits.
import { Interrupted } from "../exit.ts";
import type { LineReader } from "./line-reader.ts";

export interface Interruptor {
  /** Runs work that one Ctrl-C stops: its signal is then aborted, the reason an Interrupted. */
  during<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Rejects with Interrupted when it is time to go. */
  readonly quit: Promise<never>;
}

/** Two Ctrl-C within this time mean: quit, whatever is under way. */
const TWICE_MS = 2000;

export function createInterruptor(lines: LineReader): Interruptor {
  let underWay: AbortController | undefined;
  let last = Number.NEGATIVE_INFINITY;
  let leave: (reason: Interrupted) => void = () => {};
  const quit = new Promise<never>((_, reject) => {
    leave = reject;
  });
  quit.catch(() => {}); // may come when nobody waits for it

  lines.onInterrupt(() => {
    const now = performance.now();
    const isSecond = now - last < TWICE_MS;
    last = now;
    const reason = new Interrupted("Stopped by Ctrl-C.");
    if (underWay !== undefined) {
      underWay.abort(reason);
      if (isSecond || !lines.interactive) leave(reason);
    } else if (lines.interactive && !isSecond && lines.typed() !== "") {
      lines.discard();
    } else {
      if (lines.interactive) process.stderr.write("\n");
      leave(reason);
    }
  });

  return {
    quit,
    async during(work) {
      const controller = new AbortController();
      underWay = controller;
      try {
        return await work(controller.signal);
      } finally {
        underWay = undefined;
      }
    },
  };
}
