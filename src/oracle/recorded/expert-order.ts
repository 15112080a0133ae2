// Runs list a position's chosen experts in any order; here they ascend, and what belongs to each of them with them.
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
