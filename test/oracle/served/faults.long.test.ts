// Faults of sessions by 20 log-probabilities of a server, as by whole logits.
import { beforeAll, describe, expect, it } from "vitest";
import { askLogprobs } from "../../../src/oracle/served/ask-logprobs.ts";
import { openServer } from "../../../src/oracle/served/completions-server.ts";
import { runServed } from "../../../src/oracle/served/served-sessions.ts";
import { checkSteps } from "../../../src/oracle/sessions/session-check.ts";
import { judge } from "../../../src/oracle/sessions/session-verdict.ts";
import { openSessions, type RecordedSessions, recorded } from "../sessions/recorded.ts";
import { serveReplay } from "./replay.ts";

describe("scenarios on a server", () => {
  let plain: RecordedSessions;
  beforeAll(async () => {
    plain = await openSessions("plain");
  });

  const faults = recorded.filter(({ model, wrong }) => model === "plain" && !wrong.includes("alone"));
  it.each(faults)("find $fault from 20 log-probabilities as from whole logits", async ({ file }) => {
    const { scenarios, tolerances, pad } = plain.sessions;
    const width = ((await plain.expected(`alone.0.s0`)) as Float32Array).length;
    const serving = await serveReplay(scenarios, file);
    try {
      const server = askLogprobs(await openServer(serving.address), width, () => undefined);
      const { logitsOf, asSeen } = await runServed(server, scenarios, width, async () => {});
      const expected = async (name: string) => {
        const logits = await plain.expected(name);
        return logits && asSeen(name, logits);
      };
      const { checks } = await checkSteps(scenarios, tolerances, expected, logitsOf);
      const verdict = await judge(scenarios, checks, logitsOf, pad, async () => plain.on, asSeen);
      const whole = await plain.judge(file);
      const told = ({ verdict, findings }: typeof whole) => [
        verdict,
        findings.map(({ scenario, action, sequence, faults }) => [scenario, action, sequence, faults[0]?.fault]),
      ];
      expect(told(verdict)).toEqual(told(whole));
    } finally {
      await serving.close();
    }
  });
});
