// Renders hostile chat templates, each in a text thread of its own:
//
//   node --import ./assembly/read-typescript.js test/fuzz/templates.ts [--seed N] [--count N] [--slack N]
//
// First those written by hand, then `count` in all with random ones. Each has to end within a second, in a prompt or in
// a ChatError, and this thread must not wait for more than 50 ms; `slack` multiplies both, for a busy machine.
import { parseArgs } from "node:util";
import { freshSeed } from "../../src/sampling/random.ts";
import { HANDMADE, randomTemplate } from "./hostile-templates.ts";
import { tryTemplate } from "./try-template.ts";

const { values } = parseArgs({
  options: { seed: { type: "string" }, count: { type: "string" }, slack: { type: "string" } },
});
const [seed, count, slack] = [values.seed ?? freshSeed() % 2 ** 31, values.count ?? 200, values.slack ?? 1].map(Number);
if (![seed, count, slack].every((number) => Number.isSafeInteger(number) && number >= 0)) {
  throw new TypeError("--seed, --count and --slack: expected integers, found something else.");
}
// The time limit is a second, and ending a thread takes a moment more.
const [MOST_MS, MOST_GAP_MS] = [1100 * slack, 50 * slack];

const handmade = Object.entries(HANDMADE).slice(0, count);
const random = Array.from({ length: Math.max(0, count - handmade.length) }, (_, i) => {
  return [`seed ${seed + i}`, randomTemplate(seed + i)] as const;
});
console.log(`seed ${seed}: ${handmade.length} templates by hand, ${random.length} at random`);
let failed = 0;
const slowest = { ms: 0, gapMs: 0 };
for (const [name, template] of [...handmade, ...random]) {
  const { result, errorName, ms, gapMs } = await tryTemplate(template);
  slowest.ms = Math.max(slowest.ms, ms);
  slowest.gapMs = Math.max(slowest.gapMs, gapMs);
  // Messages that name what only the library or the engine knows.
  const isRaw =
    /\b(?:String|Array|Object|Undefined|Null|Integer|Float|Function)Value\b|Cannot read|is not a function/.test(result);
  const isNamed = errorName === undefined || errorName === "ChatError";
  if (isNamed && !isRaw && ms <= MOST_MS && gapMs <= MOST_GAP_MS) continue;
  failed++;
  console.log(
    `${name}: ${ms.toFixed(0)} ms, gap ${gapMs.toFixed(0)} ms, ${errorName ?? "prompt"}: ${result.slice(0, 200)}`,
  );
}
console.log(
  `${count - failed} passed, ${failed} failed; slowest ${slowest.ms.toFixed(0)} ms, longest gap ${slowest.gapMs.toFixed(0)} ms`,
);
process.exit(failed > 0 ? 1 : 0);
