// `npm run bench -- --peers`: its flags, and its table.
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { embeddedModel } from "../../index.ts";
import { formatBytes, threeDigits } from "../../quantities.ts";
import { kernelBuilds } from "../../wasm/kernels.ts";
import { nodeMachine } from "../../worker/node-machine.ts";
import { machineLine } from "../product/machine.ts";
import type { Spread } from "../product/statistics.ts";
import { markdownTable, rangeText } from "../product/table.ts";
import { peersFolder } from "./peer-packages.ts";
import { comparePeers, type PeerFigures, type PeersRequest, type PeersRun, SURROUNDINGS } from "./peers.ts";

const MODES = ["int8", "exact"] as const;

/**
 * Models, threads, modes and builds multiply out: each combination is compared by itself, one after the other.
 *
 * @returns whether any peer could be measured
 * @throws TypeError for an unknown flag, or a value that a flag does not take
 */
export async function runPeers(args: readonly string[], signal: AbortSignal): Promise<boolean> {
  const { requests, json } = await readRequests(args);
  for (const { path } of requests) await stat(path);
  const runs: PeersRun[] = [];
  for (const request of requests) {
    if (signal.aborted) break;
    const name = `${basename(request.path)}, ${settingsOf(request)}`;
    const onProgress = (text: string): void => void process.stderr.write(`${name}: ${text}\n`);
    runs.push(await comparePeers(request, { signal, onProgress }));
  }
  process.stdout.write(json ? `${JSON.stringify(runs, null, 2)}\n` : reportPeers(runs));
  return runs.some(({ comparisons }) => comparisons.length > 0);
}

/** @throws TypeError for an unknown flag, or a value that a flag does not take */
export async function readRequests(args: readonly string[]): Promise<{ requests: PeersRequest[]; json: boolean }> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      prefill: { type: "string", short: "p", default: "512" },
      decode: { type: "string", short: "n", default: "48" },
      threads: { type: "string", short: "t", default: String((await nodeMachine()).cores) },
      mode: { type: "string", default: "int8" },
      kernels: { type: "string" },
      rounds: { type: "string", short: "r", default: "3" },
      count: { type: "string", default: "1" },
      only: { type: "string", default: SURROUNDINGS.join() },
      folder: { type: "string", default: peersFolder() },
      json: { type: "boolean", default: false },
    },
  });
  const counts = (name: "prefill" | "decode" | "threads" | "rounds" | "count"): number[] =>
    values[name].split(",").map((text) => {
      const value = Number(text);
      if (Number.isInteger(value) && value >= 1) return value;
      throw new TypeError(`--${name}: expected an integer of at least 1, found ${text || "nothing"}.`);
    });
  const count = (name: "prefill" | "decode" | "rounds" | "count"): number => {
    const [value, another] = counts(name);
    if (another === undefined) return value;
    throw new TypeError(`--${name}: expected one number, found ${values[name]}.`);
  };
  const names = <T extends string>(flag: string, text: string, known: readonly T[]): T[] =>
    text.split(",").map((name) => {
      const found = known.find((one) => one === name);
      if (found !== undefined) return found;
      throw new TypeError(`--${flag}: expected ${known.join(" or ")}, found ${name || "nothing"}.`);
    });
  const builds = values.kernels === undefined ? [undefined] : names("kernels", values.kernels, kernelBuilds);
  const same = {
    prefill: count("prefill"),
    decode: count("decode"),
    sequences: count("count"),
    rounds: count("rounds"),
    surroundings: names("only", values.only, SURROUNDINGS),
    folder: values.folder,
  };
  const paths = positionals.length > 0 ? positionals : [fileURLToPath(embeddedModel)];
  const requests = paths.flatMap((path) =>
    counts("threads").flatMap((threads) =>
      names("mode", values.mode, MODES).flatMap((mode) =>
        builds.map((kernels) => ({ path, threads, mode, kernels, ...same })),
      ),
    ),
  );
  return { requests, json: values.json };
}

/** "2 threads, exact, baseline". */
function settingsOf({ threads, mode, kernels }: PeersRequest): string {
  return [threads === 1 ? "1 thread" : `${threads} threads`, mode, ...(kernels ? [kernels] : [])].join(", ");
}

/** @param runs  at least one; all have the same lengths and rounds */
export function reportPeers(runs: readonly PeersRun[]): string {
  const [{ machine, request }] = runs;
  const { prefill, decode, sequences, rounds } = request;
  const isTogether = runs.some((run) => run.comparisons.some(({ togetherRatio }) => togetherRatio !== undefined));
  const spread = (figure: Spread | undefined): string => (figure === undefined ? "" : rangeText(figure));
  const rows = runs.flatMap((run) =>
    run.comparisons.map(({ ours, theirs, prefillRatio, decodeRatio, togetherRatio }) => [
      basename(run.request.path),
      settingsOf(run.request),
      theirs.name,
      rangeText(ours.prefill),
      rangeText(theirs.prefill),
      rangeText(prefillRatio),
      rangeText(ours.decode),
      rangeText(theirs.decode),
      rangeText(decodeRatio),
      ...(isTogether ? [ours.together, theirs.together, togetherRatio].map(spread) : []),
      ...(isTogether ? [[ours, theirs].map(({ gaps }) => gapsText(gaps)).join(" / ")] : []),
      ours.peakBytes && theirs.peakBytes ? `${formatBytes(ours.peakBytes)} / ${formatBytes(theirs.peakBytes)}` : "",
    ]),
  );
  const counted = rounds === 1 ? "1 round" : `${rounds} rounds in turns: median (lowest–highest)`;
  const together = isTogether ? [`${sequences} at once:`, "theirs:", "ratio:", "between tokens p50–p95, ms:"] : [];
  const alone = [`prefill ${prefill}:`, "theirs:", "ratio:", `decode ${decode}:`, "theirs:", "ratio:"];
  const columns = [...alone, ...together, "memory:"];
  const notes = runs.flatMap((run) =>
    run.notes.map((note) => `Left out: ${basename(run.request.path)}, ${settingsOf(run.request)}: ${note}`),
  );
  return `${[
    `lfm2-wasm beside other engines, tok/s. ${machineLine(machine)}. ${counted}.`,
    "",
    ...(rows.length > 0 ? [markdownTable(["file", "ours", "beside", ...columns], rows)] : []),
    ...(notes.length > 0 ? ["", ...notes] : []),
  ].join("\n")}\n`;
}

function gapsText(gaps: PeerFigures["gaps"]): string {
  return gaps === undefined ? "" : `${threeDigits(gaps.p50)}–${threeDigits(gaps.p95)}`;
}
