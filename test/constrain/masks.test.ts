// The walk through the vocabulary's tree, with all its shortcuts, against every token tried alone.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createConstraint } from "../../src/constrain/constraint.ts";
import { buildTree, collectVocabulary } from "../../src/constrain/vocabulary.ts";
import { expectEveryToken, mayFollow } from "./every-token.ts";
import { compile, constrain, constrainNano, idsOf, isIn, type Request, regex, schema, tokenizer } from "./harness.ts";

const encoder = new TextEncoder();

describe("a mask", () => {
  it("has the tokens that may follow, and no others, after every byte of a valid answer", () => expectEveryToken(6));

  it("is the same for a text, whatever tokens it is written in", () => {
    const request = schema({
      type: "object",
      properties: { name: { type: "string", maxLength: 300 }, n: { type: "number" } },
    });
    const text = '{"name": "the 日本 of it, 😀", "n": -12.5}';
    const bySmall = constrainNano(request);
    for (const byte of encoder.encode(text)) bySmall.accept(idOfByte(byte));
    const byLarge = constrainNano(request);
    for (const id of tokenizer.encode(text)) {
      expect(isIn(byLarge.allowed(), id)).toBe(true);
      byLarge.accept(id);
    }
    expect(byLarge.allowed()).toEqual(bySmall.allowed());
  });

  it("stays within its work where a schema asks for exponentially many readings, and always leaves a way on", () => {
    const list = (maxItems: number) => ({ type: "array", items: { $ref: "#/$defs/x" }, maxItems });
    const request = schema({
      $ref: "#/$defs/x",
      $defs: { x: { anyOf: [list(50), list(51), list(52), { type: "string" }] } },
    });
    const constraint = constrainNano(request);
    const begin = performance.now();
    const bracket = tokenizer.idOf("[") as number;
    for (let i = 0; i < 40; i++) {
      expect(isIn(constraint.allowed(), bracket)).toBe(true);
      constraint.accept(bracket);
    }
    // 3⁴⁰ readings, whose stacks are kept as one set each
    expect(performance.now() - begin).toBeLessThan(5_000);
  });

  it("has every first letter of 5,000 ways to go on", () => {
    const names = Array.from({ length: 5000 }, (_, i) => `${String.fromCharCode(97 + (i % 26))}${i}`);
    const constraint = constrain(schema({ enum: names.map((name) => [name]) }));
    for (const byte of encoder.encode('["')) constraint.accept(byte);
    const letters = Array.from({ length: 26 }, (_, i) => 97 + i);
    expect(idsOf(constraint.allowed(), 261)).toEqual(letters);
    for (const byte of encoder.encode('z4731"]')) {
      expect(isIn(constraint.allowed(), byte)).toBe(true);
      constraint.accept(byte);
    }
    expect(idsOf(constraint.allowed(), 261)).toEqual([256]);
  });

  it("lets no text nest deeper than 256 calls, and leaves it a way to its end there", () => {
    const request: Request = { responseFormat: { type: "json_object" } };
    const constraint = constrain(request);
    let depth = 0;
    const write = (text: string): boolean => {
      for (const byte of encoder.encode(text)) {
        if (!isIn(constraint.allowed(), byte)) return false;
        constraint.accept(byte);
      }
      return true;
    };
    write('{"a":');
    while (depth < 1000 && isIn(constraint.allowed(), 0x5b)) {
      write("[");
      depth++;
    }
    expect(depth).toBeGreaterThan(50);
    expect(depth).toBeLessThan(256);
    expect(write(`${"]".repeat(depth)}}`)).toBe(true);
    expect(isIn(constraint.allowed(), 256)).toBe(true);
  });

  it("lets no object nest so deep that its members cannot be written", () => {
    const constraint = constrain({ responseFormat: { type: "json_object" } });
    const write = (text: string): void => {
      for (const byte of encoder.encode(text)) {
        expect([text, byte, isIn(constraint.allowed(), byte)]).toEqual([text, byte, true]);
        constraint.accept(byte);
      }
    };
    let depth = 0;
    for (; depth < 1000 && isIn(constraint.allowed(), 0x7b); depth++) write('{"a":');
    expect(depth).toBeLessThan(256);
    write(`1${"}".repeat(depth)}`);
    expect(isIn(constraint.allowed(), 256)).toBe(true);
  });

  it("looks at every byte that a string may not have, wherever it is in a token", () => {
    const bytes = Array.from({ length: 256 }, (_, byte) => byte);
    const tokens = bytes.flatMap((byte) => [
      [byte],
      [0x61, byte],
      [0x61, 0x62, byte, 0x71],
      [0xc3, byte],
      [0xed, byte, 0x80],
    ]);
    const tree = buildTree(collectVocabulary(tokens.length, (id) => Uint8Array.from(tokens[id])));
    const quoted = (request: Request, history: string): void => {
      const constraint = createConstraint(compile(request), tree, tokens.length + 1, [tokens.length]);
      for (const byte of encoder.encode(history))
        constraint.accept(tokens.findIndex((token) => token.length === 1 && token[0] === byte));
      const expected = tokens.flatMap((token, id) =>
        mayFollow(request, [...encoder.encode(history)], Uint8Array.from(token)) ? [id] : [],
      );
      expect(idsOf(constraint.allowed(), tokens.length)).toEqual(expected);
    };
    for (const limit of [{}, { maxLength: 100 }, { maxLength: 3 }]) quoted(schema({ type: "string", ...limit }), '"');
    quoted(regex("[^]*"), "");
    quoted(regex("[^\n]{0,50}"), "a");
  });

  it("takes a bounded time over tokens that are each another reading, and then leaves out long ones only", () => {
    const list = (maxItems: number) => ({ type: "array", items: { $ref: "#/$defs/x" }, maxItems });
    const request = schema({ $ref: "#/$defs/x", $defs: { x: { anyOf: [50, 51, 52].map(list) } } });
    // Every way to go on with lists, twelve characters long or so.
    const follow: Record<string, string> = { "[": "[]", "]": ",]", ",": "[" };
    let words = ["["];
    while (words.length < 30_000) {
      words = words.flatMap((word) => Array.from(follow[word.at(-1) as string], (next) => word + next));
    }
    const bytes = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte));
    const tokens = [...bytes, ...words.map((word) => encoder.encode(word))];
    const constraint = createConstraint(
      compile(request),
      buildTree(collectVocabulary(tokens.length, (id) => tokens[id])),
      tokens.length + 1,
      [tokens.length],
    );
    const times = Array.from({ length: 12 }, () => {
      const begin = performance.now();
      const found = idsOf(constraint.allowed(), 256);
      const time = performance.now() - begin;
      expect(found).not.toEqual([]);
      constraint.accept(found.includes(0x5b) ? 0x5b : found[0]);
      return time;
    });
    expect(Math.max(...times)).toBeLessThan(3000);
  });

  it("never has tokens that are matched whole: what they look like is written with others", () => {
    const constraint = constrainNano(regex("[^]{1,40}"));
    const special = Array.from({ length: 2048 }, (_, id) => id).filter((id) => tokenizer.bytesOf(id) === undefined);
    expect(special).toContain(7);
    expect(special).toContain(tokenizer.idOf("<think>"));
    expect(special.filter((id) => isIn(constraint.allowed(), id))).toEqual([]);
    for (const id of tokenizer.encode("<|im_end|>", { parseSpecial: false })) {
      expect(isIn(constraint.allowed(), id)).toBe(true);
      constraint.accept(id);
    }
  });
});

describe("the tree of a vocabulary", () => {
  it("holds every token at its bytes, equal ones at one node", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 5 }), { maxLength: 40 }), (tokens) => {
        const vocabulary = collectVocabulary(tokens.length, (id) => tokens[id]);
        const tree = buildTree(vocabulary);
        const found: [number, string][] = [];
        const path: number[] = [];
        for (let node = 1; node < tree.byte.length; node++) {
          path[tree.depth[node] - 1] = tree.byte[node];
          for (const id of tree.ids.subarray(tree.idOffsets[node], tree.idOffsets[node + 1])) {
            found.push([id, path.slice(0, tree.depth[node]).join()]);
          }
          expect(tree.after[node]).toBeGreaterThan(node);
        }
        expect(found.sort(([a], [b]) => a - b)).toEqual(
          tokens.flatMap((token, id) => (token.length > 0 ? [[id, token.join()]] : [])),
        );
      }),
    );
  });
});

/** The id of the token that is one byte. */
function idOfByte(byte: number): number {
  return Array.from({ length: 2048 }, (_, id) => id).findIndex((id) => {
    const bytes = tokenizer.bytesOf(id);
    return bytes?.length === 1 && bytes[0] === byte;
  });
}
