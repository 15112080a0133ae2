// Runs as pictures: which rows belong to which plot, and what distinguishes one series from another.
import { formatInteger } from "../../quantities.ts";
import { drawChart, type Series } from "./chart.ts";
import type { Row, Run } from "./run.ts";
import type { Spread } from "./statistics.ts";

export interface Plot {
  /** "decode-by-depth.svg" */
  readonly file: string;
  readonly svg: string;
}

/** A row, and the run it comes from. */
interface Found {
  readonly row: Row;
  readonly run: Run;
}

type X = number | string;

interface PlotKind {
  readonly file: string;
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly kind: Row["kind"];
  readonly x: (found: Found) => X;
  /** The part of a series' key that the x axis replaces. By format, files of one model are compared. */
  readonly instead: readonly (keyof Key)[];
  readonly y?: (row: Row) => Spread;
  /** All depths where they are the x axis, otherwise only the least. The same goes for the longest test. */
  readonly deep?: true;
}

/** What distinguishes one series from another. */
interface Key {
  readonly model: string;
  readonly format: string;
  readonly mode: string;
  readonly kernels: string;
  readonly threads: string;
  readonly kvType: string;
  readonly tokens: string;
  readonly depth: string;
  readonly right: string;
}

const DEPTH = "positions in the context before the test";
const memory = ({ peakBytes }: Row): Spread => {
  const gigabytes = peakBytes / 1e9;
  return { median: gigabytes, min: gigabytes, max: gigabytes, rounds: [gigabytes] };
};

const kinds: readonly PlotKind[] = [
  ...(["decode", "prefill"] as const).flatMap((kind): PlotKind[] => {
    const speed = { kind, yLabel: "tokens per second" };
    const Kind = kind === "decode" ? "Decode" : "Prefill";
    return [
      {
        ...speed,
        file: `${kind}-by-depth.svg`,
        title: `${Kind} by context depth`,
        xLabel: DEPTH,
        x: depthOf,
        instead: ["depth"],
        deep: true,
      },
      {
        ...speed,
        file: `${kind}-by-threads.svg`,
        title: `${Kind} by threads`,
        xLabel: "threads",
        x: ({ row }) => row.threads,
        instead: ["threads"],
      },
      {
        ...speed,
        file: `${kind}-by-format.svg`,
        title: `${Kind} by format of the weights`,
        xLabel: "",
        x: ({ run }) => formatOf(run),
        instead: ["model", "format"],
      },
    ];
  }),
  {
    file: "prefill-by-batch.svg",
    kind: "prefill",
    title: "Prefill by tokens read at once",
    yLabel: "tokens per second",
    xLabel: "tokens",
    x: ({ row }) => row.tokens,
    instead: ["tokens"],
  },
  {
    file: "decode-by-acceptance.svg",
    kind: "decode",
    title: "Decode by ids that are right before they are known",
    yLabel: "times decoding one by one",
    xLabel: "probability that an id that is run ahead is right; 1: a format leaves no other",
    x: ({ row }) => (row.right === "forced" ? 1 : (row.right as number)),
    instead: ["right"],
    y: ({ ofPlain }) => ofPlain as Spread,
  },
  {
    file: "memory-by-context.svg",
    kind: "decode",
    title: "Memory by context",
    yLabel: "GB of physical memory at most",
    xLabel: DEPTH,
    x: depthOf,
    instead: ["depth"],
    y: memory,
    deep: true,
  },
];

/** The plots that these runs have figures for: at least two places on the x axis. */
export function plotRuns(runs: readonly Run[]): Plot[] {
  return kinds.flatMap((kind) => {
    const svg = plot(kind, runs);
    return svg === undefined ? [] : [{ file: kind.file, svg }];
  });
}

function plot({ kind, x, y = speedOf, deep, instead, ...words }: PlotKind, runs: readonly Run[]): string | undefined {
  const all = runs
    .flatMap((run) => run.rows.map((row): Found => ({ row, run })))
    .filter(({ row }) => row.kind === kind && (row.right !== undefined) === instead.includes("right"));
  const least = Math.min(...all.map(({ row }) => row.depth));
  const longest = Math.max(...all.map(({ row }) => row.tokens));
  const found = all.filter(
    ({ row }) => (deep || row.depth === least) && (instead.includes("tokens") || row.tokens === longest),
  );
  const xs = [...new Set(found.map(x))];
  if (xs.length < 2) return undefined;
  if (xs.every((value) => typeof value === "number")) xs.sort((a, b) => a - b);

  const keys = found.map((one) => ({ ...keyOf(one), ...Object.fromEntries(instead.map((name) => [name, ""])) }));
  const names = Object.keys(keys[0]) as (keyof Key)[];
  const differing = names.filter((name) => new Set(keys.map((key) => key[name])).size > 1);
  const labelOf = (key: Key): string => differing.map((name) => key[name]).join(", ");
  const labels = [...new Set(keys.map(labelOf))];
  const series = labels.map(
    (label): Series => ({
      label,
      figures: xs.map((place) => {
        const at = found.findIndex((one, i) => x(one) === place && labelOf(keys[i]) === label);
        if (at < 0) return undefined;
        const { median, min, max } = y(found[at].row);
        return { y: median, low: min, high: max };
      }),
    }),
  );
  const same = names.filter((name) => !differing.includes(name)).map((name) => keys[0][name]);
  const subtitle = [...same.filter(Boolean), found[0].run.machine.cpu].join(" · ");
  return drawChart({ ...words, subtitle, xs: xs as number[] | string[], series });
}

function depthOf({ row }: Found): number {
  return row.depth;
}

function speedOf({ tokensPerSecond }: Row): Spread {
  return tokensPerSecond;
}

function formatOf({ model }: Run): string {
  return model.formats[0];
}

function keyOf({ row, run }: Found): Key {
  return {
    model: run.model.name,
    format: formatOf(run),
    mode: row.mode,
    kernels: row.kernels,
    threads: `${row.threads} ${row.threads === 1 ? "thread" : "threads"}`,
    kvType: `KV ${row.kvType}`,
    tokens: `${row.kind} ${row.tokens}`,
    right: row.right === undefined ? "" : `right ${row.right}`,
    depth: row.depth === 0 ? "" : `at ${formatInteger(row.depth)}`,
  };
}

/** @throws Error when the text is not what `lfm2 bench` writes */
export function readRun(text: string, path: string): Run {
  const found = parsed(text);
  if (found?.kind === "lfm2 bench" && Array.isArray(found.rows) && found.model !== undefined) return found as Run;
  throw new Error(`${path}: expected a file that \`lfm2 bench -o\` wrote, found something else. Run it again.`);
}

function parsed(text: string): Partial<Run> | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
