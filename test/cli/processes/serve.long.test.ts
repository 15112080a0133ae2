// `lfm2 serve` as a process: it answers, finishes what it has begun, and ends.
import { describe, expect, it } from "vitest";
import { ending, lfm2, start, written } from "../lfm2.ts";

async function begin(args: readonly string[] = []) {
  const child = start(["serve", "--port", "0", ...args]);
  const ended = ending(child);
  child.stdin.end();
  const [, url] = /at (http:\S+)\/v1/.exec(await written(child.stderr, /at http:\S+\/v1/)) ?? [];
  return { child, ended, url };
}

const messages = [{ role: "user", content: "Hello!" }];
const headers = { "content-type": "application/json" };

describe("lfm2 serve", () => {
  it.each(["SIGINT", "SIGTERM"] as const)("answers what it has begun at %s, then ends with 0", async (name) => {
    const { child, ended, url } = await begin();
    const body = JSON.stringify({ messages, stream: true, temperature: 0 });
    const { body: stream } = await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body });
    child.kill(name);
    const text = await new Response(stream).text();
    expect(text).toMatch(/data: \[DONE\]\n\n$/);
    const { code, stderr } = await ended;
    expect(code).toBe(0);
    expect(stderr).toMatch(/"path":"\/v1\/chat\/completions","status":200/);
    expect(stderr).not.toMatch(/Hello/);
  });

  it("refuses an address that others reach without a key, and a port that is taken", async () => {
    const open = await lfm2(["serve", "--host", "0.0.0.0", "--port", "0"]);
    expect([open.code, open.stderr]).toEqual([2, expect.stringMatching(/--host: expected a key/)]);
    const { child, ended, url } = await begin();
    const taken = await lfm2(["serve", "--port", new URL(url).port]);
    expect([taken.code, taken.stderr]).toEqual([2, expect.stringMatching(/--port: expected an address that is free/)]);
    child.kill("SIGINT");
    expect((await ended).code).toBe(0);
  });

  it("is free within a moment when a client leaves, also while its prompt is read", async () => {
    const { child, ended, url } = await begin(["-c", "4096"]);
    const ask = (content: string, more: object, signal?: AbortSignal): Promise<Response> => {
      const body = JSON.stringify({ messages: [{ role: "user", content }], ...more });
      return fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body, signal });
    };
    const running = async (): Promise<number> => (await (await fetch(`${url}/ready`)).json()).running;
    const leaving = new AbortController();
    const left = ask("word ".repeat(3000), { max_tokens: 900 }, leaving.signal).catch(() => "left");
    for (let tries = 0; (await running()) === 0 && tries < 1000; tries++) await new Promise((go) => setTimeout(go, 5));
    leaving.abort();
    expect(await left).toBe("left");
    const begun = performance.now();
    while ((await running()) > 0 && performance.now() - begun < 5000) await new Promise((go) => setTimeout(go, 5));
    expect(performance.now() - begun).toBeLessThan(2000); // 200 ms for the model, the rest for a busy machine
    expect((await ask("Hello!", { max_tokens: 2 })).status).toBe(200);
    child.kill("SIGINT");
    expect((await ended).code).toBe(0);
  });
});
