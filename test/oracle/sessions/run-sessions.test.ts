// Scenarios on this project's engine: what slots, rewinding and shared steps give has the bits of every sequence alone.
import { describe, expect, it } from "vitest";
import { loadModel } from "../../../src/load/load.ts";
import type { ModelOptions } from "../../../src/load/model-options.ts";
import { readConfig } from "../../../src/model/config.ts";
import { allTogether, eachAlone, type SessionLogits } from "../../../src/oracle/sessions/run-sessions.ts";
import { type Scenario, sizeOf, stepsOf } from "../../../src/oracle/sessions/scenario.ts";
import { scenariosFor } from "../../../src/oracle/sessions/scenarios.ts";
import { open } from "../../model/run.ts";
import { context } from "../../ops/harness.ts";

const pause = async (): Promise<void> => {};

async function all(logits: SessionLogits): Promise<Map<string, Float32Array>> {
  const found = new Map<string, Float32Array>();
  for await (const [name, row] of logits) found.set(name, row);
  return found;
}

async function load(folder: string, file: string | undefined, options: ModelOptions, more: readonly Scenario[] = []) {
  const checkpoint = await open(folder, file);
  const scenarios = [...scenariosFor(readConfig(checkpoint.config, checkpoint.keyNames)), ...more];
  const { sequences, ids } = sizeOf(scenarios);
  const loaded = await loadModel(
    checkpoint,
    { contextLength: ids, ...options },
    { ...context, sequenceCount: sequences },
  );
  await Promise.all(checkpoint.files.map((opened) => opened.close()));
  return { loaded, scenarios };
}

describe.each<readonly [string, string | undefined, ModelOptions, RegExp]>([
  ["gguf", "Q4_0.gguf", { mode: "int8" }, /./],
  ["gguf-dense", "Q8_0.gguf", { mode: "exact" }, /./],
  // All of them would take it a second.
  ["mistakes/hooked/stretched", undefined, { backend: "reference" }, /left|rejected|restored/],
])("%s/%s, %o", (folder, file, options, names) => {
  it("gives every step the logits of its sequence alone, to the bit", async () => {
    const { loaded, scenarios: known } = await load(folder, file, options);
    const scenarios = known.filter(({ name }) => names.test(name));
    const [alone, together] = [
      await all(eachAlone(loaded, scenarios, pause)),
      await all(allTogether(loaded, scenarios, pause)),
    ];
    expect([...together.keys()]).toEqual([...alone.keys()]);
    expect(alone.size).toBeGreaterThan(20);
    for (const [name, row] of together) expect(row, name).toEqual(alone.get(name));
  });
});

it("goes on from a slot that nobody has taken, and reads again what has gone from one", async () => {
  const ids = [3, 1, 4, 1, 5, 9, 2, 6];
  const more: Scenario[] = [
    {
      name: "kept",
      actions: [
        { step: { a: ids } },
        { close: "a" },
        { open: "b", from: "a", to: 5 },
        { step: { b: [8, 8] } },
        { close: "b" },
        { step: { c: [7] } },
        { open: "d", from: "a", to: 8 },
        { step: { c: [7, 7], d: [1, 2] } },
        { rewind: "d", to: 9 },
        { step: { d: [3], c: [4] } },
      ],
    },
  ];
  const { loaded } = await load("gguf", "Q4_0.gguf", { mode: "int8" }, more);
  const [alone, together] = [await all(eachAlone(loaded, more, pause)), await all(allTogether(loaded, more, pause))];
  expect([...together]).toEqual([...alone]);
  expect(stepsOf(more[0]).at(-1)?.chunks[0]).toMatchObject({
    before: [...ids, 1],
    since: { what: "rewound", dropped: [2] },
  });
});

it("stops where its caller gives up", async () => {
  const { loaded, scenarios } = await load("gguf", "Q4_0.gguf", { mode: "int8" });
  const givingUp = async (): Promise<void> => {
    throw new Error("given up");
  };
  await expect(all(allTogether(loaded, scenarios, givingUp))).rejects.toThrow("given up");
});
