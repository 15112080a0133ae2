// What is logged and counted of a request, and when; what bodies may hold together; when no request would be taken.
import { describe, expect, it } from "vitest";
import { open } from "../../src/index.ts";
import { createApp, type LogEntry } from "../../src/server/app.ts";
import { createBodyRoom } from "../../src/server/http/body.ts";
import { get, post, servedModel } from "./served.ts";

const served = servedModel();
const messages = [{ role: "user", content: "Hello!" }];

async function counted(app: ReturnType<typeof served.app>, name: string): Promise<string[]> {
  const text = await (await get(app, "/metrics")).text();
  return text.split("\n").filter((line) => line.startsWith(name));
}

describe("a stream", () => {
  it("is logged and counted at its end, with its tokens", async () => {
    const lines: LogEntry[] = [];
    const app = served.app({ log: (entry) => lines.push(entry) });
    const response = await post(app, "/v1/chat/completions", { messages, max_tokens: 5, stream: true });
    expect(lines).toEqual([]);
    await response.text();
    expect(lines).toMatchObject([{ status: 200, path: "/v1/chat/completions", tokens: 5 }]);
    expect(lines[0].cut).toBeUndefined();
    expect(await counted(app, "lfm2_requests_total")).toContain(
      'lfm2_requests_total{route="/v1/chat/completions",status="200"} 1',
    );
  });

  it("that its client leaves is told as cut, after how many tokens", async () => {
    const lines: LogEntry[] = [];
    let told: (() => void) | undefined;
    const isTold = new Promise<void>((resolve) => {
      told = resolve;
    });
    const app = served.app({
      log(entry) {
        lines.push(entry);
        if (entry.cut !== undefined) told?.();
      },
    });
    const endless = {
      messages,
      logit_bias: { "2": -100, "7": -100 },
      max_tokens: 3000,
      temperature: 1.5,
      stream: true,
    };
    const response = await post(app, "/v1/chat/completions", endless);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    await reader.cancel();
    await isTold;
    expect(lines).toMatchObject([{ status: 200, cut: "client left" }]);
    const { tokens = 0 } = lines[0];
    expect(await counted(app, "lfm2_requests_total")).toContain(
      'lfm2_requests_total{route="/v1/chat/completions",status="499"} 1',
    );
    expect(await counted(app, "lfm2_generated_tokens_total")).toEqual([`lfm2_generated_tokens_total ${tokens}`]);
  });
});

describe("readiness", () => {
  it("ends with the model, while the process lives on", async () => {
    const model = await open();
    const app = createApp(model, { host: "127.0.0.1", cors: [], name: "own", mostWaiting: 0 });
    expect((await get(app, "/ready")).status).toBe(200);
    await model.close();
    const told = await get(app, "/ready");
    expect([told.status, (await told.json()).status]).toEqual([503, "closed"]);
    expect((await get(app, "/health")).status).toBe(200);
  });
});

describe("bodies", () => {
  it("hold together no more than a bound, and give it back", () => {
    const room = createBodyRoom({ each: 10, together: 15, free: 0, freeBodies: 0 });
    const [first, second] = [room.enter(), room.enter()];
    first.take(8);
    expect(() => first.take(3)).toThrow("Body: expected at most 10 bytes, found more.");
    second.take(7);
    expect(() => second.take(1)).toThrow("Too many large requests: 15 bytes are held, of at most 15.");
    first.leave();
    second.take(3);
  });

  it("find room for their beginnings, whatever others hold", () => {
    const room = createBodyRoom({ each: 10, together: 12, free: 4, freeBodies: 4 });
    const slow = [room.enter(), room.enter()];
    for (const place of slow) place.take(10);
    const [short, long] = [room.enter(), room.enter()];
    short.take(3);
    short.take(1);
    expect(() => long.take(5)).toThrow("Too many large requests: 12 bytes are held, of at most 12.");
    for (const place of [...slow, short]) place.leave();
    for (const place of slow) place.take(10);
    expect(() => long.take(5)).toThrow("12 bytes are held");
    const others = [room.enter(), room.enter()];
    others[0].take(4);
    // Not of any number of bodies.
    expect(() => others[1].take(1)).toThrow("12 bytes are held");
  });

  it("are refused beyond it in the protocol's form, and let go when they are answered", async () => {
    const app = served.app({ mostBodyBytes: 1_000_000 });
    const body = (padding: string) => ({ content: "Hi", padding });
    const release: (() => void)[] = [];
    const slow = (): Promise<Response> => {
      const held = new Promise<void>((resolve) => release.push(resolve));
      const text = JSON.stringify(body("x".repeat(990_000)));
      const stream = new ReadableStream<Uint8Array>({
        async start(controller) {
          controller.enqueue(new TextEncoder().encode(text.slice(0, -1)));
          await held;
          controller.enqueue(new TextEncoder().encode(text.slice(-1)));
          controller.close();
        },
      });
      return post(app, "/tokenize", "", { body: stream, duplex: "half" } as RequestInit);
    };
    const held = Array.from({ length: 4 }, slow);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const refused = await post(app, "/tokenize", body("y".repeat(500_000)));
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    expect((await refused.json()).error).toMatchObject({ type: "rate_limit_error", code: "bodies_full" });
    expect((await post(app, "/tokenize", body("y".repeat(60_000)))).status).toBe(200);
    for (const go of release) go();
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect((await post(app, "/tokenize", body("y".repeat(500_000)))).status).toBe(200);
    expect((await post(app, "/tokenize", body("y".repeat(1_000_000)))).status).toBe(413);
  });
});
