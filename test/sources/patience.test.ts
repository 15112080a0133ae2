import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  backoff,
  defaultPatience,
  PassingError,
  PROGRESS_BYTES,
  persistently,
  requestedWaitMs,
  wait,
} from "../../src/sources/patience.ts";
import { SourceError } from "../../src/sources/source-error.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");

function failing(waitMs?: number): PassingError {
  const failure = { subject: "file", expected: "HTTP 206", found: "HTTP 503", remedy: "Try again later." };
  return new PassingError({ ...failure, waitMs });
}

/** Fails as often as there are `failures`, then gives "done"; notes the waits. */
async function attempts(failures: readonly PassingError[], progress?: () => number) {
  const waits: number[] = [];
  const left = [...failures];
  let calls = 0;
  const attempt = async (): Promise<string> => {
    calls++;
    const failure = left.shift();
    if (failure) throw failure;
    return "done";
  };
  const { signal } = new AbortController();
  const noted = async (ms: number) => void waits.push(ms);
  const options = { patience: defaultPatience, wait: noted, signal, progress };
  const outcome = await persistently(attempt, options).catch((error: Error) => error);
  return { outcome, waits, calls };
}

describe("persistently", () => {
  it("tries four times, half a second apart at first, then twice as long each time, give or take a quarter", async () => {
    const { outcome, waits, calls } = await attempts([failing(), failing(), failing()]);
    expect([outcome, calls]).toEqual(["done", 4]);
    for (const [i, ms] of [500, 1000, 2000].entries()) {
      expect(waits[i]).toBeGreaterThanOrEqual(0.75 * ms);
      expect(waits[i]).toBeLessThanOrEqual(1.25 * ms);
    }
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (chance) => {
        expect(backoff(1, 500, chance)).toBeCloseTo(375 + 250 * chance);
      }),
    );
  });

  it("names the last failure after four", async () => {
    const { outcome, calls } = await attempts(Array.from({ length: 9 }, () => failing()));
    expect(outcome).toBeInstanceOf(SourceError);
    expect(outcome).toHaveProperty(
      "message",
      "file: expected HTTP 206, found HTTP 503 in each of 4 tries. Try again later.",
    );
    expect(calls).toBe(4);
  });

  it("counts only tries that bring nothing of note", async () => {
    let bytes = 0;
    const grows = await attempts(
      Array.from({ length: 20 }, () => failing()),
      () => (bytes += PROGRESS_BYTES),
    );
    expect([grows.outcome, grows.calls]).toEqual(["done", 21]);
    const drips = await attempts(
      Array.from({ length: 20 }, () => failing()),
      () => (bytes += 1),
    );
    expect(drips.calls).toBe(4);
  });

  it("waits as long as the server asks, up to a minute", async () => {
    const asked = await attempts([failing(7000), failing(60_000), failing(1)]);
    expect(asked.waits.slice(0, 2)).toEqual([7000, 60_000]);
    expect(asked.waits[2]).toBeGreaterThanOrEqual(1500);
    const { outcome, calls } = await attempts([failing(61_000)]);
    expect(outcome).toHaveProperty(
      "message",
      "file: expected HTTP 206, found HTTP 503, asking to be tried again in 61 s. Try again later.",
    );
    expect(calls).toBe(1);
  });

  it("does not repeat what cannot pass", async () => {
    const error = new SourceError({ subject: "file", expected: "one", found: "none" });
    const { signal } = new AbortController();
    let calls = 0;
    const attempt = async () => {
      calls++;
      throw error;
    };
    await expect(persistently(attempt, { patience: defaultPatience, wait, signal })).rejects.toBe(error);
    expect(calls).toBe(1);
  });
});

describe("wait", () => {
  it("ends at once, with the signal's reason, when that is aborted", async () => {
    const reason = new Error("stop");
    const controller = new AbortController();
    const waiting = wait(60_000, controller.signal);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(wait(60_000, AbortSignal.abort(reason))).rejects.toBe(reason);
    await wait(1, new AbortController().signal);
  });
});

describe("requestedWaitMs", () => {
  const cases: [Record<string, string>, number, status?: number][] = [
    [{}, 0],
    [{ "Retry-After": "2" }, 2000],
    [{ "Retry-After": " 120 " }, 120_000],
    [{ "Retry-After": "Thu, 01 Jan 2026 00:00:05 GMT" }, 5000],
    [{ "Retry-After": "Thursday, 01-Jan-26 00:00:05 GMT" }, 5000],
    [{ "Retry-After": "Wed, 31 Dec 2025 23:59:59 GMT" }, 0],
    [{ "Retry-After": "-5" }, 0],
    [{ "Retry-After": "soon" }, 0],
    [{ "Retry-After": "3", RateLimit: '"resolvers";r=0;t=55' }, 3000],
    [{ RateLimit: '"resolvers";r=0;t=55' }, 56_000],
    [{ RateLimit: '"resolvers";r=2999;t=55' }, 0, 503],
    [{ RateLimit: "limit=100" }, 0],
  ];
  it.each(cases)("of %j is %d", (headers, ms, status = 429) => {
    expect(requestedWaitMs({ status, headers: new Headers(headers) }, NOW)).toBe(ms);
  });
});
