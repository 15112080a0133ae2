// The scenarios that are written for a model: each brings one kind of fault to light, with few ids and small ones.
import { Lfm2Error } from "../../lfm2-error.ts";
import type { Action, Scenario } from "./scenario.ts";
import { ALONE, stepsOf } from "./scenario.ts";

/** Ids of the longest sequence. */
const LONGEST = 12;
/** Fewer ids would not tell sequences apart. */
const LEAST_VOCABULARY = 32;

/** A model that the scenarios are not for. */
export class SessionsError extends Lfm2Error {
  override readonly name = "SessionsError";
}

/** @throws SessionsError when there are too few ids or positions */
export function scenariosFor(config: {
  readonly vocabSize: number;
  readonly maxPositionEmbeddings: number;
}): Scenario[] {
  const { vocabSize, maxPositionEmbeddings } = config;
  for (const [subject, least, found] of [
    ["vocab_size", LEAST_VOCABULARY, vocabSize],
    ["max_position_embeddings", LONGEST, maxPositionEmbeddings],
  ] as const) {
    if (found < least) throw new SessionsError({ subject, expected: `at least ${least}`, found });
  }
  // Control tokens come first in LFM2's vocabularies.
  const first = 16;
  const count = Math.min(vocabSize, 1024) - first;
  const text = (seed: number): number[] =>
    Array.from({ length: LONGEST }, (_, i) => first + ((seed * 37 + i * i * 11 + i * 5) % count));
  const [a, b, c, d, guess] = [1, 2, 3, 5, 8].map(text);
  /** One id for each of the sequences, the next of its text. */
  const next = (at: Readonly<Record<string, readonly [ids: readonly number[], index: number]>>): Action => ({
    step: Object.fromEntries(Object.entries(at).map(([name, [ids, index]]) => [name, [ids[index]]])),
  });

  const together: Scenario[] = [
    {
      name: "steps",
      actions: [
        { step: { a: a.slice(0, 5) } },
        ...[5, 6, 7].map((i) => next({ a: [a, i] })),
        { step: { a: a.slice(8, 11) } },
        next({ a: [a, 11] }),
      ],
    },
    {
      name: "interleaved",
      actions: [
        { step: { a: a.slice(0, 5) } },
        { step: { b: b.slice(0, 4) } },
        next({ a: [a, 5] }),
        next({ b: [b, 4] }),
        { step: { a: a.slice(6, 8) } },
        next({ b: [b, 5] }),
      ],
    },
    {
      name: "batch",
      actions: [{ step: { a: a.slice(0, 5), b: b.slice(0, 5) } }, ...[5, 6].map((i) => next({ a: [a, i], b: [b, i] }))],
    },
    {
      name: "padded",
      actions: [
        { step: { a: a.slice(0, 4), b: b.slice(0, 9), c: c.slice(0, 6) } },
        ...[0, 1].map((i) => next({ a: [a, 4 + i], b: [b, 9 + i], c: [c, 6 + i] })),
      ],
    },
    {
      name: "left",
      actions: [
        { step: { a: a.slice(0, 5), b: b.slice(0, 5), c: c.slice(0, 5) } },
        next({ a: [a, 5], b: [b, 5], c: [c, 5] }),
        { close: "a" },
        next({ b: [b, 6], c: [c, 6] }),
        { step: { d: d.slice(0, 4) } },
        next({ b: [b, 7], c: [c, 7], d: [d, 4] }),
      ],
    },
    {
      name: "reused",
      actions: [
        { step: { a: a.slice(0, 6) } },
        next({ a: [a, 6] }),
        { close: "a" },
        { step: { b: b.slice(0, 1) } },
        { step: { b: b.slice(1, 4) } },
      ],
    },
    {
      name: "rejected",
      actions: [
        { step: { a: a.slice(0, 5) } },
        { step: { a: [a[5], ...guess.slice(0, 3)] } },
        { rewind: "a", to: 6 },
        next({ a: [a, 6] }),
        { step: { a: [a[7], ...guess.slice(3, 5)] } },
        { rewind: "a", to: 8 },
        { step: { a: a.slice(8, 10) } },
      ],
    },
    {
      name: "hit",
      actions: [
        { step: { a: a.slice(0, 6) } },
        next({ a: [a, 6] }),
        { open: "b", from: "a", to: 6 },
        { step: { b: b.slice(6, 8) } },
        next({ a: [a, 7], b: [b, 8] }),
      ],
    },
    {
      name: "restored",
      actions: [
        { step: { a: a.slice(0, 6) } },
        next({ a: [a, 6] }),
        { close: "a" },
        { step: { b: b.slice(0, 5) } },
        { open: "c", from: "a", to: 7 },
        { step: { c: c.slice(7, 9) } },
        next({ c: [c, 9] }),
      ],
    },
  ];
  return [alone(together), ...together];
}

/** Everything that a sequence of the others has read after a step, each in one step, one after another. */
function alone(others: readonly Scenario[]): Scenario {
  const read = others.flatMap((scenario) =>
    stepsOf(scenario).flatMap(({ chunks }) => chunks.map(({ before, ids }) => [...before, ...ids])),
  );
  const texts = [...new Map(read.map((text) => [text.join(), text])).values()];
  const actions = texts.flatMap((ids, i): Action[] => [{ step: { [`s${i}`]: ids } }, { close: `s${i}` }]);
  return { name: ALONE, actions };
}
