// What a spinning thread takes for time without a processor, by clocks of any step.
import { expect, it } from "vitest";
import { clockStep, spin } from "../../src/wasm/spin.ts";

/** A clock in steps; each look takes a microsecond, and the one numbered `pause` 2 ms, as another thread has its processor. */
function clockOf(stepMs: number, pause?: number) {
  let [ms, looks] = [0, 0];
  return (): number => {
    ms += ++looks === pause ? 2 : 0.001;
    return Math.floor(ms / stepMs) * stepMs;
  };
}

it("is none of the steps of a coarse clock", () => {
  const coarse = 1000 / 60;
  const leastLostMs = 1.5 * clockStep(clockOf(coarse));
  expect(leastLostMs).toBeCloseTo(25);
  expect(spin(() => false, 100, { now: clockOf(coarse), leastLostMs }).lostMs).toBe(0);
  // By the threshold of a fine clock, all of it would be.
  expect(spin(() => false, 100, { now: clockOf(coarse), leastLostMs: 0.3 }).lostMs).toBeGreaterThan(100);
});

it("is what passes between two looks at a fine clock", () => {
  expect(clockStep(clockOf(0.005))).toBeCloseTo(0.005);
  expect(clockStep()).toBeLessThan(1);
  expect(spin(() => false, 10, { now: clockOf(0.005, 500), leastLostMs: 0.3 }).lostMs).toBeCloseTo(2);
});
