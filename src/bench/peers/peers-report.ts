// `npm run bench -- --peers`: its flags, and its table.
import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { embeddedModel } from "../../index.ts";
import { formatBytes, threeDigits } from "../../quantities.ts";
import { nodeMachine } from "../../worker/node-machine.ts";
import { machineLine } from "../product/machine.ts";
import type { Spread } from "../product/statistics.ts";
import { markdownTable, rangeText } from "../product/table.ts";
import { peersFolder } from "./peer-packages.ts";
import { comparePeers, type PeerFigures, type PeersRun, SURROUNDINGS } from "./peers.ts";

/**
 * @returns whether any peer could be measured
 * @throws TypeError for an unknown flag, or a value that a flag does not take
 */
export async function runPeers(args: readonly string[], signal: AbortSignal): Promise<boolean> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      prefill: { type: "string", short: "p", default: "512" },
      decode: { type: "string", short: "n", default: "48" },
      threads: { type: "string", short: "t", default: String((await nodeMachine()).cores) },
      rounds: { type: "string", short: "r", default: "3" },
      count: { type: "string", default: "1" },
      only: { type: "string" },
      folder: { type: "string", default: peersFolder() },
      json: { type: "boolean", default: false },
    },
  });
  const count = (name: "prefill" | "decode" | "threads" | "rounds" | "count"): number => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value >= 1) return value;
    throw new TypeError(`--${name}: expected an integer of at least 1, found ${values[name]}.`);
  };
  const surroundings = SURROUNDINGS.filter((one) => values.only === undefined || values.only === one);
  if (surroundings.length === 0)
    throw new TypeError(`--only: expected ${SURROUNDINGS.join(" or ")}, found ${values.only}.`);
  const path = positionals[0] ?? fileURLToPath(embeddedModel);
  const request = {
    path,
    threads: count("threads"),
    prefill: count("prefill"),
    decode: count("decode"),
    sequences: count("count"),
    rounds: count("rounds"),
    surroundings,
    folder: values.folder,
  };
  await stat(path);
  const run = await comparePeers(request, { signal, onProgress: (text) => process.stderr.write(`${text}\n`) });
  process.stdout.write(values.json ? `${JSON.stringify(run, null, 2)}\n` : reportPeers(run));
  return run.comparisons.length > 0;
}

export function reportPeers({ machine, request, comparisons, notes }: PeersRun): string {
  const { path, threads, prefill, decode, sequences, rounds } = request;
  const isTogether = comparisons.some(({ togetherRatio }) => togetherRatio !== undefined);
  const spread = (figure: Spread | undefined): string => (figure === undefined ? "" : rangeText(figure));
  const row = (figures: PeerFigures): string[] => [
    figures.name,
    rangeText(figures.prefill),
    rangeText(figures.decode),
    ...(isTogether ? [spread(figures.together), gapsText(figures.gaps)] : []),
    figures.peakBytes === undefined ? "" : formatBytes(figures.peakBytes),
  ];
  const rows = comparisons.flatMap(({ ours, theirs, prefillRatio, decodeRatio, togetherRatio }) => {
    const memory = ours.peakBytes && theirs.peakBytes ? threeDigits(ours.peakBytes / theirs.peakBytes) : "";
    const together = isTogether ? [spread(togetherRatio), ""] : [];
    const ratios = ["ours / theirs", rangeText(prefillRatio), rangeText(decodeRatio), ...together, memory];
    return [row(ours), row(theirs), ratios];
  });
  const counted = rounds === 1 ? "1 round" : `${rounds} rounds in turns: median (lowest–highest)`;
  const settings = `${threads} ${threads === 1 ? "thread" : "threads"}, ${counted}`;
  const columns = isTogether ? [`${sequences} at once, tok/s:`, "between tokens p50, p95, ms:"] : [];
  const headings = ["engine", `prefill ${prefill}, tok/s:`, `decode ${decode}, tok/s:`, ...columns, "memory:"];
  return `${[
    `${path}. ${machineLine(machine)}. ${settings}.`,
    "",
    ...(rows.length > 0 ? [markdownTable(headings, rows)] : []),
    ...(notes.length > 0 ? ["", ...notes.map((note) => `Left out: ${note}`)] : []),
  ].join("\n")}\n`;
}

function gapsText(gaps: PeerFigures["gaps"]): string {
  return gaps === undefined ? "" : `${threeDigits(gaps.p50)}, ${threeDigits(gaps.p95)}`;
}
