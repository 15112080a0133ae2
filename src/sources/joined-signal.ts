// Several reasons to stop, as one signal. AbortSignal.any is not in every engine that runs this.

export interface JoinedSignal {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  /** Lets go of the signals it was made of. */
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
