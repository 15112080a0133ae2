// Tool calls at length: written and read again, and blocks with random edits, whose arguments are JSON whatever a model
// writes.
import { describe, expect, it } from "vitest";
import { checkCall, readToolSchemas } from "../../src/chat/calls/tool-check.ts";
import { blockCases, readBlock } from "./read-block.ts";
import { describeRoundTrips } from "./round-trips.ts";

describeRoundTrips(4000);

describe("whatever a model writes", () => {
  const blocks = blockCases.flatMap(([, cases]) => cases.map(([, block]) => block));
  const schemas = readToolSchemas([
    {
      name: "f",
      parameters: { type: "object", properties: { a: { type: "string" }, b: { type: "integer" } }, required: ["a"] },
    },
  ]);

  it("nothing throws and arguments are JSON: 100,000 mutated blocks", () => {
    let state = 20_250_707;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const scraps = [
      ..."()[]{},:='\"\\#*.\n -0e",
      "'''",
      '"""',
      "None",
      "**{",
      "\\u",
      "\\x",
      "<|tool_call_end|>",
      "\ud83d",
      "f(",
    ];
    let readable = 0;
    for (let run = 0; run < 100_000; run++) {
      let block = blocks[random(blocks.length)];
      for (let edits = 1 + random(4); edits > 0; edits--) {
        const at = random(block.length + 1);
        const other = blocks[random(blocks.length)];
        const insert = [
          scraps[random(scraps.length)],
          "",
          block.slice(at, at + random(9)),
          other.slice(random(other.length)),
        ];
        block = block.slice(0, at) + insert[random(4)] + block.slice(at + random(3));
      }
      for (const piece of readBlock([block.slice(0, 9), block.slice(9)], random(2) === 0 ? "model" : "cut")) {
        if ("text" in piece) expect(piece.text).not.toBe("");
        else {
          const { arguments: json } = checkCall(piece.call, schemas);
          const parsed: unknown = JSON.parse(json);
          if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) expect.fail(block);
          readable++;
        }
      }
    }
    expect(readable).toBeGreaterThan(25_000); // the mutations leave much to be read
  });
});
