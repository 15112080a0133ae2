// Pairs of runs without a mistake as clean_pairs.py lists them, and whether the verdict on one tells the truth.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const golden = new URL("../../golden/", import.meta.url).pathname;

export interface CleanPair {
  readonly model: string;
  /** How it was recorded. */
  readonly way: string;
  /** What follows `lfm2 compare`. */
  readonly arguments: readonly string[];
  readonly verdicts: readonly string[];
  /** Of a difference that there is: other ids. */
  readonly causes?: readonly string[];
  /** What must be said of how it was recorded: a pattern. */
  readonly says?: string;
}

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
}

export interface Judged {
  readonly isTrue: boolean;
  /** What was said. */
  readonly says: string;
}

/** @param run  the command with these arguments, to its end */
export async function judged(pair: CleanPair, run: (args: readonly string[]) => Promise<Ran>): Promise<Judged> {
  const { stdout, stderr } = await run(["compare", ...pair.arguments, "--json"]);
  if (stdout === "") return { isTrue: false, says: stderr.trim().split("\n").at(-1) ?? "nothing" };
  const { verdict, cause, hints, first, b, tolerance } = JSON.parse(stdout);
  const isCause = pair.causes === undefined || pair.causes.includes(cause?.cause);
  const said = [tolerance.reason, ...b.notes].join("; ");
  const isSaid = pair.says === undefined || new RegExp(pair.says).test(said);
  const why = cause?.cause ?? hints[0];
  return {
    isTrue: pair.verdicts.includes(verdict) && isCause && isSaid,
    says: [verdict, why, first && `first at ${first}`, said].filter(Boolean).join("; "),
  };
}

/** As golden/make/clean_pairs.py lists it. */
interface Recorded extends CleanPair {
  readonly folder: string;
  readonly isGolden: boolean;
  readonly file: string;
}

export interface RecordedPair extends CleanPair {
  /** The checkpoint. */
  readonly folder: string;
}

export function recordedPairs(folder: string): RecordedPair[] {
  const listed: Recorded[] = JSON.parse(readFileSync(join(folder, "clean.json"), "utf8"));
  return listed.map((pair) => {
    const model = join(pair.isGolden ? golden : folder, pair.folder);
    return { ...pair, folder: model, arguments: ["-m", model, join(folder, pair.file), ...pair.arguments] };
  });
}
