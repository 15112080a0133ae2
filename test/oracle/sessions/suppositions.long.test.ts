// Suppositions tell faults apart: under no two faults has a step of the written scenarios the same logits, nor those of no fault.
import { describe, expect, it } from "vitest";
import type { ModelOptions } from "../../../src/load/model-options.ts";
import { leftBy, logitsName, stepsOf } from "../../../src/oracle/sessions/scenario.ts";
import { suppose } from "../../../src/oracle/sessions/suppose.ts";
import { type Fault, suppositions } from "../../../src/oracle/sessions/suppositions.ts";
import { openSessions, recorded } from "./recorded.ts";

describe.each(["plain", "stretched", "sixteen"])("the suppositions on %s", (model) => {
  it("give no two faults the same logits, and none those that are right", async () => {
    const { sessions, expected, on } = await openSessions(model);
    const alike = new Set<string>();
    let count = 0;
    for (const [index, scenario] of sessions.scenarios.entries()) {
      const earlier = index === 0 ? [] : leftBy(sessions.scenarios[index - 1]);
      for (const step of stepsOf(scenario)) {
        for (const chunk of step.chunks) {
          const right = (await expected(logitsName(scenario.name, step.action, chunk.sequence))) as Float32Array;
          const all: { fault: Fault | "none"; logits: Float32Array }[] = [{ fault: "none", logits: right }];
          for (const one of suppositions(chunk, step, sessions.pad, earlier)) {
            const logits = suppose(on, one, chunk.ids);
            const same = all.find((other) => other.fault !== one.fault && farthest(other.logits, logits) < 1e-3);
            if (same !== undefined) alike.add(`${scenario.name}: ${same.fault} = ${one.fault} (${one.says})`);
            all.push({ fault: one.fault, logits });
            count++;
          }
        }
      }
    }
    expect(count).toBeGreaterThan(1000);
    expect([...alike]).toEqual([]);
  });
});

describe("replays by transformers, on the reference and on a third model", () => {
  it.each<readonly [string, ModelOptions]>([
    ["stretched", { backend: "reference" }],
    ["sixteen", {}],
  ])("have their fault named: %s, %o", async (model, options) => {
    const sessions = await openSessions(model, options);
    const files = recorded.filter((one) => one.model === model && /-/.test(one.fault) && one.wrong.length > 0);
    expect(files).toHaveLength(11);
    for (const { file, fault } of files) {
      const { verdict, findings } = await sessions.judge(file);
      const named = [...new Set(findings.flatMap(({ faults }) => faults.map((one) => one.fault)))];
      const known = { "wrong-gain": [], "halved-after-rewind": [], "shared-state": ["another-sequence"] }[fault];
      expect([fault, verdict, named]).toEqual([
        fault,
        fault === "wrong-gain" ? "different" : "session fault",
        known ?? [fault],
      ]);
    }
  });
});

function farthest(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}
