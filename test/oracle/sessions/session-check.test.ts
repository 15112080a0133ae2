// Which of the logits of scenarios are taken for wrong.
import { expect, it } from "vitest";
import { scenariosFor } from "../../../src/oracle/sessions/scenarios.ts";
import { checkSteps } from "../../../src/oracle/sessions/session-check.ts";

it("an infinite logit among those expected allows the others nothing", async () => {
  const [scenario] = scenariosFor({ vocabSize: 64, maxPositionEmbeddings: 64 });
  const rule = { points: "**", atol: 1e-4, rtol: 0, ofLargest: true, reason: "float32" };
  const logits = async () => Float32Array.of(1, Number.POSITIVE_INFINITY, 2);
  const others = async () => Float32Array.of(1, Number.POSITIVE_INFINITY, 3);
  const { checks } = await checkSteps([scenario], [rule], logits, others);
  expect(checks.every(({ passed }) => !passed)).toBe(true);
  expect((await checkSteps([scenario], [rule], logits, logits)).checks.every(({ passed }) => passed)).toBe(true);
});
