// Scenarios of several sequences on a server: each step is a request for every sequence in it, all at once.
import type { Pause } from "../sessions/run-sessions.ts";
import { ALONE, logitsName, type Scenario, stepsOf } from "../sessions/scenario.ts";
import type { AsSeen, LogitsOf } from "../sessions/session-check.ts";
import { asSeen, sightOf } from "./as-seen.ts";
import type { AskedServer } from "./ask-logprobs.ts";
import type { SeenRow } from "./seen-row.ts";

export interface ServedSessions {
  readonly names: readonly string[];
  /** The log-probabilities that the server told. */
  readonly logitsOf: LogitsOf;
  readonly asSeen: AsSeen;
  readonly notes: readonly string[];
}

/**
 * A sequence goes on, is rewound or begins from another one's prefix as it does for any client: by a prompt that begins as an
 * earlier one did, which a server finds among what it has kept.
 */
export async function runServed(
  server: AskedServer,
  scenarios: readonly Scenario[],
  vocabSize: number,
  pause: Pause,
): Promise<ServedSessions> {
  const rows = new Map<string, SeenRow>();
  for (const scenario of scenarios) {
    const isAlone = scenario.name === ALONE;
    for (const { action, chunks } of stepsOf(scenario)) {
      await pause();
      const asked = chunks.map(async ({ sequence, before, ids }): Promise<[string, SeenRow]> => {
        const name = logitsName(scenario.name, action, sequence);
        return [name, await server.lastRow([...before, ...ids], isAlone ? name : undefined)];
      });
      for (const [name, row] of await Promise.all(asked)) if (row.ids.length > 0) rows.set(name, row);
    }
  }
  const sight = rows.size === 0 ? "nothing" : sightOf([...rows.values()], vocabSize);
  return {
    names: [...rows.keys()],
    logitsOf: async (name) => {
      const row = rows.get(name);
      return row && Float32Array.from(row.logprobs);
    },
    asSeen: (name, logits) => {
      const row = rows.get(name);
      return row === undefined ? logits : asSeen(logits, row);
    },
    notes: [
      `Of a server: ${sight}.`,
      "Not seen: the other ids, steps in which the server goes on with what it has drawn itself, and which requests it has put into one batch.",
    ],
  };
}
