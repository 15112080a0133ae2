// Clients that come and go, over a real port:
//
//   node --import ./assembly/read-typescript.js test/fuzz/clients.ts [--seed N] [--count N | --seconds N] [--clients N]
//
// Each asks in one of the protocols, streamed or not. Some leave: while they wait, while their prompt is read, or in the
// middle of an answer. Some read slowly, some send what is no request, or too long a one. Whoever stays gets what the
// library alone gives, or 429; when all have gone, the model is free within a moment, and memory has not grown since the
// first third (which --expose-gc shows).
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { open } from "../../src/index.ts";
import { createApp } from "../../src/server/app.ts";
import { listen } from "../../src/server/node-listen.ts";
import { protocols } from "../server/protocols.ts";
import { type Dice, diceOf } from "./dice.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    count: { type: "string", default: "1000" },
    seconds: { type: "string" },
    clients: { type: "string", default: "40" },
  },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const clients = Number(values.clients);
const seconds = Number(values.seconds ?? 0);
let count = seconds > 0 ? 0 : Number(values.count);
if (![seed, count, clients, seconds].every((number) => Number.isSafeInteger(number) && number >= 0) || clients === 0) {
  throw new TypeError(`--seed, --count, --clients: expected numbers, found ${JSON.stringify(values)}.`);
}

const WAITING = 34;
const QUESTIONS = ["Hello!", "What is 2 + 2?", "Name a colour.", `Repeat: ${"word ".repeat(300)}`];
const MOST_TOKENS = 24;
const BODY = { maxTokens: MOST_TOKENS, temperature: 0 };
const MOST_GROWTH_BYTES = 20 << 20;
/** 200 for the model, and the rest for a busy machine. */
const FREE_MS = 2000;

console.log(`seed ${seed}: ${seconds > 0 ? `${seconds} seconds` : `${count} requests`} of ${clients} clients`);
const model = await open(undefined, { contextLength: 1024 });
const wanted = new Map<string, string>();
for (const content of QUESTIONS) {
  let text = "";
  const options = { temperature: 0, maxTokens: MOST_TOKENS };
  for await (const { content: piece = "" } of model.chat([{ role: "user", content }], options)) text += piece;
  wanted.set(content, text);
}
const MOST_BODY_BYTES = 1 << 16;
const app = createApp(model, {
  ...{ host: "127.0.0.1", cors: [], name: "nano" },
  mostWaiting: WAITING,
  mostBodyBytes: MOST_BODY_BYTES,
});
const server = await listen(app, "127.0.0.1", 0);

const outcomes = new Map<string, number>();
const failures: string[] = [];
const told = (outcome: string): void => {
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
};

async function ask(dice: Dice): Promise<void> {
  const protocol = dice.pick(protocols);
  const content = dice.pick(QUESTIONS);
  const stream = dice.chance(0.7);
  const leaving = new AbortController();
  const leaves = dice.chance(0.35);
  const timer = leaves ? setTimeout(() => leaving.abort(), dice.below(120)) : undefined;
  const isWrong = dice.chance(0.1);
  const isLong = !isWrong && dice.chance(0.03);
  const body = isLong
    ? JSON.stringify(protocol.body("x".repeat(MOST_BODY_BYTES), BODY, stream))
    : isWrong
      ? dice.pick(["{", '{"messages": 7, "input": 7}', "[]", `"${"x".repeat(1000)}"`])
      : JSON.stringify(protocol.body(content, BODY, stream));
  const isSlow = stream && dice.chance(0.1);
  try {
    const headers = { "content-type": "application/json" };
    const init = { method: "POST", headers, body, signal: leaving.signal };
    const response = await fetch(`${server.url}${protocol.path}`, init);
    let answer = "";
    const decoder = new TextDecoder();
    for await (const chunk of response.body as ReadableStream<Uint8Array>) {
      answer += decoder.decode(chunk, { stream: true });
      if (isSlow) await sleep(3);
    }
    if (isWrong || isLong || response.status !== 200) {
      const expected = isWrong ? 400 : isLong ? 413 : 429;
      if (response.status === expected) told(String(expected));
      else failures.push(`${protocol.path}: expected ${expected}, found ${response.status} ${answer.slice(0, 300)}`);
      return;
    }
    const found = protocol.textOf(answer, stream);
    if (found === wanted.get(content)) told("answered");
    else
      failures.push(
        `${protocol.path}: expected ${JSON.stringify(wanted.get(content))}, found ${JSON.stringify(found)}`,
      );
  } catch (error) {
    if (leaving.signal.aborted) told("left");
    else failures.push(`${protocol.path}: ${(error as Error).stack}`);
  } finally {
    clearTimeout(timer);
  }
}

async function settled(): Promise<number> {
  const begin = performance.now();
  for (;;) {
    const { running, waiting } = await (await fetch(`${server.url}/ready`)).json();
    const ms = performance.now() - begin;
    if ((running === 0 && waiting === 0) || ms > 10_000) return ms;
    await sleep(5);
  }
}

function heldBytes(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

let next = 0;

async function run(isOver: () => boolean): Promise<void> {
  const work = async (): Promise<void> => {
    while (!isOver()) await ask(diceOf(seed, next++));
  };
  await Promise.all(Array.from({ length: clients }, work));
  const ms = await settled();
  if (ms > FREE_MS) failures.push(`the model: expected to be free within ${FREE_MS} ms, found ${ms.toFixed(0)}`);
}

// What the first requests leave behind is compiled code and caches.
const begin = performance.now();
const isPast = (part: number) => (): boolean =>
  seconds > 0 ? performance.now() - begin > seconds * 1000 * part : next >= Math.ceil(count * part);
await run(isPast(1 / 3));
const before = heldBytes();
await run(isPast(1));
count = next;
const grown = heldBytes() - before;
if (globalThis.gc !== undefined && grown > MOST_GROWTH_BYTES) {
  failures.push(`memory: expected to grow by less than ${MOST_GROWTH_BYTES} bytes, found ${grown}`);
}
await server.close(0);
await model.close();
for (const failure of failures.slice(0, 20)) console.log(`FAILED ${failure}`);
const all = [...outcomes].map(([outcome, times]) => `${outcome}: ${times}`).join(", ");
console.log(
  `${count - failures.length} passed, ${failures.length} failed; ${all}; memory grew by ${(grown / 2 ** 20).toFixed(1)} MB`,
);
process.exit(failures.length > 0 ? 1 : 0);
