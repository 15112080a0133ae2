// The messages between the page and its oracle's thread, which opens recordings and compares them. Everything here can be
// structured-cloned.
import type { StoredTensor } from "../../formats/checkpoint.ts";
import type { PlainError } from "../../lfm2-error.ts";
import type { RowGap } from "../../oracle/compare/row-gaps.ts";
import type { Precision } from "../../oracle/compare/tolerance.ts";
import type { Verdict } from "../../oracle/compare/verdict.ts";
import type { HeldRun } from "../../oracle/recorded/held-run.ts";
import type { SourceDescriptor } from "../../sources/source.ts";

export type Side = "a" | "b";

/** A model's files, for its weights. */
export interface WeightFiles {
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly files: readonly SourceDescriptor[];
}

export type Request =
  | {
      readonly kind: "open";
      readonly side: Side;
      readonly folder: string;
      readonly files: readonly File[];
      readonly map: string;
    }
  | { readonly kind: "hold"; readonly side: Side; readonly run: HeldRun }
  | { readonly kind: "compare"; readonly weights: WeightFiles | undefined; readonly precision: Precision | undefined }
  | { readonly kind: "rows"; readonly point: string };

/** What a recording says of itself. */
export interface OpenedSide {
  readonly name: string;
  readonly ids: readonly number[] | undefined;
  readonly points: readonly string[];
}

/** A point of a comparison, for the picture and the table. */
export interface ComparedPoint {
  readonly name: string;
  readonly within: boolean;
  /** As the command line's table has them: name, max abs, allowed, … */
  readonly cells: readonly string[];
  /** The largest difference over what is allowed; of ids and of other shapes, undefined. */
  readonly over: number | undefined;
}

export interface Compared {
  readonly is: Verdict["is"];
  /** The lines that `lfm2 compare` prints. */
  readonly lines: readonly string[];
  readonly verdict: string;
  readonly cause: readonly string[];
  readonly runs: readonly [a: string, b: string];
  readonly notes: readonly string[];
  readonly logits: readonly string[];
  readonly flips: readonly string[];
  readonly columns: readonly string[];
  readonly first: string | undefined;
  /** In the order of execution. */
  readonly points: readonly ComparedPoint[];
  /** More points than are shown. */
  readonly leftOut: number;
  /** Position of each side's first row. */
  readonly start: number;
  /** Why the loaded model's weights took no part, though they were given. */
  readonly withoutWeights: string;
  readonly json: string;
  readonly html: string;
}

export interface Results {
  readonly open: OpenedSide;
  readonly hold: null;
  readonly compare: Compared;
  readonly rows: readonly RowGap[] | undefined;
}

export interface Doing {
  readonly what: string;
  readonly done: number;
  readonly total: number;
}

export type ToOracle = { readonly id: number; readonly request: Request };
export type FromOracle =
  | { readonly id: number; readonly doing: Doing }
  | { readonly id: number; readonly result: Results[keyof Results] }
  | { readonly id: number; readonly error: PlainError };
