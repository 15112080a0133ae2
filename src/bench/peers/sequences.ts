// `npm run bench -- --sequences`: many sequences in one model, as its callers see them.
//
//   decode   one sequence, then so many side by side: tokens per second of all, and the time between two tokens of one
//   reading  the first token of a short prompt, alone and while a long prompt is read
//   turns    the second turn of a conversation, after others have had theirs, beside its first turn
import { parseArgs } from "node:util";
import { type LanguageModel, open } from "../../index.ts";
import { seededIds } from "../product/seeded-ids.ts";
import { weightTraffic } from "../product/traffic.ts";
import { quantile, sideBySide } from "./side-by-side.ts";

const PARTS = ["decode", "reading", "turns"] as const;

interface Wanted {
  readonly count: number;
  readonly tokens: number;
  readonly rounds: number;
  readonly long: number;
  readonly short: number;
  readonly turn: number;
}

/** @throws TypeError for arguments that it cannot use */
export async function runSequences(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      threads: { type: "string", short: "t" },
      context: { type: "string", short: "c", default: "16384" },
      count: { type: "string", default: "8" },
      decode: { type: "string", short: "n", default: "48" },
      rounds: { type: "string", short: "r", default: "3" },
      long: { type: "string", default: "8000" },
      short: { type: "string", default: "100" },
      turn: { type: "string", default: "4000" },
      only: { type: "string", multiple: true, default: [...PARTS] },
    },
  });
  const integer = (text: string): number => {
    const number = Number(text);
    if (Number.isSafeInteger(number) && number > 0) return number;
    throw new TypeError(`expected a positive integer, found ${text}`);
  };
  const wanted: Wanted = {
    count: integer(values.count),
    tokens: integer(values.decode),
    rounds: integer(values.rounds),
    long: integer(values.long),
    short: integer(values.short),
    turn: integer(values.turn),
  };
  const threads = values.threads === undefined ? undefined : integer(values.threads);
  const contextLength = integer(values.context);
  const parallel = wanted.count;
  const model = await open(positionals[0], { threads, contextLength, parallel, kvMemory: undefined });
  const random = seededIds(model.config.vocabSize);
  try {
    console.log(`${positionals[0] ?? "embedded model"}, ${model.settings.threads} threads, context ${contextLength}`);
    if (values.only.includes("decode")) await measureDecode(model, random, wanted);
    if (values.only.includes("reading")) await measureReading(model, random, wanted);
    if (values.only.includes("turns")) await measureTurns(model, random, wanted);
  } finally {
    await model.close();
  }
}

const idsBy = (random: () => number, length: number): number[] => Array.from({ length }, random);

/** When each new id came. */
async function timesOf(model: LanguageModel, ids: readonly number[], tokens: number): Promise<number[]> {
  const times: number[] = [];
  for await (const _ of model.generate(ids, { maxTokens: tokens, stopIds: [], speculate: false }))
    times.push(performance.now());
  return times;
}

const median = (numbers: readonly number[]): number =>
  quantile(
    [...numbers].sort((a, b) => a - b),
    0.5,
  );

async function measureDecode(model: LanguageModel, random: () => number, { count, tokens, rounds }: Wanted) {
  const rates: { one: number; all: number }[] = [];
  const gaps: number[] = [];
  await timesOf(model, idsBy(random, 16), 16);
  for (let round = 0; round < rounds; round++) {
    const alone = await timesOf(model, idsBy(random, 16), tokens + 1);
    const each = await Promise.all(Array.from({ length: count }, () => timesOf(model, idsBy(random, 16), 2 * tokens)));
    const together = sideBySide(each);
    rates.push({ one: (tokens / ((alone.at(-1) ?? 0) - alone[0])) * 1000, all: together.rate });
    gaps.push(...together.gaps);
  }
  const [one, all] = [median(rates.map((rate) => rate.one)), median(rates.map((rate) => rate.all))];
  const ratios = rates.map((rate) => (rate.all / rate.one).toFixed(2));
  console.log(
    `decode: one sequence ${one.toFixed(1)} tok/s, ${count} side by side ${all.toFixed(1)}: ${ratios.join(", ")}`,
  );
  gaps.sort((a, b) => a - b);
  console.log(
    `  between two tokens: p50 ${quantile(gaps, 0.5).toFixed(0)} ms, p95 ${quantile(gaps, 0.95).toFixed(0)} ms`,
  );
  const { dense, experts, head, total } = weightTraffic(model.config, model.checkpoint.tensors);
  const { numExperts, numExpertsPerTok: k } = model.config;
  const chosen = numExperts === 0 ? 1 : (numExperts * (1 - (1 - k / numExperts) ** count)) / k;
  const bytes = (dense + head + experts * chosen) / total;
  console.log(
    `  bytes: ${bytes.toFixed(2)} times those of one token, if routing is random: at most ${(count / bytes).toFixed(2)}`,
  );
  const prompt = idsBy(random, 512);
  const begin = performance.now();
  const [first] = await timesOf(model, prompt, 1);
  console.log(
    `  products: a prompt of ${prompt.length} is read at ${((prompt.length / (first - begin)) * 1000).toFixed(0)} tok/s`,
  );
}

async function measureReading(model: LanguageModel, random: () => number, { long, short, rounds }: Wanted) {
  const firstOf = async (): Promise<number> => {
    const begin = performance.now();
    const [first] = await timesOf(model, idsBy(random, short), 1);
    return first - begin;
  };
  await firstOf();
  const idle = [];
  const beside = [];
  for (let round = 0; round < rounds; round++) {
    idle.push(await firstOf());
    const leaving = new AbortController();
    const reading = (async () => {
      for await (const _ of model.generate(idsBy(random, long), { maxTokens: 1, signal: leaving.signal }));
    })().catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 1500 + 400 * round));
    beside.push(await firstOf());
    leaving.abort();
    await reading;
  }
  const shown = (list: readonly number[]): string => list.map((ms) => ms.toFixed(0)).join(", ");
  const ratio = median(beside) / median(idle);
  console.log(`reading: first token of ${short} after ${shown(idle)} ms; while ${long} are read, ${shown(beside)} ms`);
  console.log(`  ${ratio.toFixed(2)} times, in the median`);
}

async function measureTurns(model: LanguageModel, random: () => number, { turn }: Wanted) {
  const conversation = idsBy(random, turn);
  const ask = async (ids: number[]): Promise<number> => {
    const begin = performance.now();
    let first = 0;
    for await (const id of model.generate([...ids], { maxTokens: 16, stopIds: [] })) {
      first ||= performance.now() - begin;
      ids.push(id);
    }
    return first;
  };
  const first = await ask(conversation);
  for (let other = 0; other < 3; other++) await ask(idsBy(random, 1000));
  conversation.push(...idsBy(random, 30));
  const second = await ask(conversation);
  const part = ((100 * second) / first).toFixed(1);
  console.log(
    `turns: ${turn} tokens, first token after ${first.toFixed(0)} ms; the second turn's, with 3 others between`,
  );
  console.log(`  after ${second.toFixed(0)} ms, ${part} %`);
}
