// The oracle's thread: recordings are opened, compared and explained here, so that the page stays free.
import { plainError } from "../../lfm2-error.ts";
import type { Comparison, PointComparison } from "../../oracle/compare/compare.ts";
import { comparisonHtml } from "../../oracle/compare/comparison-html.ts";
import { comparisonJson } from "../../oracle/compare/comparison-json.ts";
import { cells, reportLines, wording } from "../../oracle/compare/comparison-text.ts";
import { explainedComparison } from "../../oracle/compare/explained-comparison.ts";
import { type RowGap, rowGaps } from "../../oracle/compare/row-gaps.ts";
import { verdictOf } from "../../oracle/compare/verdict.ts";
import { type ModelWeights, modelWeights } from "../../oracle/diagnose/model-weights.ts";
import { heldRun } from "../../oracle/recorded/held-run.ts";
import { HEAD, placeInLayer } from "../../oracle/recorded/point-names.ts";
import type { RecordedRun } from "../../oracle/recorded/recorded-run.ts";
import { settleHead } from "../../parameters/tied-head.ts";
import { blobSource } from "../../sources/blob.ts";
import { openSources } from "../../sources/open-source.ts";
import type { ByteSource, SourceDescriptor } from "../../sources/source.ts";
import { openRecording } from "./open-recording.ts";
import type { Compared, ComparedPoint, Doing, OpenedSide, Request, Results, Side, ToOracle } from "./protocol.ts";

/** 24 layers with every point inside them have about 430. */
const MOST_POINTS = 5000;
const MOST_ROWS = 512;
const MOST_WHOLE_BYTES = 100e6;
/** A page needs to hear no more often. */
const PROGRESS_MS = 50;

const sides = new Map<Side, RecordedRun>();
let comparison: Comparison | undefined;

addEventListener("message", async ({ data }: MessageEvent<ToOracle>) => {
  const { id, request } = data;
  try {
    let told = 0;
    const tell = (doing: Doing): void => {
      const now = performance.now();
      if (now - told < PROGRESS_MS && doing.done > 0) return;
      told = now;
      postMessage({ id, doing });
    };
    postMessage({ id, result: await answer(request, tell) });
  } catch (error) {
    postMessage({ id, error: plainError(error) });
  }
});

async function answer(request: Request, tell: (doing: Doing) => void): Promise<Results[Request["kind"]]> {
  if (request.kind === "open") {
    const run = await openRecording(request.folder, request.files, request.map);
    sides.set(request.side, run);
    return { name: run.name, ids: run.ids, points: [...run.points.keys()].slice(0, MOST_POINTS) } satisfies OpenedSide;
  }
  if (request.kind === "hold") {
    sides.set(request.side, heldRun(request.run));
    return null;
  }
  if (request.kind === "rows") return rowsOf(request.point);
  return compare(request, tell);
}

async function rowsOf(point: string): Promise<readonly RowGap[] | undefined> {
  return comparison && rowGaps(comparison, point, MOST_ROWS);
}

async function compare(
  { weights: given, precision }: Request & { kind: "compare" },
  tell: (doing: Doing) => void,
): Promise<Compared> {
  const [a, b] = [sides.get("a"), sides.get("b")];
  if (a === undefined || b === undefined) throw new TypeError("two runs have to be there before they are compared");
  const files = given === undefined ? [] : await openWhole(given.files);
  try {
    const weights = given && modelWeights(await settleHead({ ...given, files }, "whole"));
    const withoutWeights = weights === undefined ? "" : misfit(weights, a, b);
    const [found, diagnosed] = await explainedComparison(a, b, withoutWeights === "" ? weights : undefined, {
      precision,
      onProgress: (done, total) => tell({ what: "Comparing points", done, total }),
      onSearch: () => tell({ what: "Looking for the cause", done: 0, total: 0 }),
    });
    comparison = found;
    const words = wording(found, diagnosed);
    const { verdict, cause, runs, notes, logits, flips, table } = words;
    const [columns] = table;
    return {
      is: verdictOf(found, diagnosed).is,
      lines: reportLines(words),
      verdict,
      cause,
      runs,
      notes: [words.wide, ...notes, words.scope].filter(Boolean),
      logits,
      flips,
      columns,
      first: found.first?.name,
      points: found.points.slice(0, MOST_POINTS).map(shownPoint),
      leftOut: Math.max(0, found.points.length - MOST_POINTS),
      start: found.a.start,
      withoutWeights,
      json: comparisonJson(found, diagnosed),
      html: comparisonHtml(found, diagnosed),
    };
  } finally {
    await Promise.allSettled(files.map((file) => file.close()));
  }
}

/** Files of servers are read whole where that is little, instead of weight by weight. */
async function openWhole(descriptors: readonly SourceDescriptor[]): Promise<ByteSource[]> {
  const files = await openSources(descriptors);
  return Promise.all(
    files.map(async (file) => {
      if (file.descriptor.kind !== "url" || file.size > MOST_WHOLE_BYTES) return file;
      const bytes = await file.read(0, file.size).finally(() => file.close());
      return blobSource(file.name, bytes);
    }),
  );
}

function shownPoint(point: PointComparison): ComparedPoint {
  const { name, within, gap, router, tolerance } = point;
  const over = gap === undefined || router !== undefined ? undefined : gap.maxAbs / tolerance;
  return { name, within, cells: cells(point), over };
}

/** Why a model's weights cannot be those of two recordings; empty where they can. */
function misfit({ config }: ModelWeights, a: RecordedRun, b: RecordedRun): string {
  for (const { points } of [a, b]) {
    for (const { name, cols } of points.values()) {
      const place = placeInLayer(name);
      const isStream = name === "model.embed_tokens" || place?.part === "";
      if (isStream && cols !== config.hiddenSize) return `${name} has ${cols} columns, the model ${config.hiddenSize}`;
      if (place !== undefined && place.layer >= config.numHiddenLayers)
        return `layer ${place.layer} is recorded, the model has ${config.numHiddenLayers} layers`;
      if (name === HEAD && cols < config.vocabSize) return `${name} has ${cols} columns, the model ${config.vocabSize}`;
    }
  }
  return "";
}
