// A mask against every token tried alone, byte by byte, over random schemas and vocabularies.
import fc from "fast-check";
import { expect } from "vitest";
import { createConstraint } from "../../src/constrain/constraint.ts";
import { buildTree, collectVocabulary } from "../../src/constrain/vocabulary.ts";
import { compile, constrain, idsOf, isIn, type Request, schema } from "./harness.ts";
import { samples } from "./random-schemas.ts";

const encoder = new TextEncoder();

/** Whether the bytes of one token may follow, as a vocabulary of single bytes tells; `history` are bytes so far. */
export function mayFollow(request: Request, history: readonly number[], token: Uint8Array): boolean {
  const constraint = constrain(request);
  for (const byte of history) constraint.accept(byte);
  for (const byte of token) {
    if (!isIn(constraint.allowed(), byte)) return false;
    constraint.accept(byte);
  }
  return true;
}

const piece = fc.oneof(
  fc.constantFrom(
    ...[
      '"',
      '{"',
      '"}',
      '":',
      '": ',
      ",",
      ", ",
      "[",
      "]",
      "[]",
      "{}",
      "\n",
      "\n  ",
      " ",
      "\\",
      '\\"',
      "\\n",
      "'",
      "-",
      "0",
      "12",
      ".5",
    ],
  ),
  fc.constantFrom(
    "a",
    "ab",
    "name",
    "the ",
    "é",
    "日本",
    "😀",
    "e+",
    "true",
    "null",
    "]}",
    '","',
    "kind",
    "x".repeat(40),
  ),
);
const token = fc
  .oneof(
    fc.array(piece, { minLength: 1, maxLength: 3 }).map((pieces) => encoder.encode(pieces.join(""))),
    piece.map((piece) => encoder.encode(piece).slice(1)), // ends or begins within a character
    fc.uint8Array({ minLength: 1, maxLength: 4 }),
  )
  .filter((token) => token.length > 0);

/** @param answers  valid ones, each with a vocabulary of its own and masks at six places */
export function expectEveryToken(answers: number): void {
  fc.assert(
    fc.property(
      samples,
      fc.array(token, { maxLength: 60 }),
      fc.array(fc.nat(), { minLength: 6, maxLength: 6 }),
      (sample, tokens, cuts) => {
        const request = schema(sample.schema);
        const all = [...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)), ...tokens];
        const stop = all.length;
        const tree = buildTree(collectVocabulary(stop + 1, (id) => all[id]));
        const answer = encoder.encode(JSON.stringify(sample.value));
        for (const cut of cuts) {
          const history = [...answer.subarray(0, cut % (answer.length + 1))];
          const constraint = createConstraint(compile(request), tree, stop + 1, [stop]);
          for (const byte of history) constraint.accept(byte);
          const found = idsOf(constraint.allowed(), stop);
          const expected = all.flatMap((token, id) => (mayFollow(request, history, token) ? [id] : []));
          expect(found).toEqual(expected);
          if (history.length === answer.length) expect(isIn(constraint.allowed(), stop)).toBe(true);
        }
      },
    ),
    { numRuns: answers },
  );
}
