// How many threads of a pool take part where they have fewer processors than there are threads: because there were never
// more, or because other programs have taken them. A thread without a processor keeps the others waiting with the range
// that it has taken, so one fewer is faster then. From time to time one more is tried.

/** Long enough for a system's scheduler to let each thread run in turn several times. */
const WINDOW_MS = 40;
/** Of the time, in threads: what is lost to waiting in steps of even speed is a few hundredths. */
const CROWDED = 0.15;
/**
 * Windows in a row that have to be so; one, just after a thread that rested was tried again. Where a machine is shared, some
 * other program or the host takes a processor for 10 ms now and then, which is a quarter of a window, and much less than a
 * rest costs.
 */
const CROWDED_WINDOWS = 3;
/** For so long one thread rests; twice as long each time that it was still too many. */
const FIRST_REST_MS = 250;
const LONGEST_REST_MS = 4_000;

/** Before the first op. */
const NONE = { begin: Number.NEGATIVE_INFINITY, lostMs: 0 };

export interface Crowding {
  /** As many as are wanted take part until too much time is lost. */
  want(threads: number): void;
  /**
   * An op begins. @param now  milliseconds @param lostMs  what all threads together have lost so far
   * @returns how many threads take part
   */
  threadsAt(now: number, lostMs: number): number;
}

export function createCrowding(size: number): Crowding {
  let wanted = size;
  let resting = 0;
  let restMs = FIRST_REST_MS;
  let triedAt = Number.NEGATIVE_INFINITY;
  let until = 0;
  let window = NONE;
  /** Windows of work in a row, up to the last one. */
  let crowded = 0;

  const judge = (now: number, lostMs: number): void => {
    const elapsed = now - window.begin;
    // And not of a pause, in which nothing could be lost, or one long op of a prompt: either says nothing.
    const isOfWork = elapsed < 2 * WINDOW_MS;
    const share = (lostMs - window.lostMs) / elapsed;
    window = { begin: now, lostMs };
    if (isOfWork) crowded = share > CROWDED ? crowded + 1 : 0;
    const isTrial = now - triedAt < 3 * WINDOW_MS;
    if (isOfWork && crowded >= (isTrial ? 1 : CROWDED_WINDOWS) && wanted - resting > 1) {
      restMs = isTrial ? Math.min(2 * restMs, LONGEST_REST_MS) : FIRST_REST_MS;
      resting++;
      until = now + restMs;
    } else if (resting > 0 && now >= until) {
      resting--;
      triedAt = now;
      until = now + restMs;
    }
  };
  return {
    want(threads) {
      if (threads === wanted) return;
      wanted = threads;
      resting = 0;
      window = NONE;
      crowded = 0;
    },
    threadsAt(now, lostMs) {
      if (wanted > 1 && now - window.begin >= WINDOW_MS) judge(now, lostMs);
      return wanted - resting;
    },
  };
}
