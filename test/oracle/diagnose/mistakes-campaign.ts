// Every recorded mistake, compared as a stranger would: first points, clearings, names. What the table says is for people.
//
//   python golden/make/mistakes.py FOLDER --campaign
//   node --import ./assembly/read-typescript.js test/oracle/diagnose/mistakes-campaign.ts FOLDER [--list] [mistake …]
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openCheckpoint } from "../../../src/formats/open-checkpoint.ts";
import { compareRuns } from "../../../src/oracle/compare/compare.ts";
import { diagnose } from "../../../src/oracle/diagnose/diagnose.ts";
import { modelWeights } from "../../../src/oracle/diagnose/model-weights.ts";
import { lineUp } from "../../../src/oracle/recorded/line-up.ts";
import { openArrays } from "../../../src/oracle/recorded/open-arrays.ts";
import { diskFolder, openFile } from "../../../src/sources/disk.ts";
import { golden, load } from "../../model/run.ts";
import { recordRun } from "../memory-run.ts";
import { causesOf } from "./mistake-causes.ts";

/** As golden/make/mistakes.py --campaign writes it. */
interface Pair {
  readonly file: string;
  readonly model: string;
  readonly mistake: string;
  readonly ids: readonly number[];
  readonly first: string;
  readonly isRounding: boolean;
}

type Outcome = "right" | "wrong" | "cleared" | "no name" | "silent";

interface Found {
  readonly pair: Pair;
  readonly first: string | undefined;
  readonly isEqual: boolean;
  readonly withWeights: readonly [outcome: Outcome, cause: string | undefined];
  readonly without: readonly [outcome: Outcome, cause: string | undefined];
}

const [folder, ...rest] = process.argv.slice(2);
const wanted = rest.filter((argument) => !argument.startsWith("--"));
const pairs: Pair[] = JSON.parse(readFileSync(join(folder, "mistakes.json"), "utf8"));

async function prepare({ model: name, ids }: Pair) {
  const path = name === "nano" ? golden("nano/hf") : join(folder, name);
  const checkpoint = await openCheckpoint(diskFolder(path), undefined);
  const { model, sequences } = await load(checkpoint, { backend: "reference" });
  const about = { config: checkpoint.config, backend: "reference", mode: "exact", kvType: "f32" };
  const run = recordRun(model, sequences[0], Int32Array.from(ids), { about });
  return { run, weights: modelWeights(await openCheckpoint(diskFolder(path), undefined)) };
}

const grounds = new Map<string, ReturnType<typeof prepare>>();

async function examine(pair: Pair): Promise<Found> {
  const ground = grounds.get(pair.model) ?? prepare(pair);
  grounds.set(pair.model, ground);
  const { run: a, weights } = await ground;
  const b = await openArrays(await openFile(join(folder, pair.file)));
  const lined = await lineUp(a, b);
  const outcome = async (given: typeof weights | undefined): Promise<Found["withWeights"]> => {
    const bias = given && (async (path: string) => given.numbers(`${path}.expert_bias`));
    const { guess, hints } = await diagnose(await compareRuns(...lined, { bias }), given);
    const { cause, kind } = guess ?? {};
    if (cause !== undefined && causesOf[pair.mistake]?.includes(cause)) return ["right", cause];
    if (kind === "precision") return ["cleared", cause];
    if (kind === "bug") return ["wrong", cause];
    return [hints.length > 0 ? "no name" : "silent", undefined];
  };
  const comparison = await compareRuns(a, b); // as recorded: lined up, a missing token no longer shows
  const found = { pair, first: comparison.first?.name, isEqual: comparison.equal };
  const results = { ...found, withWeights: await outcome(weights), without: await outcome(undefined) };
  await b.close();
  return results;
}

const founds: Found[] = [];
for (const pair of pairs) {
  if (wanted.length > 0 && !wanted.includes(pair.mistake) && !wanted.includes(pair.model)) continue;
  const found = await examine(pair);
  founds.push(found);
  if (!rest.includes("--list")) continue;
  const first = found.first === pair.first ? "first right" : `first ${found.first}, not ${pair.first}`;
  const words = ([outcome, cause = "-"]: Found["without"]): string => `${outcome} (${cause})`;
  console.log(`${pair.file}: ${first}; with -m ${words(found.withWeights)}; without ${words(found.without)}`);
}

function row(title: string, some: readonly Found[]): string {
  const count = (is: (found: Found) => boolean): string => String(some.filter(is).length).padStart(7);
  const share = (key: "withWeights" | "without", outcome: Outcome): string =>
    count((found) => found[key][0] === outcome);
  const columns = [
    count(() => true),
    count(({ first, pair }) => first === pair.first),
    count(({ isEqual }) => isEqual),
    ...(["withWeights", "without"] as const).flatMap((key) =>
      (["right", "wrong", "cleared", "no name", "silent"] as const).map((outcome) => share(key, outcome)),
    ),
  ];
  return `${title.padEnd(12)}${columns.join("")}`;
}

const heads = ["pairs", "first", "equal", ...["-m", ""].flatMap(() => ["right", "wrong", "cleared", "none", "silent"])];
console.log(`${"".padEnd(12)}${heads.map((head) => head.padStart(7)).join("")}     (with -m, then without)`);
const bugs = founds.filter(({ pair }) => !pair.isRounding);
for (const model of new Set(bugs.map(({ pair }) => pair.model))) {
  console.log(
    row(
      model,
      bugs.filter(({ pair }) => pair.model === model),
    ),
  );
}
console.log(row("mistakes", bugs));
console.log(
  row(
    "rounding",
    founds.filter(({ pair }) => pair.isRounding),
  ),
);
console.log(`${new Set(bugs.map(({ pair }) => pair.mistake)).size} kinds of mistakes`);
