// Random schedules of clients that join and leave, over a real port (test/server/leaving.ts):
//
//   node --import ./assembly/read-typescript.js test/fuzz/leaving.ts [--seed N] [--count N] [--from NUMBER]
//
// Whoever leaves is out of the model within 200 ms, and nobody else's bits change.
import { parseArgs } from "node:util";
import { createStage, FREE_MS } from "../server/leaving.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    count: { type: "string", default: "1000" },
    from: { type: "string", default: "0" },
  },
});
const [seed, count, from] = [values.seed ?? Math.floor(Math.random() * 2 ** 31), values.count, values.from].map(Number);
if (![seed, count, from].every((number) => Number.isSafeInteger(number) && number >= 0) || count === 0) {
  throw new TypeError(`--seed, --count, --from: expected numbers, found ${JSON.stringify(values)}.`);
}

console.log(`seed ${seed}: ${count} schedules`);
const stage = await createStage();
const all: number[] = [];
const failures: string[] = [];
let gone = 0;
for (let number = from; number < from + count; number++) {
  try {
    const { freeMs, left } = await stage.play(seed, number);
    gone += left;
    all.push(freeMs);
    if (freeMs >= FREE_MS) {
      failures.push(
        `schedule ${number}: expected the model to be free within ${FREE_MS} ms, found ${freeMs.toFixed(0)}`,
      );
    }
  } catch (error) {
    failures.push(`schedule ${number}: ${(error as Error).message}`);
  }
}
await stage.close();
for (const failure of failures.slice(0, 20)) console.log(`FAILED ${failure}`);
const sorted = all.sort((a, b) => a - b);
const at = (part: number): string => (sorted[Math.floor(part * (sorted.length - 1))] ?? 0).toFixed(0);
console.log(
  `${count - failures.length} passed, ${failures.length} failed; ${gone} left; free after ${at(0.5)} ms (p50), ${at(0.95)} (p95), ${at(1)} (most)`,
);
process.exit(failures.length > 0 ? 1 : 0);
