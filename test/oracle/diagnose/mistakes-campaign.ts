// Every recorded mistake, compared as a stranger would: first points, clearings, names. What the table says is for people.
//
//   python golden/make/mistakes.py FOLDER --campaign
//   node --import ./assembly/read-typescript.js test/oracle/diagnose/mistakes-campaign.ts FOLDER [--list] [mistake …]
import { type Outcome, openRecordings, type Pair, type Verdict } from "./hooked-mistakes.ts";

interface Found {
  readonly pair: Pair;
  readonly first: string | undefined;
  readonly isEqual: boolean;
  readonly withWeights: Verdict;
  readonly without: Verdict;
}

const [folder, ...rest] = process.argv.slice(2);
const wanted = rest.filter((argument) => !argument.startsWith("--"));
const recordings = openRecordings(folder);
const founds: Found[] = [];
for (const pair of recordings.pairs) {
  if (wanted.length > 0 && !wanted.includes(pair.mistake) && !wanted.includes(pair.model)) continue;
  const opened = await recordings.open(pair);
  const { first, isEqual } = opened;
  const found = { pair, first, isEqual, withWeights: await opened.verdict(true), without: await opened.verdict(false) };
  await opened.close();
  founds.push(found);
  if (!rest.includes("--list")) continue;
  const place = (first ?? null) === pair.first ? "first right" : `first ${first}, not ${pair.first}`;
  const words = ([outcome, cause = "-"]: Verdict): string => `${outcome} (${cause})`;
  console.log(`${pair.file}: ${place}; with -m ${words(found.withWeights)}; without ${words(found.without)}`);
}
await recordings.close();

function row(title: string, some: readonly Found[]): string {
  const count = (is: (found: Found) => boolean): string => String(some.filter(is).length).padStart(7);
  const share = (key: "withWeights" | "without", outcome: Outcome): string =>
    count((found) => found[key][0] === outcome);
  const columns = [
    count(() => true),
    count(({ first, pair }) => (first ?? null) === pair.first),
    count(({ isEqual }) => isEqual),
    ...(["withWeights", "without"] as const).flatMap((key) =>
      (["right", "some", "wrong", "cleared", "no name", "silent"] as const).map((outcome) => share(key, outcome)),
    ),
  ];
  return `${title.padEnd(12)}${columns.join("")}`;
}

const heads = [
  "pairs",
  "first",
  "equal",
  ...["-m", ""].flatMap(() => ["right", "some", "wrong", "cleared", "none", "silent"]),
];
console.log(`${"".padEnd(12)}${heads.map((head) => head.padStart(7)).join("")}     (with -m, then without)`);
const isPlain = ({ isRounding, isClean, precision, mistake }: Pair) =>
  !isRounding && !isClean && precision === undefined && !mistake.includes("+");
const bugs = founds.filter(({ pair }) => isPlain(pair));
const where = (title: string, is: (pair: Pair) => boolean | undefined): void => {
  const some = founds.filter(({ pair }) => is(pair));
  if (some.length > 0) console.log(row(title, some));
};
for (const model of new Set(bugs.map(({ pair }) => pair.model))) {
  where(model, (pair) => isPlain(pair) && pair.model === model);
}
where("mistakes", isPlain);
where("several", ({ mistake }) => mistake.includes("+"));
where("in bf16", ({ precision }) => precision === "bf16");
where("in f16", ({ precision }) => precision === "f16");
where("rounding", ({ isRounding }) => isRounding);
where("clean", ({ isClean }) => isClean); // right: equal; wrong: a false alarm
console.log(`${new Set(bugs.map(({ pair }) => pair.mistake)).size} kinds of mistakes`);
