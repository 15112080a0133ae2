// What a trace will hold, known before anything is computed: names, shapes, bytes.
import { type Edit, parseEdits } from "../../edits/edit.ts";
import { editedOps } from "../../edits/edited-ops.ts";
import { Lfm2Error } from "../../lfm2-error.ts";
import type { Config } from "../../model/config.ts";
import { forward, lmHead } from "../../model/model.ts";
import { type LayerState, stateSpecs } from "../../model/state.ts";
import { createStep } from "../../model/step.ts";
import { createWeights } from "../../model/weights.ts";
import type { Weight } from "../../ops/ops.ts";
import { selectNames } from "../glob.ts";
import { observed } from "./observed.ts";
import { shapeOps } from "./shape-ops.ts";

/** A tensor of a trace. */
export interface TracePoint {
  /** Hugging Face module path, or what it is extended by: `model.layers.7.conv`, `….feed_forward.gate.logits`. */
  readonly name: string;
  /**
   * [positions, cols], row-major. `….experts.w1` (w2, w3) hold the rows of a position's k experts side by side, in
   * ascending order of the experts; `….expert_bias` is no position's: [1, experts].
   */
  readonly shape: readonly [rows: number, cols: number];
  readonly dtype: "F32" | "I32";
  readonly kind: "tensor" | "logits" | "ids";
}

export interface Positions {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

export interface TracePlan {
  readonly positions: Positions;
  /** In execution order. */
  readonly points: readonly TracePoint[];
  /** Of all tensors together. */
  readonly bytes: number;
}

export interface TraceChoice {
  /** Globs over names; everything by default. */
  readonly points?: readonly string[];
  /** Which positions' tensors are kept; all by default. What stands before them is computed, what follows is not. */
  readonly positions?: Partial<Positions>;
  /** As of a run; k decides shapes. */
  readonly edits?: readonly string[];
}

/** The positions asked for are not among the ids. */
export class PositionsError extends Lfm2Error {
  override readonly name = "PositionsError";
}

/**
 * @param count  token ids that will be run
 * @throws GlobError when a glob matches nothing; PositionsError
 */
export function planTrace(
  config: Config,
  count: number,
  { points = ["**"], positions, edits = [] }: TraceChoice = {},
): TracePlan {
  checkPositions(positions);
  const { from = 0, to = count } = positions ?? {};
  if (!Number.isInteger(from) || !Number.isInteger(to) || from < 0 || from >= to || to > count) {
    throw new PositionsError({
      subject: "positions",
      expected: `0 ≤ from < to ≤ ${count}, the number of ids`,
      found: `from ${from} to ${to}`,
      remedy: "Choose others.",
    });
  }
  const all = tracePoints(config, to - from, parseEdits(edits, config));
  const names = selectNames(
    all.map(({ name }) => name),
    points,
  );
  const selected = all.filter(({ name }) => names.has(name));
  return { positions: { from, to }, points: selected, bytes: selected.reduce((sum, point) => sum + bytesOf(point), 0) };
}

function checkPositions(positions: unknown = {}): void {
  const isObject = typeof positions === "object" && positions !== null && !Array.isArray(positions);
  if (isObject && Object.keys(positions).every((key) => /^(from|to)$/.test(key))) return;
  const found = isObject ? `{ ${Object.keys(positions).join(", ")} }` : (JSON.stringify(positions) ?? typeof positions);
  throw new PositionsError({ subject: "positions", expected: "{ from, to }, either of which may be left out", found });
}

/** Every point there is, over `rows` positions: the graph rehearsed on shapes. */
function tracePoints(config: Config, rows: number, edits: readonly Edit[]): TracePoint[] {
  const points: TracePoint[] = [];
  const { ops, settle } = observed(editedOps(shapeOps, config, edits), {
    result(name, result) {
      if ("k" in result) points.push({ name, shape: [rows, result.k], dtype: "I32", kind: "ids" });
      // One position was rehearsed, so all numbers are that position's.
      else points.push({ name, shape: [rows, result.rows * result.cols], dtype: "F32", kind: kindOf(name) });
    },
    bias: (name, cols) => points.push({ name, shape: [1, cols], dtype: "F32", kind: "tensor" }),
    choice(name, { cols }, k) {
      if (k < cols) points.push({ name, shape: [rows, 1], dtype: "F32", kind: "tensor" });
    },
  });
  const weights = createWeights(config, (spec): Weight => spec);
  const layers = stateSpecs(config, 1).map((spec): LayerState => (spec.type === "conv" ? spec : { capacity: 1 }));
  const step = createStep([{ ids: [0], start: 0, stored: 0, pages: [0], layers }]);
  lmHead(ops, weights, forward(ops, config, weights, step));
  settle();
  return points;
}

function kindOf(name: string): "tensor" | "logits" {
  return name === "lm_head" ? "logits" : "tensor";
}

/** A parameter, the same at every position. */
export function isBias({ name }: Pick<TracePoint, "name">): boolean {
  return name.endsWith(".expert_bias");
}

export function bytesOf({ shape: [rows, cols] }: Pick<TracePoint, "shape">): number {
  return rows * cols * 4;
}
