// Random prompts through the embedded model, with guesses and without: the same ids, and the same bits of every logit.
//
//   node --import ./assembly/read-typescript.js test/fuzz/speculation.ts [--seed N] [--count N] [--from NUMBER] [--only NUMBER]
import { parseArgs } from "node:util";
import { differenceOf, openPair } from "../engine/speculation.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    count: { type: "string", default: "10000" },
    from: { type: "string", default: "0" },
    only: { type: "string" },
  },
});
const { only } = values;
const [seed, from, count] = [values.seed, only ?? values.from, only === undefined ? values.count : "1"].map(Number);
for (const [name, number] of Object.entries({ seed, from, count })) {
  if (!Number.isSafeInteger(number) || number < 0)
    throw new TypeError(`--${name}: expected a number, found ${number}.`);
}
console.log(`seed ${seed}: ${count} prompts from number ${from}`);
const pairs = [await openPair(), await openPair({ mode: "exact" }), await openPair({ kvType: "int8" })];
let [guessed, accepted, failed] = [0, 0, 0];
for (let number = from; number < from + count; number++) {
  const pair = pairs[Math.max(0, (number % 8) - 5)];
  const found = await differenceOf(pair, seed, number, (counts) => {
    guessed += counts.guessed;
    accepted += counts.accepted;
  });
  if ((number + 1) % 1000 === 0) console.log(`${number + 1} prompts`);
  if (found === undefined) continue;
  failed++;
  console.log(`FAILED --seed ${seed} --only ${number}: ${found.slice(0, 500)}`);
}
console.log(`${count - failed} passed, ${failed} failed; ${accepted} of ${guessed} ids run ahead came`);
process.exit(failed > 0 ? 1 : 0);
