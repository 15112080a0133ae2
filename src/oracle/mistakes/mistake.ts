// A mistake that a runtime may make: what takes the place of operations, or of numbers of the config, in a right graph.
import type { Config } from "../../model/config.ts";
import type { Ops } from "../../ops/ops.ts";

/** Where in the graph: `norm` is a layer's first or second one, `layer` what it gives. */
export type Part =
  | "norm"
  | "final norm"
  | "short convolution"
  | "attention"
  | "router"
  | "feed-forward"
  | "layer"
  | "head";

/** What takes the place of `ops`, each of which computes what is specified. */
export type Change = (ops: Ops, config: Config, steps: Steps) => Partial<Ops>;

export interface Mistake {
  /** A short name that a program can look for: "rope-interleaved". */
  readonly cause: string;
  /** For people, after "with": "RoPE of neighbouring pairs instead of halves". */
  readonly says: string | ((config: Config) => string);
  readonly parts: readonly Part[];
  readonly kind: "bug" | "precision";
  readonly ops?: Change;
  readonly config?: Partial<Config>;
  /** Points that a run with this mistake may record before it or after it. */
  readonly eitherWay?: RegExp;
}

/** How the rows at hand may have been cut into steps, if the second one begins where the runs part. */
export interface Steps {
  /** Of the rows at hand, counted from the recording's first. */
  readonly begin: number;
  /** The first row that differs, counted alike. */
  readonly second: number;
}

/** The rows of the step that a row belongs to, where every step is as long as the first. */
export function stepOf(row: number, rows: number, { begin, second }: Steps): { begin: number; end: number } {
  if (second <= 0) return { begin: 0, end: rows };
  const start = Math.max(0, Math.floor((begin + row) / second) * second - begin);
  return { begin: start, end: Math.min(rows, start + second) };
}

/** Makers of a part's mistakes: in its operations, and in a number of the config. */
export function inParts(...parts: readonly Part[]) {
  return {
    bug: (cause: string, says: string, ops: Change, eitherWay?: RegExp): Mistake => ({
      ...{ cause, says, parts, kind: "bug", ops, eitherWay },
    }),
    setting: (cause: string, says: Mistake["says"], config: Partial<Config>): Mistake => ({
      ...{ cause, says, parts, kind: "bug", config },
    }),
  };
}
