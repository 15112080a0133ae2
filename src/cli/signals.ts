// Signals: Ctrl-C asks work to stop, SIGTERM and SIGHUP end the process unless work listens to them, too; either way no
// half-written file stays.
import { Interrupted } from "./exit.ts";

/** 128 + the signal's number, as shells have it. */
const CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Ends the process through process.exit, whose listeners clean up; the default would end it at once. A signal that work
 * listens to is left to it.
 */
export function exitOnSignals(): void {
  for (const [name, code] of Object.entries(CODES)) {
    process.on(name, () => {
      if (process.listenerCount(name) === 1) process.exit(code);
    });
  }
}

/** A signal that Ctrl-C aborts, or one of `names`, for work that ends with it. A second one ends the process at once. */
export function abortOnInterrupt(names: readonly (keyof typeof CODES)[] = ["SIGINT"]): AbortSignal {
  const controller = new AbortController();
  for (const name of names) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(CODES[name]);
      controller.abort(new Interrupted("Stopped by Ctrl-C."));
    });
  }
  return controller.signal;
}
