// Regular expressions as JavaScript writes them with the `u` flag, parsed into what an automaton can hold.

import { ConstraintError, shown } from "../error.ts";
import { type Characters, characters, complement } from "./characters.ts";

export type Regex =
  | { readonly kind: "characters"; readonly set: Characters }
  | { readonly kind: "sequence" | "choice"; readonly parts: readonly Regex[] }
  | { readonly kind: "repeat"; readonly of: Regex; readonly min: number; readonly max: number }
  | { readonly kind: "start" | "end" };

const MAX_LENGTH = 10_000;
const MAX_NESTING = 100;

const DIGIT = characters([0x30, 0x39]);
const WORD = characters([0x30, 0x39], [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]);
const LINE_ENDS = characters([0x0a, 0x0a], [0x0d, 0x0d], [0x2028, 0x2029]);
const SPACE = characters(
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
);

const SETS: Readonly<Record<string, Characters>> = {
  d: DIGIT,
  D: complement(DIGIT),
  w: WORD,
  W: complement(WORD),
  s: SPACE,
  S: complement(SPACE),
};
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, "0": 0 };

const PROPERTY = /\\[pP]/y;
const QUANTIFIER = /(?:[*+?]|\{(\d+)(,(\d*))?\})\??/y;
const GROUP = /\((?:\?:|\?<[^>]*>)?/y;
const CODED = /(?:x([\da-f]{2})|u([\da-f]{4})|u\{([\da-f]+)\})/iy;
const LOW_SURROGATE = /\\u(d[c-f][\da-f]{2})/iy;

/** What no automaton over characters can do, or what engines disagree about. */
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/\(\?<?[=!]/y, "a look-around"],
  [/\(\?[a-z-]+:/y, "a modifier group"],
  [/\\[1-9k]/y, "a back reference"],
  [/\\[bB]/y, "a word boundary"],
  [PROPERTY, "a Unicode property"],
];

/**
 * @param subject  how an error names the pattern: "pattern", "schema.properties.id.pattern"
 * @throws ConstraintError when JavaScript refuses the pattern, or for a construct that is not supported, by its place
 * @source ECMA-262, 22.2.1 Patterns
 */
export function parseRegex(pattern: string, subject: string): Regex {
  if (pattern.length > MAX_LENGTH) {
    throw new ConstraintError({ subject, expected: `at most ${MAX_LENGTH} characters`, found: pattern.length });
  }
  try {
    new RegExp(pattern, "u");
  } catch (cause) {
    throw new ConstraintError(
      {
        subject,
        expected: "a regular expression of JavaScript with the u flag",
        found: `${shown(pattern)}: ${(cause as Error).message}`,
      },
      { cause },
    );
  }
  return new Parser(pattern, subject).parse();
}

/** JavaScript has found the pattern well-formed, so what is not refused is what its first character says. */
class Parser {
  readonly #pattern: string;
  readonly #subject: string;
  #at = 0;

  constructor(pattern: string, subject: string) {
    this.#pattern = pattern;
    this.#subject = subject;
  }

  parse(): Regex {
    return this.#choice(0);
  }

  #choice(nesting: number): Regex {
    if (nesting > MAX_NESTING) this.#refuse(`groups nested deeper than ${MAX_NESTING}`);
    const parts: Regex[] = [];
    do parts.push(this.#sequence(nesting));
    while (this.#take("|"));
    return parts.length === 1 ? parts[0] : { kind: "choice", parts };
  }

  #sequence(nesting: number): Regex {
    const parts: Regex[] = [];
    while (this.#at < this.#pattern.length && !"|)".includes(this.#pattern[this.#at])) {
      parts.push(this.#quantified(this.#atom(nesting)));
    }
    return { kind: "sequence", parts };
  }

  #quantified(of: Regex): Regex {
    const found = this.#match(QUANTIFIER);
    if (found === null) return of;
    const [text, least, comma, most] = found;
    if (text[0] === "*") return { kind: "repeat", of, min: 0, max: Number.POSITIVE_INFINITY };
    if (text[0] === "+") return { kind: "repeat", of, min: 1, max: Number.POSITIVE_INFINITY };
    if (text[0] === "?") return { kind: "repeat", of, min: 0, max: 1 };
    const max = comma === undefined ? Number(least) : most ? Number(most) : Number.POSITIVE_INFINITY;
    return { kind: "repeat", of, min: Number(least), max };
  }

  #atom(nesting: number): Regex {
    for (const [construct, name] of REFUSED) if (this.#sees(construct)) this.#refuse(name);
    if (this.#take("^")) return { kind: "start" };
    if (this.#take("$")) return { kind: "end" };
    if (this.#take(".")) return { kind: "characters", set: complement(LINE_ENDS) };
    if (this.#match(GROUP) !== null) {
      const inner = this.#choice(nesting + 1);
      this.#take(")");
      return inner;
    }
    if (this.#take("[")) return { kind: "characters", set: this.#class() };
    return { kind: "characters", set: asSet(this.#character()) };
  }

  /** After `[`. */
  #class(): Characters {
    const negated = this.#take("^");
    const ranges: (readonly [number, number])[] = [];
    while (!this.#take("]")) {
      if (this.#sees(PROPERTY)) this.#refuse("a Unicode property");
      const low = this.#character(true);
      if (typeof low === "number" && this.#pattern[this.#at + 1] !== "]" && this.#take("-")) {
        ranges.push([low, this.#character(true) as number]);
      } else {
        ranges.push(...asSet(low));
      }
    }
    const set = characters(...ranges);
    return negated ? complement(set) : set;
  }

  /** One character, or the set that an escape names. */
  #character(inClass = false): number | Characters {
    if (!this.#take("\\")) return this.#next();
    const letter = this.#pattern[this.#at];
    const set = SETS[letter];
    if (set !== undefined) {
      this.#at++;
      return set;
    }
    const coded = this.#match(CODED);
    if (coded !== null) {
      const code = Number.parseInt(coded[1] ?? coded[2] ?? coded[3], 16);
      const isHigh = coded[2] !== undefined && code >= 0xd800 && code <= 0xdbff;
      const low = isHigh ? this.#match(LOW_SURROGATE) : null;
      return low === null ? code : 0x10000 + ((code - 0xd800) << 10) + (Number.parseInt(low[1], 16) - 0xdc00);
    }
    if (letter === "c") {
      this.#at += 2;
      return this.#pattern.charCodeAt(this.#at - 1) % 32;
    }
    if (letter === "b" && inClass) {
      this.#at++;
      return 8;
    }
    const control = CONTROLS[letter];
    if (control === undefined) return this.#next();
    this.#at++;
    return control;
  }

  #next(): number {
    const code = this.#pattern.codePointAt(this.#at) as number;
    this.#at += code > 0xffff ? 2 : 1;
    return code;
  }

  /** @param construct  a sticky expression */
  #sees(construct: RegExp): boolean {
    construct.lastIndex = this.#at;
    return construct.test(this.#pattern);
  }

  #match(construct: RegExp): RegExpExecArray | null {
    construct.lastIndex = this.#at;
    const found = construct.exec(this.#pattern);
    if (found !== null) this.#at += found[0].length;
    return found;
  }

  #take(character: string): boolean {
    if (this.#pattern[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #refuse(construct: string): never {
    throw new ConstraintError({
      subject: this.#subject,
      expected: "literals, classes, groups, alternatives, quantifiers, ^ and $",
      found: `${construct} at character ${this.#at}, ${shown(this.#pattern.slice(this.#at, this.#at + 12))}`,
      remedy: "Write the pattern without it.",
    });
  }
}

const asSet = (found: number | Characters): Characters =>
  typeof found === "number" ? characters([found, found]) : found;
