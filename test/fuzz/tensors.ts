// Models with tensors renamed, added, removed, doubled, of other shapes and types: the same bits, or a named error.
//
//   node --import ./assembly/read-typescript.js test/fuzz/tensors.ts [--seed N] [--count N] [--only NUMBER]
//
// What may change the bits is listed in changed-tensors.ts: changes that make another valid file.
import { playTensors, prepareTensors } from "./changed-tensors.ts";
import { runCampaign } from "./children.ts";
import { diceOf } from "./dice.ts";

await runCampaign(import.meta.url, {
  limitMs: 2000,
  defaultCount: 5000,
  prepare: prepareTensors,
  play: (seed, number) => playTensors(diceOf(seed, number)),
});
