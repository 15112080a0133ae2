// Text that is still arriving, for parsers that are generators: asked for what has not come, they wait.

/** A part of such a parser; every `yield` waits for more text. */
export type Reading<T> = Generator<void, T, void>;

export interface ArrivingText {
  push(text: string): void;
  /** There is no more. */
  end(): void;
  /** UTF-16 units that have come. */
  readonly length: number;
  /** The unit at `i`, once it has come; "" behind the last. */
  unit(i: number): Reading<string>;
  /** Where the space that begins at `from` ends. */
  skipSpace(from: number): Reading<number>;
  /** The same for space and comments, `#` to the end of the line. */
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
    skipSpace,
    *skipGap(from) {
      let i = yield* skipSpace(from);
      while ((yield* unit(i)) === "#") {
        while (!"\n".startsWith(yield* unit(i))) i++;
        i = yield* skipSpace(i);
      }
      return i;
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
