// Signals: Ctrl-C asks work to stop, SIGTERM and SIGHUP end the process; either way no half-written file stays.
import { Interrupted } from "./exit.ts";

/** 128 + the signal's number, as shells have it. */
const CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Ends the process through process.exit, whose listeners clean up; the default would end it at once.
 * SIGINT is left to other listeners.
 */
export function exitOnSignals(): void {
  process.on("SIGTERM", () => process.exit(CODES.SIGTERM));
  process.on("SIGHUP", () => process.exit(CODES.SIGHUP));
  process.on("SIGINT", () => {
    if (process.listenerCount("SIGINT") === 1) process.exit(CODES.SIGINT);
  });
}

/** A signal that Ctrl-C aborts, for work that ends with it. A second Ctrl-C ends the process at once. */
export function abortOnInterrupt(): AbortSignal {
  const controller = new AbortController();
  process.on("SIGINT", () => {
    if (controller.signal.aborted) process.exit(CODES.SIGINT);
    controller.abort(new Interrupted("Stopped by Ctrl-C."));
  });
  return controller.signal;
}
