// transformers' replays of session scenarios, behind a server.
import { logitsName, type Scenario, stepsOf } from "../../../src/oracle/sessions/scenario.ts";
import { goldenTensors } from "../../model/run.ts";
import { type Serving, serveCompletions } from "./completions.ts";

/** Answers each request with the next array of its ids: steps come one after another. */
export async function serveReplay(scenarios: readonly Scenario[], file: string): Promise<Serving> {
  const [right, theirs] = [
    await goldenTensors("sessions/plain/sessions.safetensors"),
    await goldenTensors(`sessions/${file}`),
  ];
  const left = scenarios.flatMap((scenario) =>
    stepsOf(scenario).flatMap(({ action, chunks }) =>
      chunks.map(({ sequence, before, ids }) => ({
        ids: [...before, ...ids].join(),
        name: logitsName(scenario.name, action, sequence),
      })),
    ),
  );
  return serveCompletions({
    form: "llama.cpp",
    logitsOf(prompt) {
      const [{ name }] = left.splice(
        left.findIndex(({ ids }) => ids === prompt.join()),
        1,
      );
      // A scenario in which the fault does not show is not among what was kept of it.
      return [(theirs.get(name) ?? right.get(name))?.data as Float32Array];
    },
  });
}
