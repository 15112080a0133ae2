// Work that hands out its results as they come, as a generator.

/**
 * @param work  pushes items; its signal is aborted when `signal` is, or when nobody takes the items any more
 * @throws what `work` throws, once its items have been taken
 */
export async function* pushed<T>(
  signal: AbortSignal,
  work: (push: (item: T) => void, signal: AbortSignal) => Promise<void>,
): AsyncGenerator<T, void> {
  const left = new AbortController();
  const items: T[] = [];
  let wake = (): void => {};
  let isOver = false;
  const push = (item: T): void => {
    items.push(item);
    wake();
  };
  const done = work(push, AbortSignal.any([signal, left.signal])).finally(() => {
    isOver = true;
    wake();
  });
  // It is asked for its end below, whatever that is.
  done.catch(() => {});
  try {
    for (;;) {
      while (items.length > 0) yield items.shift() as T;
      if (isOver) break;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    await done;
  } finally {
    left.abort(new DOMException("Nobody takes the answer.", "AbortError"));
    await done.catch(() => {});
  }
}
