// `npm run bench`: tokens per second of prefill and decode, and of the reference beside the kernels, in one run.
//
//   npm run bench -- [MODEL] [--prompt 256] [--new 64] [--rounds 5] [--reference] [--json]
//
// Rounds alternate between the settings, so that a machine that changes its speed changes it for all of them.
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { open } from "../index.ts";
import type { ModelOptions } from "../load.ts";
import type { LanguageModel } from "../open.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    prompt: { type: "string", default: "256" },
    new: { type: "string", default: "64" },
    rounds: { type: "string", default: "5" },
    reference: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const promptTokens = Number(values.prompt);
const newTokens = Number(values.new);

interface Contender {
  readonly name: string;
  readonly model: LanguageModel;
  /** Tokens per second, a figure a round. */
  readonly prefill: number[];
  readonly decode: number[];
}

const settings: [string, ModelOptions][] = [
  ["wasm int8", { mode: "int8" }],
  ["wasm exact", { mode: "exact" }],
  ...(values.reference ? [["reference", { backend: "reference" }] as [string, ModelOptions]] : []),
];
const contenders: Contender[] = [];
for (const [name, options] of settings) {
  const model = await open(positionals[0], { ...options, contextLength: promptTokens + newTokens + 1 });
  contenders.push({ name, model, prefill: [], decode: [] });
}

// One round more than counted: the first compiles.
for (let round = 0; round <= Number(values.rounds); round++) {
  for (const { model, prefill, decode } of contenders) {
    const { vocabSize } = model.config;
    // A different prompt every round, so that nothing is reused.
    const ids = Array.from({ length: promptTokens }, (_, i) => 16 + ((i * 7919 + round * 31) % (vocabSize - 16)));
    const iterator = model.generate(ids, {
      maxTokens: newTokens,
      stopIds: [],
      onFinish({ prefillMs, decodeMs }) {
        if (round === 0) return;
        prefill.push((promptTokens / prefillMs) * 1000);
        decode.push(((newTokens - 1) / decodeMs) * 1000);
      },
    });
    for await (const _ of iterator);
  }
}

const median = (figures: readonly number[]): number => [...figures].sort((a, b) => a - b)[figures.length >> 1];
const spread = (figures: readonly number[]): string =>
  `${Math.min(...figures).toFixed(1)}–${Math.max(...figures).toFixed(1)}`;
const report = contenders.map(({ name, prefill, decode }) => ({
  name,
  prefill: median(prefill),
  prefillSpread: spread(prefill),
  decode: median(decode),
  decodeSpread: spread(decode),
  decodeToFirst: median(decode.map((figure, i) => figure / contenders[0].decode[i])),
}));
if (values.json) {
  console.log(
    JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, promptTokens, newTokens, report }, null, 2),
  );
} else {
  console.log(
    `Node ${process.version}, ${cpus()[0]?.model}, 1 thread; tok/s, median (range) of ${values.rounds} rounds`,
  );
  console.log(`| | prefill ${promptTokens} | decode ${newTokens} | decode, ratio to the first |\n|---|---|---|---|`);
  for (const row of report) {
    const prefill = `${row.prefill.toFixed(1)} (${row.prefillSpread})`;
    const decode = `${row.decode.toFixed(1)} (${row.decodeSpread})`;
    console.log(`| ${row.name} | ${prefill} | ${decode} | ${row.decodeToFirst.toFixed(2)} |`);
  }
}
await Promise.all(contenders.map(({ model }) => model.close()));
