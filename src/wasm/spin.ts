// Waiting without a pause, and how much of that time another thread had the processor.

/** Between two looks at the clock: a microsecond or two. */
const SPINS = 256;
/** Nothing but another thread on its processor keeps a spinning thread for so long. */
const LOST_MS = 0.3;
/** Of a clock that are looked at, unless they take long. */
const TICKS = 8;
const LONG_MS = 20;

/** What time is told by. */
export interface Clock {
  now(): number;
  /** Between two looks: less may be the clock's own step. */
  readonly leastLostMs: number;
}

const now = (): number => performance.now();
let leastLostMs: number | undefined;
const own: Clock = {
  now,
  get leastLostMs() {
    leastLostMs ??= Math.max(LOST_MS, 1.5 * clockStep());
    return leastLostMs;
  },
};

/** What a clock goes on by: some 17 ms in browsers that resist fingerprinting, at most 20 µs in others that share memory. */
export function clockStep(look = now): number {
  const begin = look();
  let least = Number.POSITIVE_INFINITY;
  for (let ticks = 0, last = begin; ticks < TICKS && last - begin < LONG_MS; ) {
    const next = look();
    if (next === last) continue;
    least = Math.min(least, next - last);
    last = next;
    ticks++;
  }
  return least;
}

/**
 * Spins for so long at most.
 * @returns `late`: when it ended, if that was before anything was done; `lostMs`: in which another thread had the processor
 */
export function spin(
  isDone: () => boolean,
  ms: number,
  clock = own,
): { readonly late?: number; readonly lostMs: number } {
  for (let spins = 0; spins < SPINS; spins++) if (isDone()) return NOTHING_LOST;
  const least = clock.leastLostMs;
  const begin = clock.now();
  let lostMs = 0;
  for (let last = begin; ; ) {
    let isOver = false;
    for (let spins = 0; spins < SPINS && !isOver; spins++) isOver = isDone();
    const now = clock.now();
    if (now - last > least) lostMs += now - last;
    if (isOver) return { lostMs };
    if (now - begin > ms) return { late: now, lostMs };
    last = now;
  }
}

const NOTHING_LOST = { lostMs: 0 };
