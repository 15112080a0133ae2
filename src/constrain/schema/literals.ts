// Values of enum and const, written out. Those that begin alike share their beginning, so that thousands of them are one
// position of the grammar until they part.
import { define, type Json, type Schema } from "../../json-schema/keywords.ts";
import { type Expression, text } from "../grammar.ts";
import { comma, type Notation } from "../notation.ts";

/** Any of `values`. */
export function literals(values: readonly Json[], notation: Notation): Expression {
  const edges: { on: Expression; to: number }[][] = [[]];
  const accepting = [false];
  const next: Map<number | Expression, number>[] = [new Map()];
  const piecesOf = createWriter(notation);
  for (const value of values) {
    let state = 0;
    for (const piece of piecesOf(value)) {
      const key = piece.kind === "symbols" ? piece.low : piece;
      const known = next[state].get(key);
      const to = known ?? edges.push([]) - 1;
      if (known === undefined) {
        edges[state].push({ on: piece, to });
        next[state].set(key, to);
        next.push(new Map());
        accepting.push(false);
      }
      state = to;
    }
    accepting[state] = true;
  }
  return { kind: "automaton", edges, accepting };
}

/** The pieces of a value in order: single bytes, and whatever may be written in several ways, the same object each time. */
function createWriter(notation: Notation): (value: Json) => readonly Expression[] {
  const words = new Map<string, Expression>();
  const wordOf = (word: string): Expression => {
    const known = words.get(word) ?? notation.word(word);
    words.set(word, known);
    return known;
  };
  const [inside, afterComma] = [notation.inside, comma(notation)];
  const write = (value: Json): readonly Expression[] => {
    if (value === null) return pieces(notation.null);
    if (typeof value === "boolean") return pieces(value ? notation.true : notation.false);
    if (typeof value === "number") return pieces(text(String(value)));
    if (typeof value === "string") return pieces(wordOf(value));
    const isList = Array.isArray(value);
    const members = isList
      ? value.map(write)
      : Object.entries(value).map(([name, member]) => [
          ...pieces(wordOf(name)),
          ...pieces(text(":")),
          notation.afterColon,
          ...write(member),
        ]);
    const separated = members.flatMap((member, i) => (i === 0 ? member : [...pieces(afterComma), ...member]));
    const [open, close] = isList ? "[]" : "{}";
    return [
      ...pieces(text(open)),
      inside,
      ...separated,
      ...(members.length > 0 ? [inside] : []),
      ...pieces(text(close)),
    ];
  };
  return write;
}

/** The parts of `expression`, in order. */
function pieces(expression: Expression): readonly Expression[] {
  return expression.kind === "sequence" ? expression.parts.flatMap(pieces) : [expression];
}

/** The schema that only this list or object satisfies. */
export function schemaOfValue(value: readonly Json[] | Schema): Schema {
  if (Array.isArray(value)) {
    const prefixItems = value.map((item) => ({ const: item }));
    return {
      type: "array",
      minItems: value.length,
      maxItems: value.length,
      ...(value.length > 0 ? { prefixItems } : {}),
    };
  }
  const properties: Record<string, Json> = {};
  for (const [name, member] of Object.entries(value)) define(properties, name, { const: member });
  return { type: "object", properties, required: Object.keys(value), additionalProperties: false };
}
