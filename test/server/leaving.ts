// Random schedules of clients that join and leave, over a real port. Whoever stays gets what the library alone gives, and
// whoever leaves is out of the model within a moment: while it waits, while its prompt is read, or in its answer.
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { type LanguageModel, open } from "../../src/index.ts";
import { createApp } from "../../src/server/app.ts";
import { listen } from "../../src/server/node-listen.ts";
import { type Dice, diceOf } from "../fuzz/dice.ts";
import { least } from "../least.ts";
import { type Asked, protocols } from "./protocols.ts";

/** From a client's leaving to the model's being free of it. */
export const FREE_MS = 200;
const CONTEXT = 1024;
const QUESTIONS = ["Hello!", "What is 2 + 2?", `Repeat: ${"word ".repeat(400)}`, `Count: ${"1 2 3 ".repeat(150)}`];
const SAMPLINGS: readonly Asked[] = [
  { maxTokens: 30, temperature: 0 },
  { maxTokens: 60, temperature: 1, seed: 5 },
];

export interface Stage {
  /**
   * Plays a schedule; where somebody was let go late, up to six times more, as the machine may have been busy.
   * @returns the longest time until somebody who had left was out of the model, and how many left
   * @throws where an answer has other bits
   */
  play(seed: number, number: number): Promise<{ readonly freeMs: number; readonly left: number }>;
  close(): Promise<void>;
}

export async function createStage(): Promise<Stage> {
  const model = await open(undefined, { contextLength: CONTEXT });
  const wanted = new Map<string, string>();
  for (const content of QUESTIONS) {
    for (const asked of SAMPLINGS) wanted.set(JSON.stringify([content, asked]), await textOf(model, content, asked));
  }
  const app = createApp(model, { host: "127.0.0.1", cors: [], name: "nano" });
  const server = await listen(app, "127.0.0.1", 0);
  const once = async (seed: number, number: number) => playOnce(diceOf(seed, number), model, server.url, wanted);
  return {
    async play(seed, number) {
      let left = 0;
      const [freeMs] = await least([FREE_MS], async () => {
        const played = await once(seed, number);
        left = played.left;
        return [played.freeMs];
      });
      return { freeMs, left };
    },
    async close() {
      await server.close(0);
      await model.close();
    },
  };
}

async function textOf(model: LanguageModel, content: string, asked: Asked): Promise<string> {
  let text = "";
  for await (const { content: piece = "" } of model.chat([{ role: "user", content }], asked)) text += piece;
  return text;
}

async function playOnce(
  dice: Dice,
  model: LanguageModel,
  url: string,
  wanted: ReadonlyMap<string, string>,
): Promise<{ readonly freeMs: number; readonly left: number }> {
  /** Those who have asked and neither left nor been answered. */
  let present = 0;
  let freeMs = 0;
  let left = 0;
  const inModel = async (): Promise<number> => {
    const { running, waiting } = model.activity();
    const queue = await (await fetch(`${url}/ready`)).json();
    return Math.max(running + waiting, queue.running + queue.waiting);
  };
  const untilFree = async (): Promise<void> => {
    const begin = performance.now();
    while ((await inModel()) > present && performance.now() - begin < 10_000) await sleep(1);
    freeMs = Math.max(freeMs, performance.now() - begin);
  };
  const client = async (): Promise<void> => {
    const asked = dice.pick(SAMPLINGS);
    const protocol = dice.pick(
      asked.seed === undefined ? protocols : protocols.filter(({ path }) => path !== "/v1/messages"),
    );
    const content = dice.pick(QUESTIONS);
    const stream = dice.chance(0.6);
    const leavesAfter = dice.chance(0.55) ? dice.below(dice.pick([3, 60, 400])) : undefined;
    await sleep(dice.below(dice.pick([1, 50, 200])));
    present++;
    const { status, answer } = await send(`${url}${protocol.path}`, protocol.body(content, asked, stream), leavesAfter);
    present--;
    if (answer === undefined) {
      left++;
      return untilFree();
    }
    const want = wanted.get(JSON.stringify([content, asked]));
    const found = status === 200 ? protocol.textOf(answer, stream) : `${status} ${answer}`;
    if (found !== want) {
      throw new Error(`${protocol.path}: expected ${JSON.stringify(want)}, found ${JSON.stringify(found)}`);
    }
  };
  await Promise.all(Array.from({ length: 2 + dice.below(8) }, client));
  await untilFree();
  return { freeMs, left };
}

/** @returns no answer where the client has left before its end: its connection is cut */
function send(
  url: string,
  body: object,
  leavesAfter: number | undefined,
): Promise<{ readonly status: number; readonly answer: string | undefined }> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const asking = request(url, { method: "POST", headers, agent: false }, (response) => {
      let answer = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        answer += text;
      });
      response.on("error", () => {});
      response.on("end", () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, answer });
      });
    });
    asking.on("error", (error) => {
      if (leavesAfter === undefined) reject(error);
    });
    const timer =
      leavesAfter === undefined
        ? undefined
        : setTimeout(() => {
            asking.destroy();
            resolve({ status: 0, answer: undefined });
          }, leavesAfter);
    asking.end(JSON.stringify(body));
  });
}
