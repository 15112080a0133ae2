// How many threads compute, where nobody chose: measured on the model itself, since what engines and systems report are
// processors that may be slow, shared with other programs, or not there.
import { advance, type Model, restart, type Sequence } from "../engine/sequence.ts";
import { PROMPT_ROWS, type StepThreads } from "../wasm/wasm-ops.ts";

/** One run's time: long beside the waking of threads, and enough weights that no cache holds them. */
const RUN_MS = 5;
const ROUNDS = 5;
/** No round is begun after so long. */
const RACE_MS = 40;
/** Before the first run that counts, the engine compiles what runs often. */
const WARM_UP_MS = 20;
/**
 * Fewer threads have to be that much faster than more. A race is short, and something else may run beside it, such as the
 * engine's compiler.
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

/** Numbers of threads: the fastest as things are, and the fastest if each thread had a processor. */
export interface Fastest {
  readonly found: number;
  readonly unhindered: number;
}

/**
 * The numbers of threads with the shortest of several runs in turns: `most`, or a part of them.
 * @param run  the same work each time, by so many threads
 */
export function fastestCounts(most: number, run: (count: number) => void, { now, lost }: Clocks): Fastest {
  const times = entrants(most).map((count) => ({ count, found: NEVER, unhindered: NEVER }));
  const begin = now();
  for (let round = 0; round < ROUNDS && (round === 0 || now() - begin < RACE_MS); round++) {
    for (const time of times) {
      const [begin, before] = [now(), lost()];
      run(time.count);
      const ms = now() - begin;
      time.found = Math.min(time.found, ms);
      time.unhindered = Math.min(time.unhindered, ms - (lost() - before));
    }
  }
  const fastest = (kind: keyof Fastest): number => {
    const least = Math.min(...times.map((time) => time[kind]));
    return Math.max(...times.filter((time) => time[kind] <= least * WORTH).map(({ count }) => count));
  };
  return { found: fastest("found"), unhindered: fastest("unhindered") };
}

const NEVER = Number.POSITIVE_INFINITY;

/**
 * Has all `threads` or fewer of them run steps of one row, and steps that read a prompt; leaves nothing in the sequence. In
 * `threads` it leaves who is fastest if each has a processor: those that have none now will rest, and may have one later.
 * @returns who is fastest as things are
 */
export function raceThreads(threads: StepThreads, model: Model, sequence: Sequence, clocks: Clocks): StepThreads {
  const rows = { decode: 1, prompt: Math.min(PROMPT_ROWS, model.maxStep, sequence.capacity) };
  const [all, found, unhindered] = [{ ...threads }, { ...threads }, { ...threads }];
  for (const kind of ["decode", "prompt"] as const) {
    Object.assign(threads, { decode: all[kind], prompt: all[kind] });
    const runLayers = layersOf(model, sequence, rows[kind], clocks.now);
    const run = (count: number): void => {
      // A step of few rows counts as one of decoding, also where no prompt can be longer.
      Object.assign(threads, { decode: count, prompt: count });
      runLayers();
    };
    const fastest = fastestCounts(all[kind], run, clocks);
    found[kind] = fastest.found;
    unhindered[kind] = fastest.unhindered;
  }
  Object.assign(threads, unhindered);
  return found;
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
