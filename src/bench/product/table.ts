// Figures in markdown: tables that can be pasted into a README, and read in a terminal as they are.

import { formatBytes, formatInteger, threeDigits } from "../../quantities.ts";
import type { Row, Run } from "./run.ts";
import { computingIn, nameOf } from "./settings.ts";
import type { Range } from "./statistics.ts";

/** A table, its columns padded. A column whose heading ends in ":" is aligned to the right. */
export function markdownTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const right = headings.map((heading) => heading.endsWith(":"));
  const names = headings.map((heading) => heading.replace(/:$/, ""));
  const widths = names.map((name, i) => Math.max(3, name.length, ...rows.map((row) => row[i].length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => (right[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join(" | ")} |`;
  const rule = `| ${widths.map((width, i) => (right[i] ? `${"-".repeat(width - 1)}:` : "-".repeat(width))).join(" | ")} |`;
  return [line(names), rule, ...rows.map(line)].join("\n");
}

/** What a report tells of a run. */
export type ReportedRun = Pick<Run, "model" | "rounds" | "complete" | "readLimits" | "rows" | "notes">;

/** "105 (98.1–107)"; the median alone where nothing lies around it. */
export function rangeText({ median, min, max }: Range, format: (value: number) => string = threeDigits): string {
  return min === max ? format(median) : `${format(median)} (${format(min)}–${format(max)})`;
}

/** @param machine  that it ran on, for people */
export function reportRun(run: ReportedRun, machine: string): string {
  const { model, rounds, complete, readLimits, notes } = run;
  const count = `${rounds} ${rounds === 1 ? "round" : "rounds, which alternate between settings: median (lowest–highest)"}`;
  const hasGuesses = run.rows.some(({ ofPlain }) => ofPlain !== undefined);
  const rows = run.rows.map((row) => [
    row.mode,
    row.kernels,
    threadsIn(row),
    row.kvType,
    nameOf(row),
    rangeText(row.tokensPerSecond),
    ...(hasGuesses ? [row.ofPlain === undefined ? "" : rangeText(row.ofPlain)] : []),
    row.ofReadLimit === undefined ? "" : rangeText(row.ofReadLimit, (share) => threeDigits(100 * share)),
    formatBytes(row.peakBytes),
  ]);
  const table = markdownTable(
    [
      ...["mode", "kernels", "threads:", "KV", "test", "tok/s:"],
      ...(hasGuesses ? ["times plain:"] : []),
      ...["% of read limit:", "memory:"],
    ],
    rows,
  );
  return `${[
    `${model.name}, ${model.formats.slice(0, 2).join(" and ")}, ${formatBytes(model.fileBytes)}. ${machine}. ${count}.`,
    "",
    table,
    "",
    ...(readLimits.length > 0 ? [limitLine(run), trafficLine(run)] : []),
    ...notes,
    ...(complete ? [] : ["Stopped before its end: these are the figures until then."]),
  ].join("\n")}\n`;
}

/** "2"; "1 of 2" where one of them rests. */
function threadsIn(row: Row): string {
  const computing = computingIn(row, row);
  return computing === row.threads ? `${row.threads}` : `${computing} of ${row.threads}`;
}

function limitLine({ readLimits }: ReportedRun): string {
  const each = readLimits.map(({ threads, bytesPerSecond }) => {
    const speed = rangeText(bytesPerSecond, (value) => threeDigits(value / 1e9));
    return `${speed} GB/s on ${threads} ${threads === 1 ? "thread" : "threads"}`;
  });
  return `Read limit, measured beside every decode: ${each.join(", ")} (128-bit loads in WebAssembly).`;
}

function trafficLine({ model, rows }: ReportedRun): string {
  const { total, experts, head } = model.bytesPerToken;
  const deepest = rows.reduce<Row | undefined>(
    (most, row) => ((row.bytesPerToken ?? 0) > (most?.bytesPerToken ?? 0) ? row : most),
    undefined,
  );
  const parts =
    experts === 0 ? "" : `, ${formatBytes(experts)} of them chosen experts and ${formatBytes(head)} the head`;
  const behind =
    deepest?.bytesPerToken === undefined || deepest.depth === 0
      ? ""
      : `; with keys and values, ${formatBytes(deepest.bytesPerToken)} at ${formatInteger(deepest.depth)} (${deepest.kvType})`;
  return `A token reads ${formatBytes(total)} of weights${parts}${behind}.`;
}
