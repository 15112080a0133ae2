// How values are written: as JSON, or as the Python literals of LFM2's tool calls.
import { choice, type Expression, NOTHING, optional, sequence, symbol, text } from "./grammar.ts";
import type { GrammarBuilder } from "./grammar-builder.ts";
import { type Machine, wordsMachine } from "./machine.ts";
import type { Json } from "./schema.ts";
import { gap, JSON_STRING, PLAIN, PYTHON_DOUBLE, PYTHON_SINGLE, type Spelling, spell } from "./spelling.ts";

export interface Notation {
  readonly name: string;
  /** The strings of a machine, in their quotes. */
  string(words: Machine): Expression;
  /** Numbers and other words without quotes. */
  bare(words: Machine): Expression;
  readonly null: Expression;
  readonly true: Expression;
  readonly false: Expression;
  /** White space within brackets, after a comma and after a colon. */
  readonly inside: Expression;
  readonly afterColon: Expression;
}

/** Objects and lists may be indented this far. */
const MAX_INDENT = 24;

export function jsonNotation(builder: GrammarBuilder): Notation {
  return {
    name: "json",
    string: (words) => inQuotes('"', words, JSON_STRING, builder),
    bare: (words) => spell(words, PLAIN, builder),
    null: text("null"),
    true: text("true"),
    false: text("false"),
    inside: builder.rule("json inside", () => gap(MAX_INDENT)),
    afterColon: optional(symbol(0x20)),
  };
}

/** LFM2.5's template writes objects as JSON within the Python, so both ways of writing null, true and false occur. */
export function pythonNotation(builder: GrammarBuilder): Notation {
  return {
    name: "python",
    string: (words) =>
      choice(inQuotes("'", words, PYTHON_SINGLE, builder), inQuotes('"', words, PYTHON_DOUBLE, builder)),
    bare: (words) => spell(words, PLAIN, builder),
    null: choice(text("None"), text("null")),
    true: choice(text("True"), text("true")),
    false: choice(text("False"), text("false")),
    inside: optional(symbol(0x20)),
    afterColon: optional(symbol(0x20)),
  };
}

function inQuotes(quote: string, words: Machine, spelling: Spelling, builder: GrammarBuilder): Expression {
  return sequence(text(quote), spell(words, spelling, builder), text(quote));
}

/** One value of enum or const. @param path  where it is stated, for errors */
export function literal(value: Json, notation: Notation, path: string): Expression {
  if (value === null) return notation.null;
  if (typeof value === "boolean") return value ? notation.true : notation.false;
  if (typeof value === "number") return text(String(value));
  if (typeof value === "string") return notation.string(wordsMachine([value], path));
  if (Array.isArray(value))
    return list(
      "[",
      value.map((item) => literal(item, notation, path)),
      "]",
      notation,
    );
  const members = Object.entries(value).map(([name, member]) =>
    sequence(
      notation.string(wordsMachine([name], path)),
      text(":"),
      notation.afterColon,
      literal(member, notation, path),
    ),
  );
  return list("{", members, "}", notation);
}

function list(open: string, items: readonly Expression[], close: string, notation: Notation): Expression {
  const separated = items.flatMap((item, i) => (i === 0 ? [item] : [comma(notation), item]));
  return sequence(text(open), notation.inside, ...separated, items.length > 0 ? notation.inside : NOTHING, text(close));
}

export const comma = (notation: Notation): Expression => sequence(text(","), notation.inside);
