// How many ids are worth guessing: what a step of so many rows takes, against how often guesses come true.
import type { Config } from "../model/config.ts";

/** What steps take, by their number of rows: measured, and until then, planned. */
export interface StepCosts {
  /** Tells how long a step took. */
  add(rows: number, ms: number): void;
  /** Milliseconds, once `isKnown`. */
  of(rows: number): number;
  /** Whether enough steps of so many rows or fewer have been measured to compare longer ones with. */
  isKnown(rows: number): boolean;
  /** The most rows worth trying: what has been measured, doubled. A plan that is far off then costs little. */
  readonly most: number;
}

/** How much of a difference each step of one row tells of the machine's speed: it changes within seconds. */
const PACE_SHARE = 0.2;
/** How much of it a longer step tells of its own length, which hardly changes: at first, and at least. */
const FIRST_SHARE = 0.8;
const LEAST_SHARE = 0.05;
/** A step counts as at most so many times what was expected: one hiccup does not decide. */
const HICCUP = 1.4;
/** The first ones take longer, as the engine still optimizes what it runs. */
const ENOUGH = 3;
/** What a length that is not run took beyond the plan is forgotten within so many steps: one that seems too dear is tried again. */
const FORGOTTEN_STEPS = 2000;

/**
 * Two things are learned, since a step takes longer also when others use the machine: what one row takes at the moment, from
 * all steps, and what a step of so many rows takes in multiples of that.
 *
 * @param planned        what a step of so many rows takes, as a multiple of one row
 * @param msPerPosition  of a long step; no short one takes less
 */
export function createStepCosts(
  planned: (rows: number) => number,
  msPerPosition: () => number | undefined = () => undefined,
): StepCosts {
  let pace: number | undefined;
  const ratios: number[] = [];
  const counts: number[] = [];
  const measuredAt: number[] = [];
  let steps = 0;
  /** By a clock that some steps do not move, nothing is known. */
  let isMeasured = true;

  /** From the lengths on both sides that have been measured, or from the longest below. */
  const expected = (rows: number): number => {
    let [below, above] = [rows - 1, rows + 1];
    while (below > 0 && ratios[below] === undefined) below--;
    while (above < ratios.length && ratios[above] === undefined) above++;
    if (below === 0 || pace === undefined) return planned(rows);
    const from = ratios[below];
    if (above < ratios.length) return from + ((ratios[above] - from) * (rows - below)) / (above - below);
    return Math.max((from * planned(rows)) / planned(below), (rows * (msPerPosition() ?? 0)) / pace);
  };

  return {
    add(rows, ms) {
      isMeasured &&= ms > 0;
      if (!isMeasured) return;
      const count = counts[rows] ?? 0;
      counts[rows] = count + 1;
      measuredAt[rows] = ++steps;
      const ratio = ratios[rows] ?? expected(rows);
      pace ??= ms / ratio;
      const off = Math.min(HICCUP, ms / (pace * ratio));
      const own = rows === 1 ? 0 : Math.max(LEAST_SHARE, FIRST_SHARE / (count + 1));
      const ofPace = rows === 1 ? Math.max(PACE_SHARE, 1 / (count + 1)) : PACE_SHARE;
      ratios[rows] = ratio * (1 + own * (off - 1));
      pace *= 1 + (1 - own) * ofPace * (off - 1);
    },
    of(rows) {
      if (pace === undefined) return planned(rows);
      const ratio = ratios[rows];
      if (ratio === undefined) return pace * expected(rows);
      const left = Math.max(0, 1 - (steps - measuredAt[rows]) / FORGOTTEN_STEPS);
      return pace * Math.max(ratio * left, Math.min(ratio, expected(rows)));
    },
    isKnown: (rows) => isMeasured && counts.slice(0, rows + 1).some((count) => count >= ENOUGH),
    get most() {
      return 2 * (counts.length - 1);
    },
  };
}

/**
 * What a step of `rows` rows reads, as a multiple of what one row reads: rows share everything but their experts, which
 * are drawn at random: of E, n tokens with k each read E · (1 − (1 − k / E)ⁿ).
 */
export function plannedReads(config: Config, rows: number): number {
  const { numExperts, numExpertsPerTok, numHiddenLayers, numDenseLayers, hiddenSize, vocabSize } = config;
  const sparse = numExperts === 0 ? 0 : numHiddenLayers - numDenseLayers;
  const experts = sparse * numExpertsPerTok * 3 * config.moeIntermediateSize * hiddenSize;
  const dense = (numHiddenLayers - sparse) * 3 * config.intermediateSize * hiddenSize;
  const others = dense + numHiddenLayers * 4 * hiddenSize * hiddenSize + vocabSize * hiddenSize;
  const share = numExpertsPerTok / numExperts;
  let missed = 1;
  for (let row = 0; row < rows; row++) missed *= 1 - share;
  const read = sparse === 0 ? 0 : (experts * (1 - missed)) / share;
  return (others + read) / (others + experts);
}

/** How often guesses come true, the latest counting most. */
export interface Acceptance {
  add(isRight: boolean): void;
  /** Less by most of the error that so few guesses leave: a lucky streak is not to cost anything. */
  readonly rate: number;
}

/** Each guess counts so much less than the next: some fifty count. */
const FADE = 0.98;
/** Before the first guess of all: as if so many had been made, half of them right. */
const ASSUMED = 2;
/** An answer's guesses are expected to be as those of answers before it, as if it had made so many itself. */
const CARRIED = 6;
/** Standard errors. */
const DOUBT = 0.7;

/** @returns what begins the acceptance of one answer after another */
export function createAcceptances(): () => Acceptance {
  const earlier = { right: ASSUMED / 2, all: ASSUMED };
  return () => {
    const all = Math.min(CARRIED, earlier.all);
    const own = { right: (all * earlier.right) / earlier.all, all };
    return {
      add(isRight) {
        for (const counted of [earlier, own]) {
          counted.right = counted.right * FADE + Number(isRight);
          counted.all = counted.all * FADE + 1;
        }
      },
      get rate() {
        const mean = own.right / own.all;
        return mean - DOUBT * Math.sqrt((mean * (1 - mean)) / own.all);
      },
    };
  };
}

/** A gain below this is noise. */
const WORTH_WHILE = 1.02;
/** What others may lose beside one who gains: no more than can be told from noise. */
const FAIR = 0.99;

/** Rows that one of a step's sequences might have after the one of its last id. */
export interface Candidate {
  /** Those that will count in any case, first. */
  readonly certain: number;
  /** All of them. */
  readonly runnable: number;
  /** How often each of the others comes true, if those before it have. */
  readonly rate: number;
}

/**
 * How many rows to run ahead for each sequence of a step, so that the ids per millisecond are the most that can be expected
 * and nobody gets fewer than without them.
 *
 * @param mostRows  of the whole step, and `mostMs` that it may take
 */
export function rowsAhead(
  costs: StepCosts,
  candidates: readonly Candidate[],
  mostRows: number,
  mostMs: number,
): readonly number[] {
  const lengths = candidates.map(() => 0);
  // By itself, a sequence always gains by what is certain.
  if (candidates.length === 1) {
    const [{ certain, runnable }] = candidates;
    lengths[0] = Math.min(certain, runnable, mostRows - 1);
    while (lengths[0] > 0 && costs.of(1 + lengths[0]) > mostMs) lengths[0]--;
  }
  const sum = (list: readonly number[]): number => list.reduce((total, one) => total + one, 0);
  let rows = candidates.length + sum(lengths);
  if (!costs.isKnown(rows)) return lengths;
  const ids = lengths.map((length) => 1 + length);
  const likelihoods = candidates.map(() => 1);
  const plain = ids.map((own) => (own / costs.of(rows)) * FAIR);
  let best: readonly number[] = [...lengths];
  let speed = (sum(ids) / costs.of(rows)) * WORTH_WHILE;
  for (const end = Math.min(mostRows, costs.most); rows < end; ) {
    const next = candidates.map(({ certain, runnable, rate }, i) => {
      if (lengths[i] >= runnable) return 0;
      return lengths[i] < certain ? 1 : likelihoods[i] * rate;
    });
    const likelihood = Math.max(...next);
    if (likelihood <= 0) break;
    const chosen = next.indexOf(likelihood);
    likelihoods[chosen] = likelihood;
    ids[chosen] += likelihood;
    lengths[chosen]++;
    const cost = costs.of(++rows);
    if (cost > mostMs) break;
    if (sum(ids) / cost <= speed || ids.some((own, i) => own / cost < plain[i])) continue;
    speed = sum(ids) / cost;
    best = [...lengths];
  }
  return best;
}
