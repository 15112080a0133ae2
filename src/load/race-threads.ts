// How many threads compute, where nobody chose: measured on the model itself, since what engines and systems report are
// processors that may be slow, shared with other programs, or not there.
import { advance, type Model, restart, type Sequence } from "../engine/sequence.ts";
import { PROMPT_ROWS, type StepThreads } from "../wasm/wasm-ops.ts";

/** One run's time: long beside the waking of threads, and enough weights that no cache holds them. */
const RUN_MS = 5;
/** Odd, for the median. */
const ROUNDS = 5;
/** No round is begun after so long. */
const RACE_MS = 60;
/** Before the first run that counts, the engine compiles what runs often. */
const WARM_UP_MS = 20;
/**
 * Fewer threads have to be that much faster than more. A race is short, and something else may run beside it, such as the
 * engine's compiler; of threads that are too many some rest in time, and too few stay too few.
 */
const WORTH = 1.05;

/** Numbers of threads that race: all, half as many, and so on. */
export function entrants(most: number): number[] {
  const counts: number[] = [];
  for (let count = most; count >= 1; count >>= 1) counts.push(count);
  return counts;
}

/** The clocks of a race, in milliseconds; `lost` is the time in which threads waited for others that had no processor. */
export interface Clocks {
  now(): number;
  lost(): number;
}

/** Numbers of threads: the fastest as things are, by the median run, and the fastest if each thread had a processor. */
export interface Fastest {
  readonly found: number;
  readonly unhindered: number;
}

/**
 * The fastest numbers of threads of `most` and its parts, in several runs in turns.
 * @param run  the same work each time, by so many threads
 */
export function fastestCounts(most: number, run: (count: number) => void, { now, lost }: Clocks): Fastest {
  const times = entrants(most).map((count) => ({ count, ms: [] as number[], unhindered: NEVER }));
  const begin = now();
  for (let round = 0; round < ROUNDS && (round === 0 || now() - begin < RACE_MS); round++) {
    for (const time of times) {
      const [begin, before] = [now(), lost()];
      run(time.count);
      const ms = now() - begin;
      time.ms.push(ms);
      // Several threads may have lost the same time.
      time.unhindered = Math.min(time.unhindered, Math.max(ms / time.count, ms - (lost() - before)));
    }
  }
  const fastest = (msOf: (time: (typeof times)[number]) => number): number => {
    const least = Math.min(...times.map(msOf));
    return Math.max(...times.filter((time) => msOf(time) <= least * WORTH).map(({ count }) => count));
  };
  return { found: fastest(({ ms }) => median(ms)), unhindered: fastest(({ unhindered }) => unhindered) };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const NEVER = Number.POSITIVE_INFINITY;

/**
 * Has all `threads` or fewer of them run steps of one row, and steps that read a prompt; leaves in `threads` who was
 * fastest, and nothing in the sequence. One thread alone has to be the fastest even if the others had processors: what
 * keeps those busy, such as the engine's compiler or the file just written, may soon end.
 */
export function raceThreads(threads: StepThreads, model: Model, sequence: Sequence, clocks: Clocks): void {
  const rows = { decode: 1, prompt: Math.min(PROMPT_ROWS, model.maxStep, sequence.capacity) };
  const [all, fastest] = [{ ...threads }, { ...threads }];
  for (const kind of ["decode", "prompt"] as const) {
    Object.assign(threads, { decode: all[kind], prompt: all[kind] });
    const runLayers = layersOf(model, sequence, rows[kind], clocks.now);
    const run = (count: number): void => {
      // A step of few rows counts as one of decoding, also where no prompt can be longer.
      Object.assign(threads, { decode: count, prompt: count });
      runLayers();
    };
    const { found, unhindered } = fastestCounts(all[kind], run, clocks);
    fastest[kind] = found > 1 ? found : unhindered;
  }
  Object.assign(threads, fastest);
}

/** A run over as many layers as take RUN_MS with all threads: of one step in part, or of several. */
function layersOf(model: Model, sequence: Sequence, rows: number, now: () => number): () => void {
  const ids = Array.from({ length: rows }, (_, i) => i % model.config.vocabSize);
  let count = 0;
  const run = (isEnough: () => boolean): void => {
    const check = (): void => {
      if (isEnough()) throw ENOUGH;
      count++;
    };
    while (!isEnough()) {
      try {
        restart(model, sequence);
        advance(model, [{ sequence, ids }], { check });
      } catch (error) {
        if (error !== ENOUGH) throw error;
      }
    }
    restart(model, sequence);
  };
  const begin = now();
  run(() => now() - begin >= WARM_UP_MS);
  const layers = Math.max(1, Math.round((count * RUN_MS) / (now() - begin)));
  return () => {
    count = 0;
    run(() => count >= layers);
  };
}

/** Thrown between layers, to give up a step. */
const ENOUGH = new DOMException("The run is over.", "AbortError");
