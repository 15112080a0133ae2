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
 * engine's compiler; threads that are too many rest in time, those that are too few stay so.
 */
const WORTH = 1.05;

/** Numbers of threads that race: all, half as many, and so on. */
export function entrants(most: number): number[] {
  const counts: number[] = [];
  for (let count = most; count >= 1; count >>= 1) counts.push(count);
  return counts;
}

/**
 * The number of threads with the shortest of several runs in turns: `most`, or a part of them.
 * @param run  the same work each time, by so many threads
 * @param now  milliseconds
 */
export function fastestCount(most: number, run: (count: number) => void, now: () => number): number {
  const times = entrants(most).map((count) => ({ count, ms: [] as number[] }));
  const begin = now();
  for (let round = 0; round < ROUNDS && (round === 0 || now() - begin < RACE_MS); round++) {
    for (const { count, ms } of times) {
      const begin = now();
      run(count);
      ms.push(now() - begin);
    }
  }
  const shortest = times.map(({ count, ms }) => ({ count, ms: Math.min(...ms) }));
  const least = Math.min(...shortest.map(({ ms }) => ms));
  return Math.max(...shortest.filter(({ ms }) => ms <= least * WORTH).map(({ count }) => count));
}

/**
 * Has all `threads` or fewer of them run steps of one row, and steps that read a prompt; leaves in `threads` who was
 * fastest, and nothing in the sequence.
 */
export function raceThreads(
  threads: StepThreads,
  model: Model,
  sequence: Sequence,
  now = (): number => performance.now(),
): void {
  const rows = { decode: 1, prompt: Math.min(PROMPT_ROWS, model.maxStep, sequence.capacity) };
  for (const kind of ["decode", "prompt"] as const) {
    const most = threads[kind];
    const runLayers = layersOf(model, sequence, rows[kind], now);
    const run = (count: number): void => {
      // A step of few rows counts as one of decoding, also where no prompt can be longer.
      Object.assign(threads, { decode: count, prompt: count });
      runLayers();
    };
    const others = { ...threads };
    const count = fastestCount(most, run, now);
    Object.assign(threads, { ...others, [kind]: count });
  }
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
