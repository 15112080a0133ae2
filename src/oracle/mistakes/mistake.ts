// A mistake that a runtime may make: the operations, or the numbers of the config, that a graph with it runs on.
import type { Config } from "../../model/config.ts";
import type { Ops } from "../../ops/ops.ts";

/** Where in the graph: `norm` is a layer's first or second one. */
export type Part = "norm" | "final norm" | "short convolution" | "attention" | "router" | "feed-forward";

export interface Mistake {
  /** A short name that a program can look for: "rope-interleaved". */
  readonly cause: string;
  /** For people, after "with": "RoPE of neighbouring pairs instead of halves". */
  readonly says: string | ((config: Config) => string);
  readonly parts: readonly Part[];
  /** A bug, where it is not said to be precision. */
  readonly kind?: "precision";
  /** Who shipped it, where it is known. */
  readonly source?: string;
  /** What takes the place of `ops`, each of which computes what is specified. */
  readonly ops?: (ops: Ops, config: Config, steps: Steps) => Partial<Ops>;
  readonly config?: (config: Config) => Partial<Config>;
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
