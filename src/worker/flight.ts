// Bytes on their way to a slow consumer: whoever makes them waits while there are too many.

export interface Flight {
  /** Bytes have been sent, or have been taken in by the consumer. */
  sent(bytes: number): void;
  taken(bytes: number): void;
  readonly isFull: boolean;
  /** Resolves when fewer than the limit are on their way. @throws the signal's reason */
  room(signal: AbortSignal): Promise<void>;
}

export function createFlight(limit: number): Flight {
  let inFlight = 0;
  let wake = (): void => {};
  return {
    sent(bytes) {
      inFlight += bytes;
    },
    taken(bytes) {
      inFlight -= bytes;
      wake();
    },
    get isFull() {
      return inFlight >= limit;
    },
    async room(signal) {
      while (inFlight >= limit) {
        signal.throwIfAborted();
        await new Promise<void>((resolve) => {
          wake = resolve;
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
      }
      signal.throwIfAborted();
    },
  };
}
