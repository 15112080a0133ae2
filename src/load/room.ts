// Room for sequences: how many there may be at once, and positions of keys and values for all of them together.
import { pagesFor } from "../engine/sequence.ts";
import type { Config } from "../model/config.ts";
import { stateSpecs } from "../model/state.ts";
import type { KvType } from "../ops/backend.ts";
import { PAGE } from "../ops/ops.ts";
import { kvBytes } from "../wasm/plan.ts";

export interface Room {
  readonly sequences: number;
  /** Whole pages. */
  readonly positions: number;
}

/** The longest step of a prefill. Longer ones gain little and need working space in proportion. */
export const MAX_STEP = 512;

/** The longest step that there will be: of as many whole contexts as fit, or a row for every sequence. */
export function longestStep(contextLength: number, { sequences, positions }: Room): number {
  const contexts = Math.floor(positions / PAGE / pagesFor(contextLength));
  return Math.min(MAX_STEP, Math.max(sequences, contextLength * Math.min(sequences, contexts)));
}

interface Wanted {
  readonly contextLength: number;
  readonly parallel: number;
  readonly kvMemory: number;
  readonly kvType: KvType;
}

/** @param alone  so many sequences, each with a context of its own, in place of what the settings say */
export function roomOf(config: Config, { contextLength, parallel, kvMemory, kvType }: Wanted, alone?: number): Room {
  if (alone !== undefined) return { sequences: alone, positions: alone * pagesFor(contextLength) * PAGE };
  const each = pageBytes(config, kvType);
  // More than all of them can use would lie idle; a model without attention keeps none.
  const most = parallel * pagesFor(contextLength);
  return { sequences: parallel, positions: Math.min(most, Math.floor(kvMemory / each)) * PAGE };
}

/** Keys and values of so many positions, in whole pages. */
export function kvBytesFor(config: Config, kvType: KvType, positions: number): number {
  return pagesFor(positions) * pageBytes(config, kvType);
}

function pageBytes(config: Config, kvType: KvType): number {
  return stateSpecs(config, PAGE).reduce(
    (sum, spec) => sum + (spec.type === "conv" ? 0 : 2 * kvBytes(spec, kvType)),
    0,
  );
}
