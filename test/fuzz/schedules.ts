// Random schedules of calls on one model after another: open, generate, logits, chat, abort, leave, close.
//
//   node --import ./assembly/read-typescript.js test/fuzz/schedules.ts [--seed N] [--count N] [--only NUMBER]
//
// What completes has the bits of a fresh model; what does not ends with the reason it was given up for, or because the
// model was closed. No rejection is left over, and the process ends by itself.
import { isDeepStrictEqual } from "node:util";
import { type LanguageModel, open } from "../../src/index.ts";
import { runCampaign } from "./children.ts";
import { type Dice, diceOf } from "./dice.ts";

const PROMPTS = [
  [1, 6, 330, 214],
  [1, 6, 330, 214, 55, 746],
  [1, 6, 331],
  Array.from({ length: 90 }, (_, i) => 1 + ((i * 37) % 1900)),
];
const OPTIONS = [
  { maxTokens: 6, stopIds: [] },
  { maxTokens: 12, stopIds: [], temperature: 0.8, seed: 7 },
];
const QUESTIONS = ["Hello!", "What is 2 + 2?"].map((content) => [{ role: "user" as const, content }]);
const CHAT = { maxTokens: 8, temperature: 0, now: new Date(0) };
const OPEN = { contextLength: 256, threads: 1 } as const;

const wanted = new Map<string, unknown>();

type Call = (model: LanguageModel, signal: AbortSignal, leaveAfter: number) => Promise<unknown>;

/** Each by a name that tells what it computes. */
const calls = new Map<string, Call>();
for (const [p, ids] of PROMPTS.entries()) {
  calls.set(`logits ${p}`, async (model, signal) => (await model.logits(ids, { signal })).data);
  for (const [o, options] of OPTIONS.entries()) {
    calls.set(`generate ${p} ${o}`, (model, signal, most) => taken(model.generate(ids, { ...options, signal }), most));
  }
}
for (const [q, messages] of QUESTIONS.entries()) {
  calls.set(`chat ${q}`, (model, signal, most) => taken(model.chat(messages, { ...CHAT, signal }), most));
}

/** What an answer gives, left after so many pieces. */
async function taken<T>(answer: AsyncIterable<T>, most: number): Promise<T[]> {
  const pieces: T[] = [];
  for await (const piece of answer) {
    pieces.push(piece);
    if (pieces.length >= most) break;
  }
  return pieces;
}

async function prepare(): Promise<void> {
  const never = new AbortController().signal;
  for (const [name, call] of calls) {
    const model = await open(undefined, OPEN);
    wanted.set(name, await call(model, never, Number.POSITIVE_INFINITY));
    await model.close();
  }
}

let kept: LanguageModel | undefined;

/** A model goes on to the next schedule unless one closes it. */
async function play(seed: number, number: number): Promise<string> {
  const dice = diceOf(seed, number);
  const model = kept ?? (await open(undefined, OPEN));
  kept = model;
  const running: Promise<void>[] = [];
  const names = [...calls.keys()];
  let isClosed = false;
  for (let left = 1 + dice.below(6); left > 0; left--) {
    const kind = dice.below(10);
    if (kind < 8) running.push(playCall(model, dice.pick(names), dice, () => isClosed));
    else if (kind === 8) await pause(dice);
    else if (dice.chance(0.3)) {
      isClosed = true;
      kept = undefined;
      running.push(model.close());
    }
    if (dice.chance(0.3)) await Promise.allSettled(running);
  }
  await Promise.all(running);
  if (isClosed) {
    await model.close();
    await playCall(model, dice.pick(names), dice, () => true);
  }
  return isClosed ? "closed" : "done";
}

async function playCall(model: LanguageModel, name: string, dice: Dice, isClosed: () => boolean): Promise<void> {
  const controller = new AbortController();
  const reason = new Error(`given up: ${name}`);
  const isAborted = dice.chance(0.3);
  const most = name.startsWith("logits") || dice.chance(0.7) ? Number.POSITIVE_INFINITY : 1 + dice.below(4);
  const call = (calls.get(name) as Call)(model, controller.signal, most);
  if (isAborted) void pause(dice).then(() => controller.abort(reason));
  let result: unknown;
  try {
    result = await call;
  } catch (error) {
    if (error === reason && isAborted) return;
    if (isClosed() && error instanceof Error && error.name === "WorkerError") return;
    if (isClosed() && error instanceof Error && error.name === "TextThreadError") return;
    throw error;
  }
  const whole = wanted.get(name);
  const expected = Number.isFinite(most) ? (whole as unknown[]).slice(0, most) : whole;
  if (!isDeepStrictEqual(result, expected))
    throw new Error(`${name}: expected the bits of a fresh model, found others`);
}

/** From nothing to some tens of milliseconds. */
async function pause(dice: Dice): Promise<void> {
  const ms = dice.pick([0, 0, 1, 3, 10, 30]);
  if (ms === 0) await Promise.resolve();
  else await new Promise((done) => setTimeout(done, ms));
}

await runCampaign(import.meta.url, {
  limitMs: 10_000,
  casesPerChild: 200,
  defaultCount: 40,
  prepare,
  play,
  finish: async () => await kept?.close(),
});
