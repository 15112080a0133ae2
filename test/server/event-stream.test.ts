import { describe, expect, it } from "vitest";
import { openaiErrors, RequestFailure } from "../../src/server/failure.ts";
import { eventStream, type ServerEvent } from "../../src/server/http/event-stream.ts";

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const options = { errors: openaiErrors, abort: () => {} };

describe("event stream", () => {
  it("has a status of its own for what fails before the first event", async () => {
    async function* fails(event?: ServerEvent): AsyncGenerator<ServerEvent, void> {
      if (event === undefined) throw new RequestFailure({ status: 400, message: "no" });
      yield event;
    }
    await expect(eventStream(fails(), options)).rejects.toMatchObject({ parts: { status: 400 } });
  });

  it("tells an error after the first event as an event, and ends", async () => {
    async function* fails(): AsyncGenerator<ServerEvent, void> {
      yield { data: "one" };
      throw new RequestFailure({ status: 500, message: "no" });
    }
    const text = await (await eventStream(fails(), options)).text();
    expect(text.split("\n\n").slice(0, 1)).toEqual(["data: one"]);
    expect(JSON.parse(text.split("\n\n")[1].slice("data: ".length))).toMatchObject({ error: { message: "no" } });
  });

  it("sends comments while nothing else comes, and begins without a first event then", async () => {
    let go: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    async function* slow(): AsyncGenerator<ServerEvent, void> {
      await held;
      yield { event: "e", data: "one" };
    }
    const response = await eventStream(slow(), { ...options, silenceMs: 5 });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const read = async (): Promise<string> => new TextDecoder().decode((await reader.read()).value);
    expect(await read()).toBe(": still at work\n\n");
    expect(await read()).toBe(": still at work\n\n");
    go();
    let last = await read();
    for (let tries = 0; last.startsWith(":") && tries < 1000; tries++) last = await read();
    expect(last).toBe("event: e\ndata: one\n\n");
    expect((await reader.read()).done).toBe(true);
  });

  it("ends the work behind it when the client leaves", async () => {
    let [isAborted, isEnded] = [false, false];
    async function* endless(): AsyncGenerator<ServerEvent, void> {
      try {
        for (;;) {
          await wait(1);
          yield { data: "more" };
        }
      } finally {
        isEnded = true;
      }
    }
    const abort = (): void => {
      isAborted = true;
    };
    const { body } = await eventStream(endless(), { ...options, abort });
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    await reader.cancel();
    expect([isAborted, isEnded]).toEqual([true, true]);
  });

  it("ends it for a client that takes nothing", async () => {
    let isAborted = false;
    const ended = new Promise<void>((resolve) => {
      async function* endless(): AsyncGenerator<ServerEvent, void> {
        try {
          for (;;) yield { data: "more" };
        } finally {
          resolve();
        }
      }
      const abort = (): void => {
        isAborted = true;
      };
      void eventStream(endless(), { ...options, abort, stallMs: 20 });
    });
    await ended;
    expect(isAborted).toBe(true);
  });
});
