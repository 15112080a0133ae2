// Runs list a position's chosen experts in any order; here they ascend, and what belongs to each of them with them. Weights
// that were recorded without their experts are held against ours by size.
import { ascending } from "../compare/compare.ts";
import type { RecordedPoint, RecordedRun } from "./recorded-run.ts";

const EXPERTS = /\.gate\.experts$/;
const OF_EXPERTS = /\.(gate\.weights|experts\.w[123])$/;

/** The same run with experts in ascending order in every row; weights, and what experts give, in the order of theirs. */
export function inExpertOrder(run: RecordedRun): RecordedRun {
  const points = [...run.points].map(([name, point]): [string, RecordedPoint] => {
    const experts = run.points.get(name.replace(OF_EXPERTS, ".gate.experts"));
    const isOrdered =
      EXPERTS.test(name) || (OF_EXPERTS.test(name) && experts !== undefined && point.cols % experts.cols === 0);
    return [name, isOrdered && experts?.rows === point.rows ? reordered(point, experts) : point];
  });
  return { ...run, points: new Map(points) };
}

function reordered(point: RecordedPoint, experts: RecordedPoint): RecordedPoint {
  return {
    ...point,
    async read(from, count) {
      const [data, ids] = await Promise.all([point.read(from, count), experts.read(from, count)]);
      const [k, width] = [experts.cols, point.cols / experts.cols];
      const sorted = data.slice();
      for (let at = 0; at < ids.length; at += k) {
        for (const [j, i] of ascending(ids.subarray(at, at + k)).entries()) {
          sorted.set(data.subarray((at + i) * width, (at + i + 1) * width), (at + j) * width);
        }
      }
      return sorted;
    },
  };
}

const WEIGHTS = /\.gate\.weights$/;

/** Weights of both in descending order, where theirs come without the experts they belong to. */
export function weightsBySize(
  ours: RecordedRun,
  theirs: RecordedRun,
  notes: string[],
): [ours: RecordedRun, theirs: RecordedRun] {
  const alone = [...theirs.points.keys()].filter(
    (name) => WEIGHTS.test(name) && !theirs.points.has(name.replace(WEIGHTS, ".gate.experts")),
  );
  if (alone.length === 0) return [ours, theirs];
  notes.push(`weights without the ids of their experts, by size: ${alone[0]}`);
  const sorted = (run: RecordedRun): RecordedRun => {
    const points = new Map(run.points);
    for (const name of alone) {
      const point = points.get(name);
      if (point !== undefined) points.set(name, descending(point));
    }
    return { ...run, points };
  };
  return [sorted(ours), sorted(theirs)];
}

function descending(point: RecordedPoint): RecordedPoint {
  return {
    ...point,
    async read(from, count) {
      const data = Float32Array.from(await point.read(from, count));
      for (let at = 0; at < data.length; at += point.cols)
        data
          .subarray(at, at + point.cols)
          .sort()
          .reverse();
      return data;
    },
  };
}
