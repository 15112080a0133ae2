// The ids that have to come: what a constraint foresees is what its masks then leave, and foreseeing changes none of them.
import { describe, expect, it } from "vitest";
import { createRandom } from "../../src/sampling/random.ts";
import { constrainNano, idsOf, type Request, regex, STOP, schema, tokenizer, VOCAB_SIZE } from "./harness.ts";

const formats: readonly Request[] = [
  regex("colou?rless green ideas"),
  schema({ type: "object", properties: { a: { const: "left right" }, b: { type: "boolean" } }, required: ["a", "b"] }),
  { responseFormat: { type: "choice", choices: ["Superman", "Supercalifragilistic", "no"] } },
];
const text = (ids: readonly number[]): string =>
  ids.map((id) => new TextDecoder().decode(tokenizer.bytesOf(id))).join("");

describe("what a constraint foresees", () => {
  it("is every id that is alone, as far as it is told to look, and the id that ends the answer", () => {
    const constraint = constrainNano({ responseFormat: { type: "choice", choices: ["q"] } });
    const [only] = idsOf(constraint.allowed(), VOCAB_SIZE);
    expect(text([only])).toBe("q");
    expect(constraint.foresee(9)).toEqual([only, STOP]);
    expect(constraint.foresee(1)).toEqual([only]);
    expect(constraint.foresee(0)).toEqual([]);
    constraint.accept(only);
    expect(constraint.foresee(9)).toEqual([STOP]);
  });

  it("is nothing where there is no format", () => {
    expect(constrainNano({}).foresee(9)).toEqual([]);
  });

  it.each(formats)("is what its masks then leave, and changes none of them, format %#", (format) => {
    for (let seed = 0; seed < 20; seed++) {
      const random = createRandom(seed);
      const [plain, foreseeing] = [constrainNano(format), constrainNano(format)];
      let expected: number[] = [];
      for (let count = 0; count < 60; count++) {
        if (random() < 0.7) expected = [...foreseeing.foresee(Math.floor(random() * 9))];
        const masks = [plain, foreseeing].map((one) => idsOf(one.allowed(), VOCAB_SIZE));
        expect(masks[1]).toEqual(masks[0]);
        const next = expected.shift();
        if (next !== undefined) expect(masks[0]).toEqual([next]);
        const id = masks[0][Math.floor(random() * masks[0].length)];
        if (id === STOP) break;
        for (const one of [plain, foreseeing]) one.accept(id);
      }
    }
  });
});
