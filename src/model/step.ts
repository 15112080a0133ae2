// The input of one forward pass: rows of one sequence or of several, and what each layer remembers of each sequence.
import type { ConvSpan, KvSpan } from "../ops/ops.ts";
import { isConvState, type LayerState } from "./state.ts";

export interface Step {
  /** The ids, one sequence after another [T]. */
  readonly ids: Int32Array;
  /** The position of each id in its own sequence [T]. */
  readonly positions: Int32Array;
  /** For each layer, the rows divided into spans, one for each sequence. */
  readonly layers: readonly LayerSpans[];
}

/** A convolution layer has conv spans, an attention layer attention spans; the other list is empty. */
export interface LayerSpans {
  readonly conv: readonly ConvSpan[];
  readonly attention: readonly KvSpan[];
}

/** Ids that continue one sequence. */
export interface Continuation extends Pick<KvSpan, "start" | "stored" | "pages"> {
  readonly ids: ArrayLike<number>;
  readonly layers: readonly LayerState[];
}

/** @param parts  at least one, each of another sequence of the same model */
export function createStep(parts: readonly Continuation[]): Step {
  return {
    ids: Int32Array.from(parts.flatMap(({ ids }) => Array.from(ids))),
    positions: Int32Array.from(parts.flatMap(({ ids, start }) => Array.from(ids, (_, t) => start + t))),
    layers: parts[0].layers.map((_, index) => spansOf(parts, index)),
  };
}

function spansOf(parts: readonly Continuation[], index: number): LayerSpans {
  const conv: ConvSpan[] = [];
  const attention: KvSpan[] = [];
  for (const { ids, start, stored, pages, layers } of parts) {
    const state = layers[index];
    if (isConvState(state)) conv.push({ rows: ids.length, state });
    else attention.push({ rows: ids.length, start, stored, cache: state, pages });
  }
  return { conv, attention };
}
