// A file of quality figures, as JSON Lines: what was evaluated, then a line for every window; and several such files as one.
import { isObject, type JsonObject, jsonLimits, parseJsonObject } from "../../formats/json.ts";
import { refuse, show } from "../../formats/refusal.ts";
import { EvaluationError, MIN_WINDOW, type Shard, scoredPositions, WHOLE, windowsOf } from "./eval-plan.ts";
import type { WindowScores } from "./evaluate.ts";

/** A model and how it was computed. Threads and builds of the kernels change no bit, so they do not count. */
export interface EvaluatedRun {
  readonly name: string;
  readonly sha256: string;
  /** What was hashed (see hashModel). */
  readonly sha256Of: string;
  readonly backend: string;
  readonly mode: string;
  readonly kvType: string;
  readonly quantize?: string;
}

export interface EvalHeader {
  readonly format: "lfm2-eval";
  readonly version: 1;
  readonly model: EvaluatedRun;
  readonly base?: EvaluatedRun;
  readonly text: { readonly name: string; readonly sha256: string; readonly tokens: number };
  /** Tokens of a window. */
  readonly window: number;
  /** Windows of all shards together. */
  readonly windows: number;
  readonly shard: Shard;
}

export interface EvalFile {
  readonly header: EvalHeader;
  readonly scores: readonly WindowScores[];
}

const MAX_WINDOW = 1 << 20;
/** A window has more than 25 bytes in a file of at most 100 MB. */
const MAX_WINDOWS = 1 << 22;
const REMEDY = "Name a file that lfm2 eval -o wrote.";

/** The header, or a window, as a line of a file. */
export function evalLine(entry: EvalHeader | WindowScores): string {
  return `${JSON.stringify(entry)}\n`;
}

/**
 * @param text  whole lines
 * @throws FormatError when `text` is not such a file, or says what it cannot mean
 */
export function parseEvalFile(text: string, subject: string): EvalFile {
  const [first, ...lines] = text.replace(/\n$/, "").split("\n");
  const header = headerOf(parseJsonObject(first, `${subject}, line 1`, jsonLimits.directory), subject);
  const { index, count } = header.shard;
  const seen = new Set<number>();
  const scores = lines.map((line, i) => {
    const place = `${subject}, line ${i + 2}`;
    const found = scoresOf(parseJsonObject(line, place, jsonLimits.directory), header, place);
    const isOwn = found.window % count === index - 1 && !seen.has(found.window);
    seen.add(found.window);
    if (isOwn) return found;
    return refuse(`${place}, window`, "one of the shard's, once", `${found.window}`, REMEDY);
  });
  return { header, scores };
}

function headerOf(json: JsonObject, subject: string): EvalHeader {
  const { format, version, model, base, window, windows, shard, text } = json;
  if (format !== "lfm2-eval" || version !== 1) {
    refuse(subject, 'format "lfm2-eval" version 1', `${show(format)} version ${show(version)}`, REMEDY);
  }
  const about = isObject(text) ? text : {};
  const { index, count } = isObject(shard) ? shard : {};
  const header: EvalHeader = {
    format,
    version,
    model: runOf(model, `${subject}, model`),
    ...(base === undefined ? {} : { base: runOf(base, `${subject}, base`) }),
    text: {
      name: word(about.name, `${subject}, text.name`),
      sha256: word(about.sha256, `${subject}, text.sha256`),
      tokens: integer(about.tokens, 1, Number.MAX_SAFE_INTEGER, `${subject}, text.tokens`),
    },
    window: integer(window, MIN_WINDOW, MAX_WINDOW, `${subject}, window`),
    windows: integer(windows, 1, MAX_WINDOWS, `${subject}, windows`),
    shard: {
      index: integer(index, 1, MAX_WINDOWS, `${subject}, shard.index`),
      count: integer(count, 1, MAX_WINDOWS, `${subject}, shard.count`),
    },
  };
  if (header.shard.index > header.shard.count) refuse(`${subject}, shard`, "index ≤ count", show(shard), REMEDY);
  return header;
}

function runOf(value: unknown, subject: string): EvaluatedRun {
  const run = isObject(value) ? value : {};
  const own = (key: string): string => word(run[key], `${subject}.${key}`);
  return {
    name: own("name"),
    sha256: own("sha256"),
    sha256Of: own("sha256Of"),
    backend: own("backend"),
    mode: own("mode"),
    kvType: own("kvType"),
    ...(run.quantize === undefined ? {} : { quantize: own("quantize") }),
  };
}

function scoresOf({ window, nll, base }: JsonObject, header: EvalHeader, subject: string): WindowScores {
  const length = scoredPositions(header.window);
  const numbers = (value: unknown, key: string, least = Number.NEGATIVE_INFINITY): number[] => {
    const isList = Array.isArray(value) && value.length === length;
    if (isList && value.every((one) => Number.isFinite(one) && one >= least)) return value;
    const what = `a list of ${length} numbers${least === 0 ? " from 0" : ""}`;
    return refuse(`${subject}, ${key}`, what, show(value), REMEDY);
  };
  const index = integer(window, 0, header.windows - 1, `${subject}, window`);
  if ((base === undefined) !== (header.base === undefined)) {
    refuse(`${subject}, base`, "figures against a base in all lines or none", show(base), REMEDY);
  }
  if (!isObject(base)) return { window: index, nll: numbers(nll, "nll", 0) };
  const sameTop = numbers(base.sameTop, "base.sameTop");
  if (!sameTop.every((one) => one === 0 || one === 1)) refuse(subject, "0 or 1 in base.sameTop", "others", REMEDY);
  const kl = numbers(base.kl, "base.kl", 0);
  return { window: index, nll: numbers(nll, "nll", 0), base: { nll: numbers(base.nll, "base.nll", 0), kl, sameTop } };
}

function word(value: unknown, subject: string): string {
  if (typeof value === "string" && value !== "" && value.length <= 1000) return value;
  return refuse(subject, "a text", show(value), REMEDY);
}

function integer(value: unknown, least: number, most: number, subject: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
  return refuse(subject, `an integer from ${least} to ${most}`, show(value), REMEDY);
}

/** In words, what keeps two files from being parts of one evaluation: `window 256 instead of 512`. Names do not count. */
export function differences(found: EvalHeader, expected: EvalHeader): string[] {
  const [a, b] = [new Map(facts(found)), new Map(facts(expected))];
  return [...new Set([...b.keys(), ...a.keys()])]
    .filter((key) => a.get(key) !== b.get(key))
    .map((key) => `${key} ${a.get(key) ?? "none"} instead of ${b.get(key) ?? "none"}`);
}

function facts({ model, base, text, window, windows }: EvalHeader): [string, string][] {
  const ofRun = (label: string, run: EvaluatedRun | undefined): [string, string][] =>
    Object.entries(run ?? {})
      .filter(([key]) => key !== "name")
      .map(([key, value]) => [`${label}.${key}`, String(value)]);
  return [
    ...ofRun("model", model),
    ...ofRun("base", base),
    ["text.sha256", text.sha256],
    ["text.tokens", String(text.tokens)],
    ["window", String(window)],
    ["windows", String(windows)],
  ];
}

export function shardName({ index, count }: Shard): string {
  return `${index}/${count}`;
}

/**
 * Several files of one evaluation as one; what they hold together, in the order of the text.
 * @throws EvaluationError naming the file and what differs, or a window that two files hold
 */
export function mergeEvalFiles(files: readonly { readonly name: string; readonly file: EvalFile }[]): {
  readonly header: EvalHeader;
  readonly scores: readonly WindowScores[];
} {
  const [first, ...rest] = files;
  for (const { name, file } of rest) {
    const found = differences(file.header, first.file.header);
    if (found.length === 0) continue;
    const advice = "Merge files of one evaluation.";
    throw new EvaluationError({
      subject: name,
      expected: `results like those of ${first.name}`,
      found: found.join(", "),
      remedy: advice,
    });
  }
  const holders = new Map<number, string>();
  for (const { name, file } of files) {
    for (const { window } of file.scores) {
      const holder = holders.get(window);
      if (holder !== undefined) {
        const advice = "Leave one of the two out.";
        throw new EvaluationError({
          subject: name,
          expected: "windows that no other file has",
          found: `window ${window}, which ${holder} has, too`,
          remedy: advice,
        });
      }
      holders.set(window, name);
    }
  }
  const scores = files.flatMap(({ file }) => file.scores).sort((a, b) => a.window - b.window);
  return { header: { ...first.file.header, shard: WHOLE }, scores };
}

/** The shard's windows that `scores` lacks, ascending. */
export function missingWindows({ windows, shard }: EvalHeader, scores: readonly WindowScores[]): number[] {
  const known = new Set(scores.map(({ window }) => window));
  return windowsOf(windows, shard).filter((window) => !known.has(window));
}
