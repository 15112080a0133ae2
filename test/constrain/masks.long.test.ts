// Masks at length: of many random schemas, and after more states than an automaton keeps.
import { describe, expect, it } from "vitest";
import { expectEveryToken } from "./every-token.ts";
import { constrain, idsOf, isIn, schema } from "./harness.ts";

const encoder = new TextEncoder();

describe("a mask", () => {
  it("has the tokens that may follow, and no others, after every byte of a valid answer", () => expectEveryToken(60));

  it("stays right when so much was seen that the automaton forgets", () => {
    // Lists within lists: every depth is another state. 61 classes would be full after 68,000 states.
    const request = schema({
      $ref: "#/$defs/x",
      $defs: {
        x: {
          anyOf: [
            { type: "array", items: { $ref: "#/$defs/x" } },
            { type: "string", maxLength: 60000 },
          ],
        },
      },
    });
    const constraint = constrain(request);
    const write = (text: string): void => {
      for (const byte of encoder.encode(text)) {
        expect(isIn(constraint.allowed(), byte)).toBe(true);
        constraint.accept(byte);
      }
    };
    write('[[["');
    for (let i = 0; i < 60_000; i++) {
      constraint.accept(0x61);
      constraint.allowed();
    }
    expect(isIn(constraint.allowed(), 0x61)).toBe(false);
    write('"]]]');
    expect(idsOf(constraint.allowed(), 261)).toEqual([256]);
  });
});
