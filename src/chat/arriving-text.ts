// Text that is still arriving, for parsers that are generators: asked for what has not come, they wait.

/** A part of such a parser; every `yield` waits for more text. */
export type Reading<T> = Generator<void, T, void>;

export interface ArrivingText {
  push(text: string): void;
  /** No more text will come. */
  end(): void;
  /** How many UTF-16 units have come. */
  readonly length: number;
  /** The unit at `i`, once it has come; "" behind the last. */
  unit(i: number): Reading<string>;
  /** Whether `expected` begins at `i`. */
  startsWith(expected: string, i: number): Reading<boolean>;
  /** Where the space that begins at `from` ends. */
  skipSpace(from: number): Reading<number>;
  /** The same for space, comments (`#` to the end of the line), and backslashes that continue a line. */
  skipGap(from: number): Reading<number>;
  /** Where the run of units that are neither space nor punctuation ends. */
  skipWord(from: number): Reading<number>;
  /** What has come, from `begin` to before `end`. */
  slice(begin: number, end?: number): string;
}

const SPACE = new Set(" \t\n\r\f\v\u00a0\ufeff");
const PUNCTUATION = new Set("()[]{},;:='\"#");

export const isSpace = (unit: string): boolean => SPACE.has(unit);

export function createArrivingText(): ArrivingText {
  // An array: a string that grows is copied whenever it is looked into.
  const units: string[] = [];
  let isOver = false;

  function* unit(i: number): Reading<string> {
    while (i >= units.length && !isOver) yield;
    return units[i] ?? "";
  }

  function* skipSpace(from: number): Reading<number> {
    let i = from;
    while (SPACE.has(units[i] ?? (yield* unit(i)))) i++;
    return i;
  }

  // Asked for again and again when many quotes precede a # on one line.
  let line = { begin: 0, end: 0 };

  function* endOfLine(from: number): Reading<number> {
    if (from >= line.begin && from < line.end) return line.end;
    let i = from;
    while (!"\n".startsWith(units[i] ?? (yield* unit(i)))) i++;
    line = { begin: from, end: i };
    return i;
  }

  return {
    push(text) {
      for (let i = 0; i < text.length; i++) units.push(text[i]);
    },
    end() {
      isOver = true;
    },
    get length() {
      return units.length;
    },
    unit,
    *startsWith(expected, i) {
      for (let k = 0; k < expected.length; k++) if ((yield* unit(i + k)) !== expected[k]) return false;
      return true;
    },
    skipSpace,
    *skipGap(from) {
      for (let i = from; ; ) {
        i = yield* skipSpace(i);
        const next = units[i] ?? (yield* unit(i));
        if (next === "#") i = yield* endOfLine(i);
        else if (next === "\\" && /[\r\n]/.test(yield* unit(i + 1))) i++;
        else return i;
      }
    },
    *skipWord(from) {
      for (let i = from; ; i++) {
        const next = units[i] ?? (yield* unit(i));
        if (next === "" || SPACE.has(next) || PUNCTUATION.has(next)) return i;
      }
    },
    slice: (begin, end) => units.slice(begin, end).join(""),
  };
}
