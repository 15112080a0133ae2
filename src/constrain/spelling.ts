// How characters are written as bytes: as they are, or within the quotes of a JSON or Python string.

import { choice, type Expression, NOTHING, sequence, symbol, symbols, text } from "./grammar.ts";
import type { GrammarBuilder } from "./grammar-builder.ts";
import { type Characters, characters, complement, intersection } from "./text/characters.ts";
import { freedomOf, type Machine } from "./text/machine.ts";

/** Every character has one spelling, so that what is compared as text (names of properties) can be compared as bytes. */
export interface Spelling {
  readonly name: string;
  /** Characters that are not written as they are, and how they are written instead. */
  readonly escapes: ReadonlyMap<number, string>;
  /** These characters, and all others. */
  readonly escaped: Characters;
  readonly asTheyAre: Characters;
}

function spelling(name: string, escapes: ReadonlyMap<number, string>): Spelling {
  const escaped = characters(...Array.from(escapes.keys(), (code) => [code, code] as const));
  return { name, escapes, escaped, asTheyAre: complement(escaped) };
}

const SHORT: Readonly<Record<number, string>> = { 8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r" };

function quoted(name: string, quote: string): Spelling {
  const escapes = new Map<number, string>();
  for (let code = 0; code < 0x20; code++) {
    escapes.set(code, SHORT[code] ?? `\\u${code.toString(16).padStart(4, "0")}`);
  }
  for (const character of [quote, "\\"]) escapes.set(character.charCodeAt(0), `\\${character}`);
  return spelling(name, escapes);
}

export const PLAIN: Spelling = spelling("plain", new Map());
export const JSON_STRING: Spelling = quoted("json", '"');
export const PYTHON_DOUBLE: Spelling = quoted("python-double", '"');
export const PYTHON_SINGLE: Spelling = quoted("python-single", "'");

/** A word of the machine, spelled. */
export function spell(machine: Machine, spelling: Spelling, builder: GrammarBuilder): Expression {
  builder.reserve(machine.edges.length);
  // Many edges have the very same set.
  const spelled = new Map<Characters, Expression>();
  const spellSet = (set: Characters): Expression => {
    const known = spelled.get(set) ?? spellCharacter(set, spelling, builder);
    spelled.set(set, known);
    return known;
  };
  return {
    kind: "automaton",
    edges: machine.edges.map((edges) => edges.map(({ on, to }) => ({ on: spellSet(on), to }))),
    accepting: machine.accepting,
    freedom: freedomOf(machine),
  };
}

export function spellWord(word: string, { escapes }: Spelling): string {
  return Array.from(word, (character) => escapes.get(character.codePointAt(0) as number) ?? character).join("");
}

function spellCharacter(set: Characters, spelling: Spelling, builder: GrammarBuilder): Expression {
  const define = (): Expression => {
    const asTheyAre = intersection(set, spelling.asTheyAre).flatMap(([low, high]) => utf8(low, high));
    const instead = intersection(set, spelling.escaped).flatMap(([low, high]) =>
      Array.from({ length: high - low + 1 }, (_, i) => text(spelling.escapes.get(low + i) as string)),
    );
    return choice(...asTheyAre, ...instead);
  };
  // Sets that take many edges are shared.
  const isSmall = set.length === 1 && (set[0][0] === set[0][1] || set[0][1] < 0x80);
  return isSmall ? define() : builder.rule(`${spelling.name}: ${set.join(" ")}`, define);
}

/**
 * The UTF-8 of a range of characters, as sequences of byte ranges.
 *
 * @source Russ Cox, Regular Expression Matching with a Trigram Index; RE2, re2/compile.cc, AddUTF8Range
 */
function utf8(low: number, high: number): Expression[] {
  for (const end of [0x7f, 0x7ff, 0xffff]) {
    if (low <= end && end < high) return [...utf8(low, end), ...utf8(end + 1, high)];
  }
  if (high <= 0x7f) return [symbols(low, high)];
  const length = high <= 0x7ff ? 2 : high <= 0xffff ? 3 : 4;
  // A range whose last bytes do not run from 80 to BF is cut where they begin to.
  for (let bits = 6; bits < 6 * length; bits += 6) {
    const mask = (1 << bits) - 1;
    if ((low & ~mask) === (high & ~mask)) continue;
    if ((low & mask) !== 0) return [...utf8(low, low | mask), ...utf8((low | mask) + 1, high)];
    if ((high & mask) !== mask) return [...utf8(low, (high & ~mask) - 1), ...utf8(high & ~mask, high)];
  }
  const a = bytesOf(low);
  const b = bytesOf(high);
  return [sequence(...Array.from(a, (byte, i) => (byte === b[i] ? symbol(byte) : symbols(byte, b[i]))))];
}

const encoder = new TextEncoder();
const bytesOf = (code: number): Uint8Array => encoder.encode(String.fromCodePoint(code));

/** White space that a value may have around it: bounded, because a model can go on writing it without end. */
export function gap(spaces: number): Expression {
  const indents = Array.from({ length: spaces }, () => symbol(0x20));
  const line = indents.reduceRight<Expression>((rest, space) => choice(NOTHING, sequence(space, rest)), NOTHING);
  return choice(NOTHING, symbol(0x20), sequence(symbol(0x0a), line));
}
