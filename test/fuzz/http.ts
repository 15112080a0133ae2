// Opens a model from servers that change, stall, fail and lie:
//
//   node --import ./assembly/read-typescript.js test/fuzz/http.ts [--seed N] [--count N] [--only KIND]
//
// Every kind of scenario in turn, each time with another seed, through `open`, a thread and kernels included. The
// logits' bits are compared with those of the file in memory, and requests are counted.
import { parseArgs } from "node:util";
import { kinds, stalling } from "../sources/http-scenarios.ts";
import { createStage, logitsOf, playAll } from "../sources/run-scenario.ts";

/** What stalls is waited for up to four times. All else has more time than a busy machine needs. */
const STALL_MS = 4000;
const PATIENT_MS = 60_000;
/** Most of a scenario's time is spent waiting. */
const AT_ONCE = 6;

const { values } = parseArgs({
  options: { seed: { type: "string" }, count: { type: "string" }, only: { type: "string" } },
});
const { seed = Math.floor(Math.random() * 2 ** 31), only, count = only === undefined ? 150 : 1 } = values;
const known = Object.keys(kinds);
const [first, total] = [Number(seed), Number(count)];
if (!Number.isSafeInteger(first) || !(Number.isSafeInteger(total) && total > 0 && total <= 1_000_000)) {
  throw new TypeError(`--seed and --count: expected integers, found ${seed} and ${count}.`);
}
if (only !== undefined && !known.includes(only)) {
  throw new TypeError(`--only: expected one of ${known.join("; ")}, found ${only}.`);
}

const names = Array.from({ length: total }, (_, i) => only ?? known[i % known.length]);
console.log(`seed ${first}: ${total} scenarios of ${new Set(names).size} kinds`);
const unhandled: string[] = [];
process.on("unhandledRejection", (reason) => unhandled.push(`unhandled rejection: ${reason}`));
const begin = performance.now();
const failures: string[] = [];
for (const stalls of [true, false]) {
  const stage = await createStage(logitsOf, stalls ? STALL_MS : PATIENT_MS);
  const some = names.flatMap((name, i) => (stalling.includes(name) === stalls ? [{ name, seed: first + i }] : []));
  failures.push(...(await playAll(stage, some, AT_ONCE)).map(({ told }) => told));
}
for (const failure of [...failures, ...unhandled]) console.log(failure);
const seconds = ((performance.now() - begin) / 1000).toFixed(1);
console.log(`${total - failures.length} passed, ${failures.length + unhandled.length} failed, in ${seconds} s`);
process.exit(failures.length + unhandled.length > 0 ? 1 : 0);
