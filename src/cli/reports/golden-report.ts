// What came of a golden, in words.

import { alignColumns } from "../../columns.ts";
import { describeGap } from "../../oracle/compare/closeness.ts";
import type { PointCheck } from "../../oracle/golden/golden-check.ts";
import type { GoldenManifest } from "../../oracle/golden/golden-manifest.ts";
import { layerPoint, placeInLayer } from "../../oracle/recorded/point-names.ts";
import { formatError } from "../../quantities.ts";

const SHOWN = 5;

/** A line for each case, then the points that are outside, and why. */
export function goldenReport({ made }: GoldenManifest, checks: readonly PointCheck[]): string[] {
  const names = [...new Set(checks.map((check) => check.case))];
  const rows = names.map((name) => {
    const own = checks.filter((check) => check.case === name);
    const failed = own.filter(({ passed }) => !passed).length;
    const worst = own.reduce((a, b) => (strain(b) > strain(a) ? b : a));
    const difference = worst.gap === undefined ? "" : formatError(worst.gap.maxAbs, 3);
    const verdict = failed === 0 ? "ok" : `${failed} outside`;
    return [name, String(own.length), worst.name, difference, formatError(worst.tolerance.atol, 3), verdict];
  });
  const header = ["case", "tensors", "nearest to its limit", "largest difference", "allowed", ""];
  const failed = checks.filter(({ passed }) => !passed);
  return [
    `Expected values by ${made.by}`,
    ...alignColumns([header, ...rows], "lrlrrl"),
    ...failed.slice(0, SHOWN).flatMap(describe),
    ...(failed.length > SHOWN ? [`… and ${failed.length - SHOWN} more.`] : []),
  ];
}

/** 1 at the limit. */
function strain({ gap, passed, tolerance: { atol } }: PointCheck): number {
  if (gap === undefined) return Number.POSITIVE_INFINITY;
  if (gap.maxAbs === 0) return 0;
  return passed ? Math.min(1, gap.maxAbs / atol) : 1 + gap.maxAbs;
}

/** What one of the two has alone. */
export function othersText(missing: readonly string[], unknown: readonly string[]): string[] {
  const listed = (what: string, names: readonly string[]): string[] =>
    names.length === 0 ? [] : [`${what}: ${overLayers(names).join(", ")}`];
  return [...listed("Not recorded", missing), ...listed("Not in the golden", unknown)];
}

/** Names that differ by their layer alone as one pattern, in which --points takes them: "model.layers.{2..5}.conv". */
function overLayers(names: readonly string[]): string[] {
  const layers = new Map<string, number[]>();
  for (const name of names) {
    const { layer, part } = placeInLayer(name) ?? { layer: -1, part: name };
    layers.set(part, [...(layers.get(part) ?? []), layer]);
  }
  return [...layers].map(([part, found]) => {
    const [first, last] = [Math.min(...found), Math.max(...found)];
    if (first < 0) return part;
    if (first === last) return layerPoint(first, part);
    const isRange = last - first === found.length - 1;
    const numbers = isRange ? `${first}..${last}` : [...found].sort((a, b) => a - b).join(",");
    return layerPoint(0, part).replace("0", `{${numbers}}`);
  });
}

export function failureOf(check: PointCheck): string | undefined {
  return check.passed ? undefined : describe(check).join("\n").trim();
}

function describe({ case: name, name: point, shape, gap, tolerance, rule, found }: PointCheck): string[] {
  const subject = `\n${name}, ${point} [${shape.join(", ")}]`;
  if (gap === undefined) return [`${subject}: expected a tensor of this shape, found ${found}.`];
  return [`${subject}: not close (${rule.reason})`, ...describeGap(gap, shape, tolerance).map((line) => `  ${line}`)];
}

/** The first failures in a few lines; undefined where there are none. */
export function failuresText(checks: readonly PointCheck[]): string | undefined {
  const failed = checks.filter(({ passed }) => !passed);
  return failed.length === 0 ? undefined : failed.slice(0, SHOWN).flatMap(describe).join("\n").trim();
}
