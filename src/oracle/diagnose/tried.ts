// What was computed again where no cause was found: which side gives what is specified, and where the other does not.
import { formatError, shortest } from "../../quantities.ts";
import type { Part } from "../mistakes/mistake.ts";
import { mistakes } from "../mistakes/mistakes.ts";
import type { Recomputed } from "./left-over.ts";
import { specifiedAt } from "./recompute.ts";
import type { Off, Rest } from "./rest.ts";

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
    const tried =
      one.side.work.leftOut.length > 0 ? "the known mistakes that were tried" : `${countOf(part)} known mistakes`;
    return [`${of} ${describeDifference(at, one)}; ${tried} do not give it either`];
  });
}

/** Modules that are listed. */
const LISTED = 3;

/** What is wrong beside a cause. */
export function unexplainedLines(modules: readonly Off[]): string[] {
  const paths = modules.map(({ path }) => path);
  if (paths.length <= LISTED) return paths.map((path) => `${path} is not what is specified either, of no known cause`);
  const further = `${paths.slice(0, LISTED - 1).join(", ")} and ${paths.length - LISTED + 1} modules after these`;
  return [`${further} are not what is specified either, of no known cause`];
}

const PLURALS: Readonly<Record<Part, string>> = {
  embedding: "embedding",
  norm: "norms",
  "short convolution": "short convolutions",
  attention: "attentions",
  router: "routers",
  "feed-forward": "feed-forwards",
  residual: "sums",
  "final norm": "final norm",
  head: "head",
};
const WITHOUT_MATRICES: readonly Part[] = ["norm", "residual", "final norm"];
/** Of their numbers: what is off by less is as it may be where weights are. */
const SMALL = 0.05;

/** How far what no cause is known of goes through the graph; undefined where too little was computed. */
export function spreadLine({ unexplained, right, unknown, isCutShort }: Rest, label: string): string | undefined {
  if (unexplained.length === 0 || right.length === 0 || unknown.length > 0 || isCutShort) return undefined;
  const given = `computed from what ${label} itself recorded`;
  if (unexplained.length === 1) return `${given}, every later module gives what is specified`;
  const parts = Object.keys(PLURALS) as Part[];
  const off = (part: Part) => unexplained.filter((one) => one.part === part).length;
  const whole = (part: Part) => off(part) + right.filter((one) => one === part).length;
  const wrong = parts.filter((part) => off(part) > 0);
  const agree = parts.filter((part) => off(part) === 0 && whole(part) > 0);
  const sizes = unexplained.map(({ size }) => size);
  const range = [...new Set([Math.min(...sizes), Math.max(...sizes)].map((size) => shortest(100 * size, 2)))].join(
    " to ",
  );
  const isOfWeights =
    Math.max(...sizes) <= SMALL &&
    wrong.every((part) => !WITHOUT_MATRICES.includes(part)) &&
    agree.some((part) => WITHOUT_MATRICES.includes(part));
  return (
    `${given}, ${wrong.map((part) => `${off(part)} of ${whole(part)} ${PLURALS[part]}`).join(", ")} do not give what is ` +
    `specified, by ${range} % of their numbers` +
    (agree.length > 0 ? `; ${agree.map((part) => PLURALS[part]).join(", ")} do` : "") +
    (isOfWeights ? ". Matrices that are all a little off would do this" : "")
  );
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
