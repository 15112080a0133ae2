// One module of the graph on one side, replayed: the graph itself, over what the run recorded before the module.
import { pagesFor } from "../../engine/sequence.ts";
import type { Config } from "../../model/config.ts";
import { forward, lmHead } from "../../model/model.ts";
import { type LayerState, stateSpecs } from "../../model/state.ts";
import { createStep } from "../../model/step.ts";
import { createWeights } from "../../model/weights.ts";
import type { ExpertIds, Ops, Tensor, Weight } from "../../ops/ops.ts";
import { createReferenceBackend } from "../../reference/backend.ts";
import type { ReferenceExpertIds, ReferenceTensor, ReferenceWeight } from "../../reference/tensor.ts";
import type { PointComparison } from "../compare/compare.ts";
import { tensorOf } from "../mistakes/columns.ts";
import type { Mistake, Part, Scene } from "../mistakes/mistake.ts";
import { EMBEDDING, FINAL_NORM, HEAD, layerPoint, placeInLayer } from "../recorded/point-names.ts";
import type { RecordedRun } from "../recorded/recorded-run.ts";
import { observed, outputOf } from "../trace/observed.ts";
import { differingRows } from "./differing-rows.ts";
import type { Choice, Results } from "./fit.ts";
import { createLazyOps, lazyIds, lazyTensor, UnknownNumbers } from "./lazy-ops.ts";
import { createProducts, type Extent, isWide, sampleOf } from "./products.ts";
import { productsOf } from "./weights/known-products.ts";
import type { Work } from "./work.ts";

/** One of the two runs, and what is known of the model. */
export interface Side {
  readonly label: "A" | "B";
  readonly run: RecordedRun;
  readonly config: Config;
  /** Whether `weights` are the model's, of every layer; else they are learned from what was recorded. */
  readonly hasModel: boolean;
  /** What the search has cost, on either side. */
  readonly work: Work;
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

/** What a replay begins with: what the module reads, or its own recorded projections (or logits), which need no weights. */
export type Beginning = "input" | "projections";

export interface Site {
  readonly place: Place;
  /** The first row at hand, counted from the recording's first. */
  readonly begin: number;
  /** The first row of the results; later where they reach back to rows that are not at hand. */
  readonly from: number;
  /** Those that all the rows that differ met, and no others. */
  readonly experts: readonly number[];
  /** What results were computed from, as far as they were read. */
  readonly inputs: ReadonlySet<string>;
  /** Whether it begins with any projection that was recorded. */
  readonly hasProjections: boolean;
  /** Whether some products are so wide that few of their columns are far less work. */
  readonly isWide: boolean;
  /**
   * What the module gives, as specified or with a mistake; to be compared with what was recorded.
   *
   * @param sampled  products of which some numbers alone are computed, and the others are NaN
   */
  results(mistake?: Pick<Mistake, "ops" | "config" | "eitherWay">, sampled?: Sampled): Results;
}

/**
 * `all`: some columns of every one; `last`: of those whose results no other product of the module reads; `token`: of these,
 * and of every one the token alone at which the runs are farthest apart, where tokens stand by themselves.
 */
export type Sampled = "all" | "token" | "last";

const PARTS: Readonly<Record<string, Part>> = {
  operator_norm: "norm",
  ffn_norm: "norm",
  conv: "short convolution",
  self_attn: "attention",
  "feed_forward.gate": "router",
  feed_forward: "feed-forward",
  "": "residual",
};
const PROJECTION = /\.(in_proj|[qkv]_proj|w[13]|gate\.logits)$/;
const EXPERTS = /\.gate\.experts$/;
/** Weights of the products that come last in their module. */
const LAST = /\.(out_proj|w2|gate)$|^(lm_head|model\.embed_tokens)$/;
/** One position of attention costs as much as all before it; past this many a diagnosis would take minutes. */
const MAX_POSITIONS = 512;

export function placeOf(name: string, { numHiddenLayers }: Config): Place | undefined {
  if (name === FINAL_NORM) return { layer: numHiddenLayers - 1, module: name, part: "final norm" };
  if (name === HEAD) return { layer: numHiddenLayers - 1, module: name, part: "head" };
  if (name === EMBEDDING) return { layer: 0, module: name, part: "embedding" };
  const { layer = numHiddenLayers, part = "" } = placeInLayer(name) ?? {};
  if (layer >= numHiddenLayers) return undefined;
  const module = part.startsWith("feed_forward.gate") ? "feed_forward.gate" : part.split(".")[0];
  return { layer, module: layerPoint(layer, module), part: PARTS[module] };
}

/** @returns undefined where rows before the first one at hand would have to be known */
export async function openSite(
  point: PointComparison,
  side: Side,
  other: Side,
  beginning: Beginning,
): Promise<Site | undefined> {
  const { run, config } = side;
  const { name, firstRow, shapeA, shapeB } = point;
  const place = placeOf(name, config);
  const first = Math.max(0, firstRow);
  const rows = place && rowsAt(place.part, run.start, first, Math.min(shapeA[0], shapeB[0]));
  if (place === undefined || rows === undefined) return undefined;
  if (place.part === "embedding" && run.ids === undefined) return undefined;
  const { begin, count } = rows;
  const { layer, module } = place;
  // What the operator's result is added to shows in the norm after it and in what the layer gives.
  const whole = module.endsWith(".ffn_norm") ? layerPoint(layer, "") : module;
  const isInside = (path: string): boolean => [module, whole].includes(placeOf(path, config)?.module ?? "");
  const isGiven = (path: string): boolean =>
    !isInside(path) || EXPERTS.test(path) || (beginning === "projections" && PROJECTION.test(path));

  const inputs = new Set<string>();
  const before = (to: string) => (to === FINAL_NORM ? config.numHiddenLayers : layer) - 1;
  const streamBefore = (to: string) => (before(to) < 0 ? EMBEDDING : layerPoint(before(to), ""));
  const isNear = (path: string): boolean =>
    (module === HEAD && (path === FINAL_NORM || path === HEAD)) ||
    path === EMBEDDING ||
    placeInLayer(path)?.part === "" ||
    (placeInLayer(path)?.layer === layer && (path.split(".").length < 5 || path.startsWith(module)));
  const recorded = await readPoints(run, begin, count, isNear, (path) => inputs.add(`its ${path}`));
  const theirs = await readPoints(other.run, begin, count, isNear, (path) => inputs.add(`the other run's ${path}`));

  const layerPath = layerPoint(layer, "");
  const differing = await differingRows(point, run, other.run, begin, count, `${layerPath}.feed_forward`);
  const known = await side.weights(place);
  const weights = createWeights(config, (spec): Weight => known.get(spec.path) ?? spec);
  const states = stateSpecs(config, count).slice(layer, layer + 1);
  const layers = createReferenceBackend({ weights: [], states, kvType: "f32" }).states as LayerState[];
  const start = run.start + begin;
  const ids = run.ids?.slice(begin, begin + count) ?? new Int32Array(count);
  const pages = Array.from({ length: pagesFor(start + count) }, (_, page) => page);
  const step = createStep([{ ids, start, stored: start, pages, layers }]);
  const hidden = place.part === "short convolution" && start > 0 ? config.convLCache : 0;
  // Where products differ first, what they read does not.
  const isFirst = (path: string): boolean =>
    (name === HEAD && path === HEAD) || (PROJECTION.test(name) && isInside(path) && PROJECTION.test(path));
  const looked = productsOf(theirs, isFirst);
  const lazyOps = createLazyOps(side.work, createProducts(side.work));
  const columns = (cols: number): readonly number[] => sampleOf(cols, differing.columns);
  const token = place.part === "feed-forward" ? differing.row : undefined;
  const opsOf = (extent: Extent) => createLazyOps(side.work, createProducts(side.work, extent));
  const [ofColumns, ofToken, ofBoth] = [opsOf({ columns }), opsOf({ token }), opsOf({ columns, token })];
  const baseOf = (sampled: Sampled | undefined): Ops => {
    const opsFor = ({ path }: Weight): Pick<Ops, "linear" | "expertLinear"> => {
      if (!known.has(path)) return looked;
      if (sampled === "token") return LAST.test(path) ? ofBoth : ofToken;
      return sampled === "all" || (sampled === "last" && LAST.test(path)) ? ofColumns : lazyOps;
    };
    return {
      ...lazyOps,
      linear: (x, w) => opsFor(w).linear(x, w),
      expertLinear: (x, w, experts) => opsFor(w).expertLinear(x, w, experts),
    };
  };

  const scene: Scene = {
    ...{ begin, second: differing.second, experts: differing.experts, layer: layerPath },
    weight: (path) => known.get(path),
    recorded: (path) => recorded.get(path) as Tensor | undefined,
  };

  return {
    ...{ place, begin, from: begin + hidden, inputs, experts: differing.experts },
    hasProjections:
      beginning === "projections" && [...recorded.keys()].some((path) => PROJECTION.test(path) && isInside(path)),
    isWide: [...known.values()].some(({ rows, path }) => isWide(rows) && isInside(outputOf(path))),
    results({ ops: change, config: changes, eitherWay } = {}, sampled) {
      const base = baseOf(sampled);
      const changed: Config = { ...config, ...changes };
      const found = new Map<string, Recorded>();
      const { ops, settle } = observed(
        {
          ...base,
          ...change?.(base, changed, scene),
        },
        {
          result(path, result) {
            if (!isInside(path) || (isGiven(path) && !EXPERTS.test(path)) || eitherWay?.test(path)) return;
            const all = "k" in result ? result : lazyTensor(count, (result.rows * result.cols) / count, () => result);
            found.set(path, ("k" in all ? all : lazyOps.rows(all, hidden, count - hidden)) as ReferenceTensor);
          },
          choice(path, ranked) {
            const experts = path.replace(/margin$/, "experts");
            const ids = found.get(experts);
            if (ids !== undefined && "k" in ids) found.set(experts, rankedBy(ids, ranked as ReferenceTensor));
          },
          instead: (path, result) => (isGiven(path) ? shapedAs(result, recorded.get(path)) : undefined),
        },
      );
      const stream = (h: Tensor, { path }: Weight) => (recorded.get(streamBefore(path)) as Tensor) ?? unknown(h);
      lmHead(ops, weights, forward(ops, changed, { ...weights, layers: [weights.layers[layer]] }, step, stream));
      settle();
      return found;
    },
  };
}

/** Which rows are computed again: where rows stand by themselves a few, else those before them, too. */
function rowsAt(part: Part | undefined, start: number, first: number, all: number) {
  const upTo = (begin: number, most: number) => ({ begin, count: Math.min(all - begin, most) });
  if (part === "attention")
    return start > 0 || first + 16 > MAX_POSITIONS ? undefined : upTo(0, Math.max(64, first + 16));
  if (part === "short convolution") return upTo(Math.max(0, first - 16), 48);
  // A share of the choices is counted, which takes many.
  if (part === "router") return upTo(first < MAX_POSITIONS ? 0 : first, MAX_POSITIONS);
  // How many tokens an expert has had before is counted from the first.
  if (part === "feed-forward" && first < 16) return upTo(0, Math.max(32, first + 16));
  return first < 16 ? upTo(0, first + 16) : upTo(first, 16);
}

type Recorded = ReferenceTensor | Choice;

function rankedBy(experts: ReferenceExpertIds, ranked: ReferenceTensor): Choice {
  const { rows, k } = experts;
  return Object.assign(
    lazyIds(rows, k, () => experts),
    { ranked },
  );
}

async function readPoints(
  { points }: RecordedRun,
  from: number,
  count: number,
  isWanted: (path: string) => boolean,
  onUse: (path: string) => void,
): Promise<Map<string, Recorded>> {
  const recorded = new Map<string, Recorded>();
  for (const [path, { rows, cols, kind, read }] of points) {
    if (!isWanted(path) || from + count > rows) continue;
    const data = await read(from, count);
    const used = <T>(value: T): T => {
      onUse(path);
      return value;
    };
    const numbers = () => used(tensorOf(count, cols, data as Float32Array));
    const ids = () => used({ rows: count, k: cols, ids: data as Int32Array });
    recorded.set(path, kind === "ids" ? lazyIds(count, cols, ids) : lazyTensor(count, cols, numbers));
  }
  return recorded;
}

/** Recorded numbers as a result of the graph; those of experts have a row to each choice there. */
function shapedAs<R extends Tensor | ExpertIds>(result: R, recorded: Recorded | undefined): R | undefined;
function shapedAs(result: Tensor | ExpertIds, recorded: Recorded | undefined): Tensor | ExpertIds | undefined {
  if (recorded === undefined || "k" in recorded || "k" in result) return recorded;
  const { rows, cols } = result;
  if (recorded.rows === rows && recorded.cols === cols) return recorded;
  return recorded.rows * recorded.cols === rows * cols ? lazyTensor(rows, cols, () => recorded) : undefined;
}

function unknown({ rows, cols }: Tensor): Tensor {
  return lazyTensor(rows, cols, () => {
    throw new UnknownNumbers();
  });
}
