// A mistake that a runtime may make: what takes the place of operations, or of numbers of the config, in a right graph.
import type { Config } from "../../model/config.ts";
import type { Ops, Tensor, Weight } from "../../ops/ops.ts";

/** Where in the graph: `norm` is a layer's first or second one. */
export type Part =
  | "embedding"
  | "norm"
  | "short convolution"
  | "attention"
  | "router"
  | "feed-forward"
  | "residual"
  | "final norm"
  | "head";

/** What takes the place of `ops`, each of which computes what is specified. */
export type Change = (ops: Ops, config: Config, scene: Scene) => Partial<Ops>;

export interface Mistake {
  /** A short name that a program can look for: "rope-interleaved". */
  readonly cause: string;
  /**
   * For people, after "with": "RoPE of neighbouring pairs instead of halves". `experts`: those that the rows that differ
   * have in common.
   */
  readonly says: string | ((config: Config, experts: readonly number[]) => string);
  readonly parts: readonly Part[];
  readonly kind: "bug" | "precision";
  readonly ops?: Change;
  readonly config?: Partial<Config>;
  /** Points that a run with this mistake may record before it or after it. */
  readonly eitherWay?: RegExp;
  /** Many mistakes come near it, so that no more than float32's rounding may be left. */
  readonly isCatchAll?: true;
  /** What it is made of, where it is several at once. */
  readonly members?: readonly Mistake[];
}

/** Several at once, each in what the ones before it have made of the operations. */
export function together(...several: readonly Mistake[]): Mistake {
  const members = several.flatMap((one) => one.members ?? [one]);
  return {
    cause: members.map(({ cause }) => cause).join("+"),
    says: (config, experts) => members.map((one) => wordsOf(one, config, experts)).join(" and "),
    parts: several[several.length - 1].parts,
    kind: members.every(({ kind }) => kind === "precision") ? "precision" : "bug",
    config: Object.assign({}, ...members.map(({ config }) => config)),
    isCatchAll: members.find(({ isCatchAll }) => isCatchAll)?.isCatchAll,
    eitherWay: members.find(({ eitherWay }) => eitherWay)?.eitherWay,
    members,
    ops(ops, config, scene) {
      const changed = { ...ops };
      for (const one of members) Object.assign(changed, one.ops?.({ ...changed }, config, scene));
      return changed;
    },
  };
}

export function wordsOf({ says }: Mistake, config: Config, experts: readonly number[]): string {
  return typeof says === "string" ? says : says(config, experts);
}

/** What a mistake may need to know of the rows at hand, and of the model. */
export interface Scene {
  /** The first of the rows at hand, counted from the recording's first. */
  readonly begin: number;
  /** Where the second step may have begun, counted alike; 0 where nothing says so. */
  readonly second: number;
  /** Those that all the rows that differ met, and no others. */
  readonly experts: readonly number[];
  /** "model.layers.2". */
  readonly layer: string;
  /** One of the part's weights, or a norm, a bias or the taps of any layer; undefined where it is not known. */
  weight(path: string): Weight | undefined;
  /** What the run recorded of the stream or of this layer's modules; undefined where it did not. */
  recorded(path: string): Tensor | undefined;
}

/** Makers of a part's mistakes: in its operations, and in a number of the config. */
export function inParts(...parts: readonly Part[]) {
  return {
    bug: (cause: string, says: Mistake["says"], ops: Change, eitherWay?: RegExp): Mistake => ({
      ...{ cause, says, parts, kind: "bug", ops, eitherWay },
    }),
    setting: (cause: string, says: Mistake["says"], config: Partial<Config>): Mistake => ({
      ...{ cause, says, parts, kind: "bug", config },
    }),
  };
}
