// Compiles hostile patterns, schemas, choices and tools, and follows what is not refused over 65,536 tokens:
//
//   node --import ./assembly/read-typescript.js test/fuzz/schemas.ts [--seed N] [--count N] [--slack TIMES]
//
// Those written by hand come first, then random ones. Each has to compile, or be refused by name, within a second of
// processor time, and so has every mask; --slack allows a slow machine more.
import { parseArgs } from "node:util";
import fc from "fast-check";
import { random, written } from "../constrain/hostile-formats.ts";
import { tryFormat } from "../constrain/try-format.ts";

const MOST_MS = 1000;

const { values } = parseArgs({
  options: { seed: { type: "string" }, count: { type: "string" }, slack: { type: "string", default: "1" } },
});
const { seed = Math.floor(Math.random() * 2 ** 31), count = 200, slack } = values;
const [first, total, times] = [Number(seed), Number(count), Number(slack)];
if (!Number.isSafeInteger(first) || !(Number.isSafeInteger(total) && total > 0) || !(times >= 1)) {
  throw new TypeError(`--seed, --count, --slack: expected numbers, found ${seed}, ${count} and ${slack}.`);
}
console.log(`seed ${first}: ${total} formats`);
const made = fc.sample(random, { seed: first, numRuns: Math.max(1, total - written.length) });
const all = [...written, ...made].slice(0, total);
const failures: string[] = [];
const slowest: { ms: number; told: string }[] = [];
let refused = 0;
for (const [i, hostile] of all.entries()) {
  const stated = i < written.length ? hostile.name : `${hostile.name} (number ${i}) ${JSON.stringify(hostile.request)}`;
  try {
    const outcome = tryFormat(hostile, first + i);
    const ms = Math.max(outcome.compileMs, outcome.maskMs);
    const spent = `compiled in ${outcome.compileMs.toFixed(0)} ms, masks in at most ${outcome.maskMs.toFixed(0)} ms`;
    const told = `${stated.slice(0, 300)}: ${spent}${outcome.refused === undefined ? "" : `; refused: ${outcome.refused.slice(0, 150)}`}`;
    slowest.push({ ms, told });
    if (outcome.refused !== undefined) refused++;
    if (ms > MOST_MS * times) failures.push(told);
  } catch (error) {
    failures.push(`${stated.slice(0, 2000)}: ${(error as Error).stack}`);
  }
}
slowest.sort((a, b) => b.ms - a.ms);
console.log("the slowest:");
for (const { told } of slowest.slice(0, 12)) console.log(`  ${told}`);
for (const failure of failures) console.log(`FAILED ${failure}`);
const most = (process.resourceUsage().maxRSS / 1024).toFixed(0);
console.log(
  `${all.length - failures.length} passed, ${failures.length} failed; ${refused} refused; ${most} MB at most`,
);
process.exit(failures.length > 0 ? 1 : 0);
