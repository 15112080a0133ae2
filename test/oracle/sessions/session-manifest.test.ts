// sessions.json may be written by hand: what cannot be done is refused by the action that asks for it.
import { describe, expect, it } from "vitest";
import { leftBy, sizeOf, stepsOf } from "../../../src/oracle/sessions/scenario.ts";
import { scenariosFor } from "../../../src/oracle/sessions/scenarios.ts";
import { parseSessions } from "../../../src/oracle/sessions/session-manifest.ts";

const least = {
  format: "lfm2-sessions",
  version: 1,
  made: { by: "a program 1.0" },
  file: "sessions.safetensors",
  scenarios: [{ name: "two", actions: [{ step: { a: [1, 2] } }, { step: { a: [3], b: [4] } }] }],
  tolerances: [{ points: "**", atol: 1e-5, rtol: 0, reason: "rounding" }],
};
const parse = (actions: unknown) => parseSessions({ ...least, scenarios: [{ name: "s", actions }] }, "f");

describe("sessions.json", () => {
  it("needs little: who made it, scenarios, a file, a tolerance and its reason; pads are 0", () => {
    expect(parseSessions(least, "f")).toEqual({
      ...least,
      pad: 0,
      model: undefined,
      run: undefined,
      made: { by: "a program 1.0", again: undefined },
      tolerances: [{ ...least.tolerances[0], ofLargest: undefined }],
    });
  });

  it.each<[string, object, string]>([
    [
      "another format",
      { format: "lfm2-golden" },
      'f: expected format "lfm2-sessions" version 1, found "lfm2-golden" version 1',
    ],
    ["no scenarios", { scenarios: [] }, "f, scenarios: expected a list of 1 to 64, found []"],
    [
      "too many",
      { scenarios: Array.from({ length: 65 }, () => least.scenarios[0]) },
      "f, scenarios: expected a list of 1 to 64",
    ],
    [
      "one twice",
      { scenarios: [least.scenarios[0], least.scenarios[0]] },
      "f, scenarios: expected names that differ, found two twice",
    ],
    ["no file", { file: undefined }, "f, file: expected a file's name, found nothing"],
    ["a pad that is no id", { pad: -1 }, "f, pad: expected a token id, found -1"],
    ["no tolerance", { tolerances: [] }, "f, tolerances: expected a list of 1 to"],
  ])("with %s is refused", (_, change, message) => {
    expect(() => parseSessions({ ...least, ...change }, "f")).toThrow(message);
  });

  const begun = { step: { a: [1, 2] } };
  it.each<[string, unknown[], string]>([
    [
      "an action of no known kind",
      [{ stop: "a" }],
      "f, scenarios[0].actions[0]: expected a step of sequences and their ids",
    ],
    ["a step of nothing", [{ step: {} }], "f, scenarios[0].actions[0]: expected"],
    ["ids that are none", [{ step: { a: [1.5] } }], "f, scenarios[0].actions[0]: expected"],
    ["a name that a file cannot have", [{ step: { "a.b": [1] } }], "f, scenarios[0].actions[0]: expected"],
    [
      "a rewind of nobody",
      [begun, { rewind: "b", to: 1 }],
      'f, s, action 1: expected a sequence that has begun (a), found "b"',
    ],
    [
      "a rewind to what was never read",
      [begun, { rewind: "a", to: 3 }],
      "f, s, action 1: expected 1 to 2 ids, as many as were read, found 3",
    ],
    [
      "a step of one that has ended",
      [begun, { close: "a" }, begun],
      'f, s, action 2: expected a sequence that has not ended, found "a"',
    ],
    [
      "a name that was given",
      [begun, { open: "a", from: "a", to: 1 }],
      'f, s, action 1: expected a new name, found "a"',
    ],
    [
      "a sequence too long",
      [{ step: { a: Array.from({ length: 65 }, () => 1) } }],
      "f, s, action 0: expected at most 64 ids in a sequence, found 65",
    ],
    [
      "too many at once",
      Array.from({ length: 9 }, (_, i) => ({ step: { [`s${i}`]: [1] } })),
      "f, s, action 8: expected at most 8 sequences at once, found 9",
    ],
  ])("with %s is refused", (_, actions, message) => {
    expect(() => parse(actions)).toThrow(message);
  });

  it("tells at every step what each sequence has read, and what befell it", () => {
    const { scenarios } = parse([
      { step: { a: [1, 2, 3], b: [4] } },
      { rewind: "a", to: 2 },
      { open: "c", from: "b", to: 1 },
      { close: "b" },
      { open: "d", from: "b", to: 1 },
      { step: { d: [7], a: [5, 6], c: [8] } },
    ]);
    const [first, second] = stepsOf(scenarios[0]);
    expect(first.chunks).toEqual([
      { sequence: "a", ids: [1, 2, 3], before: [], since: { what: "begun" }, lastBegan: 0, pads: 0 },
      { sequence: "b", ids: [4], before: [], since: { what: "begun" }, lastBegan: 0, pads: 2 },
    ]);
    expect(second).toMatchObject({
      action: 5,
      chunks: [
        { sequence: "d", before: [4], since: { what: "opened", from: "b", isRestored: true }, pads: 2 },
        { sequence: "a", before: [1, 2], since: { what: "rewound", dropped: [3] }, pads: 0 },
        { sequence: "c", before: [4], since: { what: "opened", from: "b", isRestored: false }, pads: 2 },
      ],
      sequences: [
        { name: "a", ids: [1, 2], isClosed: false },
        { name: "b", ids: [4], isClosed: true },
        { name: "c", ids: [4], isClosed: false },
        { name: "d", ids: [4], isClosed: false },
      ],
    });
    expect(leftBy(scenarios[0])[0]).toEqual({ name: "a of s", ids: [1, 2, 5, 6], isClosed: true });
    expect(sizeOf(scenarios)).toEqual({ sequences: 3, ids: 4 });
  });
});

describe("the scenarios that are written for a model", () => {
  it("have ids of its vocabulary, and are what can be done", () => {
    for (const vocabSize of [32, 100, 65536]) {
      const scenarios = scenariosFor({ vocabSize, maxPositionEmbeddings: 12 });
      const ids = scenarios.flatMap((scenario) =>
        stepsOf(scenario).flatMap(({ chunks }) => chunks.flatMap((one) => one.ids)),
      );
      expect(Math.max(...ids)).toBeLessThan(vocabSize);
      expect(sizeOf(scenarios)).toEqual({ sequences: 3, ids: 12 });
      expect(parseSessions({ ...least, scenarios }, "f").scenarios).toEqual(scenarios);
    }
  });

  it("are refused to a model with too few ids or positions", () => {
    expect(() => scenariosFor({ vocabSize: 31, maxPositionEmbeddings: 12 })).toThrow(
      "vocab_size: expected at least 32, found 31",
    );
    expect(() => scenariosFor({ vocabSize: 32, maxPositionEmbeddings: 11 })).toThrow(
      "max_position_embeddings: expected at least 12, found 11",
    );
  });
});
