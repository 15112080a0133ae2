// Several abort signals as one. AbortSignal.any is missing from some engines that run this.

export interface JoinedSignal {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  /** Stops listening to the signals it was made of. */
  release(): void;
}

/** Aborts when one of `signals` does, with its reason. */
export function joinSignals(...signals: readonly (AbortSignal | undefined)[]): JoinedSignal {
  const controller = new AbortController();
  const stop = (): void => controller.abort(signals.find((signal) => signal?.aborted)?.reason);
  for (const signal of signals) {
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop);
  }
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    release() {
      for (const signal of signals) signal?.removeEventListener("abort", stop);
    },
  };
}
