// How the command ends: which exit code, and what it says about an error.

/** The command line itself is at fault: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Ctrl-C: exit code 130, as shells have it (128 + SIGINT). Nothing is said. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return 2;
  return error instanceof Interrupted ? 130 : 1;
}

/** One paragraph; the whole stack with LFM2_DEBUG=1. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (process.env.LFM2_DEBUG === "1") return error.stack ?? error.message;
  // The library's option has another name here.
  return error.message.replace(/\s*\n\s*/g, " ").replace(/\bcontextLength\b/g, "--context");
}

/** A signal that Ctrl-C aborts, for work that ends with it. A second Ctrl-C ends the process where it stands. */
export function abortOnInterrupt(): AbortSignal {
  const controller = new AbortController();
  process.once("SIGINT", () => controller.abort(new Interrupted("Stopped by Ctrl-C.")));
  return controller.signal;
}
