// White space as Python sees it, and stripping it from a text's ends.

// What Python's str.strip() and Jinja's trim take; JavaScript's trim() also takes U+FEFF and leaves U+001C to U+001F and
// U+0085.
export const PYTHON_SPACE: ReadonlySet<string> = new Set(
  "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000",
);

/** Python's str.strip() and, with one side only, lstrip() and rstrip(). */
export function strip(
  plain: string,
  stripped: ReadonlySet<string> = PYTHON_SPACE,
  { left = true, right = true } = {},
): string {
  let [start, end] = [0, plain.length];
  while (left && start < end) {
    const letter = String.fromCodePoint(plain.codePointAt(start) as number);
    if (!stripped.has(letter)) break;
    start += letter.length;
  }
  while (right && start < end) {
    const pair = plain.slice(end - 2, end);
    const letter = end - start > 1 && codePoints(pair) === 1 ? pair : plain[end - 1];
    if (!stripped.has(letter)) break;
    end -= letter.length;
  }
  return plain.slice(start, end);
}

export function codePoints(plain: string): number {
  let count = 0;
  for (const _ of plain) count++;
  return count;
}
