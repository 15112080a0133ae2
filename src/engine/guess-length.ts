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

/** Samples of a length that count: enough that one hiccup does not decide. */
const SAMPLES = 5;
/** The first ones take longer, as the engine still optimizes what it runs. */
const ENOUGH = 3;
/** A length that looked dear is tried again in the end: in so many steps, what it took beyond the plan is forgotten. */
const FORGOTTEN_STEPS = 2000;

/**
 * @param planned        what a step of so many rows takes, as a multiple of one row
 * @param msPerPosition  of a long step; no short one takes less
 */
export function createStepCosts(
  planned: (rows: number) => number,
  msPerPosition: () => number | undefined = () => undefined,
): StepCosts {
  const samples: number[][] = [];
  const measuredAt: number[] = [];
  let steps = 0;
  const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[(list.length - 1) >> 1];

  /** From the lengths on both sides that have been measured, or from the longest below. */
  const expected = (rows: number): number => {
    let [below, above] = [rows - 1, rows + 1];
    while (below > 0 && samples[below] === undefined) below--;
    while (above < samples.length && samples[above] === undefined) above++;
    if (below === 0) return planned(rows);
    const from = median(samples[below]);
    if (above < samples.length) return from + ((median(samples[above]) - from) * (rows - below)) / (above - below);
    return Math.max((from * planned(rows)) / planned(below), rows * (msPerPosition() ?? 0));
  };

  return {
    add(rows, ms) {
      samples[rows] ??= [];
      const list = samples[rows];
      list.push(ms);
      if (list.length > SAMPLES) list.shift();
      measuredAt[rows] = ++steps;
    },
    of(rows) {
      const plan = expected(rows);
      const list = samples[rows];
      if (list === undefined) return plan;
      const measured = median(list);
      const left = Math.max(0, 1 - (steps - measuredAt[rows]) / FORGOTTEN_STEPS);
      return measured <= plan ? measured : plan + (measured - plan) * left;
    },
    isKnown: (rows) => samples.slice(0, rows + 1).some((list) => list !== undefined && list.length >= ENOUGH),
    get most() {
      return 2 * (samples.length - 1);
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
  /** Less by the error that so few guesses leave: a lucky streak is not to cost anything. */
  readonly rate: number;
}

/** Each guess counts so much less than the next: some thirty count. */
const FADE = 0.97;
/** Before the first guess: as if so many had been made, half of them right. */
const ASSUMED = 2;

export function createAcceptance(): Acceptance {
  let right = ASSUMED / 2;
  let all = ASSUMED;
  return {
    add(isRight) {
      right = right * FADE + Number(isRight);
      all = all * FADE + 1;
    },
    get rate() {
      const mean = right / all;
      return mean - Math.sqrt((mean * (1 - mean)) / all);
    },
  };
}

/** A gain below this is noise. */
const WORTH_WHILE = 1.03;
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
