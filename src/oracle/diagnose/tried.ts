// What was computed again where no cause was found: which side gives what is specified, and where the other does not.
import { formatError } from "../../quantities.ts";
import type { Part } from "../mistakes/mistake.ts";
import { mistakes } from "../mistakes/mistakes.ts";
import { type Recomputed, specifiedAt } from "./explain.ts";

/** One line to each side whose operation could be computed. */
export function triedLines(recomputed: readonly Recomputed[], name: string): string[] {
  return (["B", "A"] as const).flatMap((label) => {
    const found = recomputed
      .filter(({ side }) => side.label === label)
      .map((one) => ({ one, at: specifiedAt(one, name) }))
      .find(({ at }) => at !== undefined);
    if (found?.at === undefined) return [];
    const { one, at } = found;
    const of = `${label}'s ${name}, recomputed as specified from ${[...one.site.inputs].join(" and ")},`;
    if (one.isRight) return [`${of} gives what ${label} recorded`];
    const { part } = one.site.place;
    return [`${of} ${describeDifference(at, one)}; ${countOf(part)} known mistakes do not give it either`];
  });
}

function describeDifference(
  { own, specified, cols, close }: NonNullable<ReturnType<typeof specifiedAt>>,
  { site, side }: Recomputed,
): string {
  const [rows, columns] = [new Set<number>(), new Set<number>()];
  let most = 0;
  for (let i = 0; i < own.length; i++) {
    const error = Math.abs(own[i] - specified[i]);
    most = Math.max(most, error);
    if (error <= close(i)) continue;
    rows.add(side.run.start + site.from + Math.floor(i / cols));
    columns.add(i % cols);
  }
  const all = own.length / cols;
  return `differs by up to ${formatError(most)} at ${some("token", rows, all)}, in ${some("column", columns, cols)}`;
}

/** "tokens 20 to 23", "column 7 of 64", "all 64 columns"; how many where they are many and apart. */
function some(what: string, which: ReadonlySet<number>, all: number): string {
  const sorted = [...which].sort((a, b) => a - b);
  const [first, last] = [sorted[0], sorted[sorted.length - 1]];
  if (which.size === 1) return `${what} ${first} of ${all}`;
  if (what === "column" && which.size === all) return `all ${all} columns`;
  if (last - first === which.size - 1) return `${what}s ${first} to ${last}`;
  return which.size > 6
    ? `${which.size} of ${all} ${what}s from ${first} on`
    : `${what}s ${sorted.join(", ")} of ${all}`;
}

function countOf(part: Part | undefined): number {
  return mistakes.filter(({ parts }) => part !== undefined && parts.includes(part)).length;
}
