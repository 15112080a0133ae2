// One module of the graph on one side, replayed: the graph itself, over what the run recorded before the module.
import type { Config } from "../../model/config.ts";
import { forward, lmHead } from "../../model/model.ts";
import type { LayerState } from "../../model/state.ts";
import { stateSpecs } from "../../model/state.ts";
import { createStep } from "../../model/step.ts";
import { createWeights } from "../../model/weights.ts";
import type { ExpertIds, Ops, Tensor, Weight } from "../../ops/ops.ts";
import { createReferenceBackend } from "../../reference/backend.ts";
import type { ReferenceExpertIds, ReferenceTensor, ReferenceWeight } from "../../reference/tensor.ts";
import type { PointComparison } from "../compare/compare.ts";
import type { Mistake, Part } from "../mistakes/mistake.ts";
import { EMBEDDING, FINAL_NORM, HEAD, layerPoint, placeInLayer } from "../recorded/point-names.ts";
import type { RecordedRun } from "../recorded/recorded-run.ts";
import { observed, outputOf } from "../trace/observed.ts";
import type { Choice, Results } from "./fit.ts";
import { lazyIds, lazyOps, lazyTensor, UnknownNumbers } from "./lazy-ops.ts";

/** One of the two runs, and what is known of the model. */
export interface Side {
  readonly label: "A" | "B";
  readonly run: RecordedRun;
  readonly config: Config;
  /** Of a module's parameters those that are known, by path. */
  weights(place: Place): Promise<ReadonlyMap<string, ReferenceWeight>>;
}

/** Where a point belongs. */
export interface Place {
  readonly layer: number;
  /** The path whose points are computed together: `model.layers.2.self_attn`, `….feed_forward.gate`. */
  readonly module: string;
  readonly part: Part | undefined;
}

/**
 * What a replay begins with: what the module reads; its own recorded projections (or logits), which need no weights;
 * or the other run's projections, which stand for a product with weights that nobody knows.
 */
export type Beginning = "input" | "projections" | "other's projections";

export interface Site {
  readonly place: Place;
  /** The first row at hand, counted from the recording's first. */
  readonly begin: number;
  /** The first row of the results; later where they reach back to rows that are not at hand. */
  readonly from: number;
  /** Points that results were computed from, as far as they were read. */
  readonly inputs: ReadonlySet<string>;
  /** What the module gives, as specified or with a mistake; to be compared with what was recorded. */
  results(mistake?: Pick<Mistake, "ops" | "config" | "eitherWay">): Results;
}

const PARTS: Readonly<Record<string, Part>> = {
  operator_norm: "norm",
  ffn_norm: "norm",
  conv: "short convolution",
  self_attn: "attention",
  "feed_forward.gate": "router",
  feed_forward: "feed-forward",
};
const PROJECTION = /\.(in_proj|[qkv]_proj|w[13]|gate\.logits)$/;
const EXPERTS = /\.gate\.experts$/;
/** One position of attention costs as much as all before it; past this many a diagnosis would take minutes. */
const MAX_POSITIONS = 512;

export function placeOf(name: string, { numHiddenLayers }: Config): Place | undefined {
  if (name === FINAL_NORM) return { layer: numHiddenLayers - 1, module: name, part: "final norm" };
  if (name === HEAD) return { layer: numHiddenLayers - 1, module: name, part: undefined };
  const found = placeInLayer(name);
  if (found === undefined || found.layer >= numHiddenLayers) return undefined;
  const [part] = found.part.startsWith("feed_forward.gate") ? ["feed_forward.gate"] : found.part.split(".");
  return { layer: found.layer, module: layerPoint(found.layer, part), part: PARTS[part] };
}

/** @returns undefined where the rows before the first one at hand would have to be known */
export async function openSite(
  { name, firstRow, shapeA, shapeB }: PointComparison,
  side: Side,
  other: Side,
  beginning: Beginning,
): Promise<Site | undefined> {
  const { run, config } = side;
  const place = placeOf(name, config);
  const rows = place && rowsOf(place.part, run, Math.max(0, firstRow), Math.min(shapeA[0], shapeB[0]));
  if (place === undefined || rows === undefined) return undefined;
  const { begin, count } = rows;
  const { layer, module } = place;
  const isInside = (path: string): boolean => placeOf(path, config)?.module === module;
  const isGiven = (path: string): boolean =>
    !isInside(path) || EXPERTS.test(path) || (beginning === "projections" && PROJECTION.test(path));

  const inputs = new Set<string>();
  const recorded = await readRecorded(
    run,
    begin,
    count,
    (path) => isNear(path, place, config),
    (path) => inputs.add(path),
  );
  const theirs = await readRecorded(
    other.run,
    begin,
    count,
    (path) => isInside(path) && PROJECTION.test(path),
    (path) => inputs.add(`the other run's ${path}`),
  );
  const known = await side.weights(place);
  const isKnown = known.has(name.replace(/\.logits$/, ""));
  if (beginning === "other's projections" && (isKnown || !PROJECTION.test(name))) return undefined;
  const weights = createWeights(config, (spec): Weight => known.get(spec.path) ?? spec);
  const [state] = createReferenceBackend({
    weights: [],
    states: stateSpecs(config, count).slice(layer, layer + 1),
    kvType: "f32",
  }).states as LayerState[];
  const start = run.start + begin;
  const ids = run.ids?.slice(begin, begin + count) ?? new Int32Array(count);
  const step = createStep([{ ids, start, stored: start, layers: [state] }]);
  const streamBefore = (to: Weight): Tensor => {
    const before = to.path === FINAL_NORM ? config.numHiddenLayers : layer;
    const path = before === 0 ? EMBEDDING : layerPoint(before - 1, "");
    return (recorded.get(path) as Tensor | undefined) ?? unknown(count, config.hiddenSize, path);
  };
  const hidden = place.part === "short convolution" && start > 0 ? config.convLCache : 0;

  return {
    place,
    begin,
    from: begin + hidden,
    inputs,
    results({ ops: change, config: changeConfig, eitherWay } = {}) {
      const changed: Config = { ...config, ...changeConfig?.(config) };
      const base: Ops = beginning === "other's projections" ? withProjections(theirs) : lazyOps;
      const ops: Ops = { ...base, ...change?.(base, changed, { begin, second: Math.max(0, firstRow) }) };
      const found = new Map<string, ReferenceTensor | Choice>();
      const watched = observed(ops, {
        result(path, result) {
          if ("k" in result || isGiven(path) || eitherWay?.test(path)) return;
          const all = lazyTensor(count, (result.rows * result.cols) / count, () => result);
          found.set(path, hidden === 0 ? all : (lazyOps.rows(all, hidden, count - hidden) as ReferenceTensor));
        },
        choice(path, ranked, k) {
          const experts = path.replace(/margin$/, "experts");
          if (isInside(experts)) found.set(experts, { ranked: ranked as ReferenceTensor, k });
        },
        instead: (path, result) => (isGiven(path) ? shapedAs(result, recorded.get(path)) : undefined),
      });
      const h = forward(watched.ops, changed, { ...weights, layers: [weights.layers[layer]] }, step, (_, to) =>
        streamBefore(to),
      );
      lmHead(watched.ops, weights, h);
      watched.settle();
      return new Map([...found].filter(([path]) => isInside(path)));
    },
  };
}

/** Which rows are computed again: where rows stand by themselves a few, else those before them, too. */
function rowsOf(part: Part | undefined, { start }: RecordedRun, first: number, all: number) {
  const upTo = (begin: number, most: number) => ({ begin, count: Math.min(all - begin, most) });
  if (part === "attention") return start > 0 || first + 16 > MAX_POSITIONS ? undefined : upTo(0, first + 16);
  if (part === "short convolution") return upTo(Math.max(0, first - 16), 48);
  // A share of the choices is counted, which takes many.
  if (part === "router") return upTo(first < MAX_POSITIONS ? 0 : first, MAX_POSITIONS);
  return upTo(first, 16);
}

/** What the module may read, and what is inside it. */
function isNear(path: string, { layer, module }: Place, config: Config): boolean {
  if (path === FINAL_NORM || path === EMBEDDING) return true;
  const place = placeInLayer(path);
  if (place === undefined) return false;
  const before = module === FINAL_NORM ? config.numHiddenLayers - 1 : layer - 1;
  if (place.layer === before && place.part === "") return true;
  return place.layer === layer && (!place.part.includes(".") || path.startsWith(module));
}

type Recorded = ReferenceTensor | ReferenceExpertIds;

async function readRecorded(
  { points }: RecordedRun,
  from: number,
  count: number,
  isWanted: (path: string) => boolean,
  onRead: (path: string) => void,
): Promise<Map<string, Recorded>> {
  const recorded = new Map<string, Recorded>();
  for (const [path, { rows, cols, kind, read }] of points) {
    if (!isWanted(path) || from + count > rows) continue;
    const data = await read(from, count);
    const seen = <T>(value: T): T => {
      onRead(path);
      return value;
    };
    recorded.set(
      path,
      kind === "ids"
        ? lazyIds(count, cols, () => seen({ rows: count, k: cols, ids: data as Int32Array }))
        : lazyTensor(count, cols, () =>
            seen({ rows: count, cols, offset: 0, stride: cols, data: data as Float32Array }),
          ),
    );
  }
  return recorded;
}

/** Recorded numbers as a result of the graph; those of experts have a row to each choice there. */
function shapedAs<R extends Tensor | ExpertIds>(result: R, recorded: Recorded | undefined): R | undefined {
  if (recorded === undefined || "k" in recorded || "k" in result) return recorded as R | undefined;
  const { rows, cols } = result as Tensor;
  if (recorded.rows === rows && recorded.cols === cols) return recorded as unknown as R;
  if (recorded.rows * recorded.cols !== rows * cols) return undefined;
  return lazyTensor(rows, cols, () => recorded) as unknown as R;
}

function withProjections(theirs: ReadonlyMap<string, Recorded>): Ops {
  return { ...lazyOps, linear: (x, w) => (theirs.get(outputOf(w.path)) as Tensor | undefined) ?? lazyOps.linear(x, w) };
}

function unknown(rows: number, cols: number, path: string): Tensor {
  return lazyTensor(rows, cols, () => {
    throw new UnknownNumbers(path);
  });
}
