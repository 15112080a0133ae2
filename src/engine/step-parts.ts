// What a step is made of: a piece of a prompt, the last ids of those who write, and what is worth running before it is known.
import { MAX_TAKEN_BACK } from "../model/state.ts";
import { PAGE } from "../ops/ops.ts";
import { type Draft, NO_DRAFT } from "./ahead.ts";
import { rowsAhead, type StepCosts } from "./guess-length.ts";
import type { Pages } from "./pages.ts";
import { type Model, pagesFor } from "./sequence.ts";
import { evenStep, FIRST_STEP, PATIENCE_MS, type Speed } from "./step-length.ts";
import { leftOf, type Running } from "./tasks.ts";

/** Rows of a step that are of one task. */
export interface Part {
  readonly task: Running;
  readonly ids: readonly number[];
  /** So many of the last ids are run before they are known; they are the first of the draft. */
  readonly ahead: number;
  readonly draft: Draft;
}

export interface StepPlan {
  readonly parts: readonly Part[];
  /** Whether it is cut short when a request arrives. */
  readonly isLong: boolean;
  /** Of a step with a piece of a prompt: how many rows it might have had. */
  readonly most?: number;
}

/** About how long a step may take while others wait for their ids. */
const BESIDE_MS = PATIENCE_MS;

/** @param isAlone  whether nobody else waits; heard at every layer, a step may then last as long as all its layers may */
export function planPiece(
  reader: Running,
  writers: readonly Running[],
  { config, maxStep }: Model,
  speed: Speed,
  isAlone: boolean,
): StepPlan {
  const isHeard = reader.isGivenUp !== undefined;
  const beside = Math.max(isHeard ? FIRST_STEP : 1, speed.positionsIn(BESIDE_MS));
  const affordable = isAlone && isHeard ? speed.positionsIn(PATIENCE_MS * config.numHiddenLayers) : beside;
  const most = Math.min(affordable, maxStep - writers.length);
  const length = evenStep(leftOf(reader), most);
  const parts = [partOf(reader, length), ...writers.map((task) => partOf(task, 1))];
  return { parts, isLong: isAlone && length > beside, most: most + writers.length };
}

/** @param isAlone  as above; `mostRows`: of the whole step */
export function planWriters(
  writers: readonly Running[],
  { config }: Model,
  costs: StepCosts,
  pages: Pages,
  mostRows: number,
  isAlone: boolean,
): StepPlan {
  const most = Math.min(MAX_TAKEN_BACK, mostRows - writers.length);
  const drafts = writers.map(({ answer, place: { sequence }, ahead }) =>
    // No row is of use after the one that gives the last id.
    ahead.draft(Math.min(most, answer.left - 1, sequence.capacity - sequence.ids.length - 1)),
  );
  const isHeard = writers.every(({ isGivenUp }) => isGivenUp !== undefined);
  const mostMs = isAlone && isHeard ? PATIENCE_MS * config.numHiddenLayers : BESIDE_MS;
  const lengths = rowsAhead(costs, drafts, mostRows, mostMs);
  const parts = writers.map((task, i) => partOf(task, 1, drafts[i], withRoom(task, lengths[i], pages)));
  const rows = parts.reduce((sum, { ids }) => sum + ids.length, 0);
  return { parts, isLong: rows > writers.length && costs.of(rows) > BESIDE_MS };
}

function partOf(task: Running, known: number, draft = NO_DRAFT, ahead = 0): Part {
  const { answer, place } = task;
  const { next } = place.sequence;
  return { task, ids: [...answer.ids.slice(next, next + known), ...draft.ids.slice(0, ahead)], draft, ahead };
}

/** As many rows ahead as there are free pages for: nobody has to wait for a guess. */
function withRoom({ place: { lease, sequence } }: Running, ahead: number, pages: Pages): number {
  const rows = sequence.ids.length + 1;
  while (lease.pages.length < pagesFor(rows + ahead) && pages.grow(lease));
  return Math.min(ahead, lease.pages.length * PAGE - rows);
}
