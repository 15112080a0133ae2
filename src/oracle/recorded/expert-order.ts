// Runs list a position's chosen experts in any order; here they ascend, and their weights with them.
import { ascending } from "../compare/compare.ts";
import type { RecordedPoint, RecordedRun } from "./recorded-run.ts";

const EXPERTS = /\.gate\.experts$/;
const WEIGHTS = /\.gate\.weights$/;

/** The same run with experts in ascending order in every row, and weights in the order of their experts. */
export function inExpertOrder(run: RecordedRun): RecordedRun {
  const points = [...run.points].map(([name, point]): [string, RecordedPoint] => {
    const experts = run.points.get(name.replace(WEIGHTS, ".gate.experts"));
    const isOrdered = EXPERTS.test(name) || (WEIGHTS.test(name) && experts?.cols === point.cols);
    return [name, isOrdered && experts?.rows === point.rows ? reordered(point, experts) : point];
  });
  return { ...run, points: new Map(points) };
}

function reordered(point: RecordedPoint, experts: RecordedPoint): RecordedPoint {
  return {
    ...point,
    async read(from, count) {
      const [data, ids] = await Promise.all([point.read(from, count), experts.read(from, count)]);
      const k = point.cols;
      const sorted = data.slice();
      for (let at = 0; at < data.length; at += k) {
        const order = ascending(ids.subarray(at, at + k));
        for (const [j, i] of order.entries()) sorted[at + j] = data[at + i];
      }
      return sorted;
    },
  };
}
