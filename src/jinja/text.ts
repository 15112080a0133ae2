// Strings that remember which of their characters came from outside, through everything a template does with them.

/** Sorted, disjoint stretches of UTF-16 units, flat: [start, end, start, end, …]. */
export type Stretches = readonly number[];

/** Far above any prompt; a template that doubles a string in a loop ends here. */
export const MAX_TEXT_LENGTH = 1 << 26;

/**
 * Python's str, with marks. What is marked never decides what a template writes: every operation computes the same
 * string with marks as without, so the marks cannot make a prompt differ from Python's.
 */
export class Text {
  readonly value: string;
  /** What came from outside: a user, a tool, arguments of a call. */
  readonly untrusted: Stretches;

  constructor(value: string, untrusted: Stretches = NONE) {
    if (value.length > MAX_TEXT_LENGTH) {
      throw new Error(`text: expected at most ${MAX_TEXT_LENGTH} characters, found ${value.length}`);
    }
    this.value = value;
    this.untrusted = untrusted;
  }

  slice(start: number, end: number = this.value.length): Text {
    const value = this.value.slice(start, end);
    if (this.untrusted.length === 0) return new Text(value);
    const cut: number[] = [];
    for (let i = 0; i < this.untrusted.length; i += 2) {
      const from = Math.max(this.untrusted[i], start);
      const to = Math.min(this.untrusted[i + 1], end);
      if (from < to) cut.push(from - start, to - start);
    }
    return new Text(value, cut);
  }

  /** Code points, which are what Python counts and indexes. */
  characters(): Text[] {
    let at = 0;
    return Array.from(this.value, (character) => {
      at += character.length;
      return this.slice(at - character.length, at);
    });
  }
}

const NONE: Stretches = [];

export const untrustedText = (value: string): Text => new Text(value, value === "" ? NONE : [0, value.length]);

export function concatenate(parts: readonly Text[]): Text {
  if (parts.length === 1) return parts[0];
  let length = 0;
  const untrusted: number[] = [];
  for (const { value, untrusted: marks } of parts) {
    for (let i = 0; i < marks.length; i += 2) {
      if (untrusted.at(-1) === length + marks[i]) untrusted[untrusted.length - 1] = length + marks[i + 1];
      else untrusted.push(length + marks[i], length + marks[i + 1]);
    }
    length += value.length;
    if (length > MAX_TEXT_LENGTH) break; // the constructor says so, without joining gigabytes first
  }
  if (length > MAX_TEXT_LENGTH) throw new Error(`text: expected at most ${MAX_TEXT_LENGTH} characters, found more`);
  return new Text(parts.map(({ value }) => value).join(""), untrusted);
}

export function join(parts: readonly Text[], separator: Text): Text {
  if (separator.value === "") return concatenate(parts);
  return concatenate(parts.flatMap((part, i) => (i === 0 ? [part] : [separator, part])));
}

/**
 * The text written another way (in capitals, escaped), stretch by stretch. Where that is not what writing the whole
 * gives, as with a sigma that is the last letter only of its stretch, all of the result counts as untrusted.
 */
export function mapText(text: Text, write: (plain: string) => string): Text {
  const whole = write(text.value);
  if (text.untrusted.length === 0) return new Text(whole);
  const pieces = stretchesOf(text).map(({ value, untrusted }) => {
    return untrusted.length === 0 ? new Text(write(value)) : untrustedText(write(value));
  });
  const joined = concatenate(pieces);
  return joined.value === whole ? joined : untrustedText(whole);
}

/** Cuts a text where trust begins and ends. */
function stretchesOf(text: Text): Text[] {
  const cuts = [0, ...text.untrusted, text.value.length];
  return cuts.slice(1).flatMap((end, i) => (end > cuts[i] ? [text.slice(cuts[i], end)] : []));
}

// Python's str.isspace(); JavaScript's \s also takes U+FEFF and leaves U+001C to U+001F and U+0085.
export const PYTHON_SPACE = "\\t-\\r\\x1c-\\x1f \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const SPACE = new RegExp(`[${PYTHON_SPACE}]`);

/** Python's strip(), lstrip() and rstrip(): white space, or any of the characters given. */
export function strip(text: Text, characters: string | undefined, ends: "both" | "left" | "right" = "both"): Text {
  const set = characters === undefined ? undefined : new Set(characters);
  const goes = (character: string): boolean => (set === undefined ? SPACE.test(character) : set.has(character));
  const letters = Array.from(text.value);
  let [first, last] = [0, letters.length];
  let [start, end] = [0, text.value.length];
  if (ends !== "right") while (first < last && goes(letters[first])) start += letters[first++].length;
  if (ends !== "left") while (last > first && goes(letters[last - 1])) end -= letters[--last].length;
  return text.slice(start, end);
}

/** Code points compared one by one; UTF-16 units would put 😀 before U+FFFD. */
export function compareText(a: string, b: string): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x === y) continue;
    const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit < 0xe000;
    if (isSurrogate(x) !== isSurrogate(y)) return isSurrogate(x) ? 1 : -1;
    return x - y;
  }
  return a.length - b.length;
}
