// How values are written: as JSON, or as the Python literals of LFM2's tool calls.
import { choice, type Expression, optional, sequence, symbol, text } from "./grammar.ts";
import type { GrammarBuilder } from "./grammar-builder.ts";
import { gap, JSON_STRING, PLAIN, PYTHON_DOUBLE, PYTHON_SINGLE, type Spelling, spell, spellWord } from "./spelling.ts";
import type { Machine } from "./text/machine.ts";

export interface Notation {
  readonly name: string;
  /** The strings of a machine, in their quotes. */
  string(words: Machine): Expression;
  /** One string, in its quotes. */
  word(text: string): Expression;
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
    word: (word) => text(`"${spellWord(word, JSON_STRING)}"`),
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
    word: (word) => choice(text(`'${spellWord(word, PYTHON_SINGLE)}'`), text(`"${spellWord(word, PYTHON_DOUBLE)}"`)),
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

export const comma = (notation: Notation): Expression => sequence(text(","), notation.inside);
