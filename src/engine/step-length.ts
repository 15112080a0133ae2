// How long a step may be: as many positions as take about so long, judged by the last long step.

/** Milliseconds between two moments at which the caller is heard: less than the promised 200. */
export const PATIENCE_MS = 150;
/** Positions of the first step of a model whose speed is not known yet. */
export const FIRST_STEP = 16;
/** A step of fewer positions says little of the speed of long ones. Even steps are at least half of a first one. */
const MEASURED_STEP = FIRST_STEP / 2;

export interface Speed {
  /** Of the last long step; undefined before there was one. */
  msPerPosition: number | undefined;
  /** Positions that take about so long, at least one. */
  positionsIn(ms: number): number;
  /** A step of so many positions, of as many as there might have been, has taken so long. */
  measured(positions: number, most: number, ms: number): void;
}

export function createSpeed(): Speed {
  return {
    msPerPosition: undefined,
    positionsIn(ms) {
      return this.msPerPosition === undefined ? FIRST_STEP : Math.max(1, Math.floor(ms / this.msPerPosition));
    },
    measured(positions, most, ms) {
      if (positions >= Math.min(MEASURED_STEP, most)) this.msPerPosition = ms / positions;
    },
  };
}

/** Even steps: a short last one would read all the weights for little. */
export function evenStep(left: number, most: number): number {
  return Math.ceil(left / Math.ceil(left / most));
}
