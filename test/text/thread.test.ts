// The caller's end of the text thread: order, limits, and what happens to a thread that overruns one.
import { describe, expect, it } from "vitest";
import type { TextAnswer, TextFiles, TextPort, TextRequest } from "../../src/text/protocol.ts";
import { connectText } from "../../src/text/thread.ts";

const FILES = { tokenizer: undefined, chatTemplate: undefined } as unknown as TextFiles;
const TOKENS = { bosId: 1 } as never;
const bound = (ms: number) => ({ ms, refuse: (found: string) => new RangeError(`expected less, found ${found}`) });
const encode = (text: string) => ({ kind: "encode", text, options: undefined }) as const;

/**
 * Threads that answer a text with its length, "never" not at all, "break" with an error, and "die" by dying. "hold up"
 * keeps the caller busy for a while, and its answer comes after what has fallen due by then.
 */
function threads() {
  const seen: string[] = [];
  const busy: boolean[] = [];
  const start = (): TextPort => {
    const number = seen.filter((what) => what.startsWith("start")).length + 1;
    seen.push(`start ${number}`);
    let listener: (answer: TextAnswer) => void = () => {};
    let fails: (cause: Error) => void = () => {};
    const answer = (result: TextAnswer): void => void setTimeout(() => listener(result), 1);
    return {
      post(request: TextRequest) {
        if (request.kind === "open") return answer({ result: TOKENS });
        const { text } = request as { text: string };
        seen.push(`${number}: ${text}`);
        if (text === "cannot be cloned") throw new DOMException("() => {} could not be cloned.", "DataCloneError");
        if (text === "die")
          setTimeout(() => fails(Object.assign(new Error("heap"), { code: "ERR_WORKER_OUT_OF_MEMORY" })));
        else if (text === "hold up") {
          for (const begin = performance.now(); performance.now() < begin + 60; );
          setImmediate(() => setImmediate(() => listener({ result: Uint32Array.of(text.length) })));
        } else if (text === "break") answer({ error: { name: "TokenizerError", message: "broken" } });
        else if (text !== "never") answer({ result: Uint32Array.of(text.length) });
      },
      onMessage: (given) => {
        listener = given;
      },
      onFailure: (given) => {
        fails = given;
      },
      setBusy: (is) => void busy.push(is),
      terminate: async () => void seen.push(`end ${number}`),
    };
  };
  return { start, seen, busy };
}

describe("the text thread", () => {
  it("starts when something is asked, answers in order, and is idle in between", async () => {
    const { start, seen, busy } = threads();
    const thread = connectText(start, FILES);
    expect(seen).toEqual([]);
    const lengths = await Promise.all(["a", "bb", "ccc"].map((text) => thread.request(encode(text), bound(1000))));
    expect(lengths.map(([length]) => length)).toEqual([1, 2, 3]);
    expect(seen).toEqual(["start 1", "1: a", "1: bb", "1: ccc"]);
    expect(busy.at(-1)).toBe(false);
    expect(await thread.opened()).toBe(TOKENS);
  });

  it("is ended and replaced when a request overruns its limit; those behind it are answered", async () => {
    const { start, seen } = threads();
    const thread = connectText(start, FILES);
    const hung = thread.request(encode("never"), bound(30));
    const next = thread.request(encode("bb"), bound(1000));
    await expect(hung).rejects.toThrow(new RangeError("expected less, found no end of it within 0.03 s"));
    expect([...(await next)]).toEqual([2]);
    expect(seen).toEqual(["start 1", "1: never", "end 1", "start 2", "2: bb"]);
  });

  it("is not blamed for time in which the caller was held up", async () => {
    const { start, seen } = threads();
    const thread = connectText(start, FILES);
    expect([...(await thread.request(encode("hold up"), bound(30)))]).toEqual([7]);
    expect(seen).toEqual(["start 1", "1: hold up"]);
  });

  it("is replaced when it dies for want of memory, which is the request's fault", async () => {
    const { start, seen } = threads();
    const thread = connectText(start, FILES);
    await expect(thread.request(encode("die"), bound(1000))).rejects.toThrow(
      "expected less, found a need for more memory than allowed",
    );
    expect([...(await thread.request(encode("a"), bound(1000)))]).toEqual([1]);
    expect(seen.filter((what) => what.startsWith("start"))).toHaveLength(2);
  });

  it("gives a request up at once; one that waits is never sent, one that runs may end by itself", async () => {
    const { start, seen } = threads();
    const thread = connectText(start, FILES);
    const [running, waiting] = [new AbortController(), new AbortController()];
    const hung = thread.request(encode("never"), bound(5000), running.signal);
    const queued = thread.request(encode("bb"), bound(1000), waiting.signal);
    await new Promise((resolve) => setTimeout(resolve, 20));
    waiting.abort(new Error("not you"));
    await expect(queued).rejects.toThrow("not you");
    running.abort(new Error("enough"));
    await expect(hung).rejects.toThrow("enough");
    expect(seen).toEqual(["start 1", "1: never"]);
    expect([...(await thread.request(encode("ccc"), bound(1000)))]).toEqual([3]);
    expect(seen).toEqual(["start 1", "1: never", "end 1", "start 2", "2: ccc"]);
    await expect(thread.request(encode("a"), bound(1000), AbortSignal.abort(new Error("before")))).rejects.toThrow(
      "before",
    );
  });

  it("passes errors on by name, and what cannot be sent as the request's own", async () => {
    const { start } = threads();
    const thread = connectText(start, FILES);
    await expect(thread.request(encode("break"), bound(1000))).rejects.toMatchObject({
      name: "TokenizerError",
      message: "broken",
    });
    await expect(thread.request(encode("cannot be cloned"), bound(1000))).rejects.toThrow(
      /^expected less, found what cannot/,
    );
    expect([...(await thread.request(encode("a"), bound(1000)))]).toEqual([1]);
  });

  it("says that it is closed, or cannot be started", async () => {
    const { start, seen } = threads();
    const thread = connectText(start, FILES);
    const hung = thread.request(encode("never"), bound(5000));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await thread.close();
    for (const asked of [hung, thread.request(encode("a"), bound(1000)), thread.opened()]) {
      await expect(asked).rejects.toMatchObject({ name: "TextThreadError", message: /^The model has been closed/ });
    }
    expect(seen).toEqual(["start 1", "1: never", "end 1"]);
    const unstartable = connectText(() => {
      throw new Error("no threads here");
    }, FILES);
    await expect(unstartable.opened()).rejects.toThrow("The text thread could not be started: no threads here");
  });
});
