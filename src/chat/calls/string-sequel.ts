// What Python would make of a quote that string-end.ts does not take for a string's end. The first quote like the one
// that opened it ends a string for Python, and what follows may be Python, too: 'a' 'b' is one string, 'a' % b is an
// expression. Only where it is neither must the quote be part of the text.
import type { ArrivingText, Reading } from "../arriving-text.ts";
import { endsString, isQuote, type Place, quoteAt, startsName } from "./string-end.ts";

export type Sequel =
  /** More strings, which make one with it; the last of them ends before `end`. */
  | { readonly kind: "strings"; readonly end: number }
  /** An argument, though one that Python would refuse here. */
  | { readonly kind: "argument" }
  /** Something that can follow a string in Python; its value is not known here. */
  | { readonly kind: "expression" }
  | { readonly kind: "none" };

const OPERATORS = /[+\-*/%@|&^<>=!.[(){}\]:;,]/;
const OPERATOR_WORDS = new Set(["if", "else", "or", "and", "in", "is", "not", "for"]);

/** What follows the quote before `after`, in the place that its string is in. */
export function* sequelOf(text: ArrivingText, after: number, place: Place): Reading<Sequel> {
  const end = yield* endOfStrings(text, after, place);
  if (end !== undefined) return { kind: "strings", end };
  const i = yield* text.skipGap(after);
  const next = yield* text.unit(i);
  const isNamed = place.in === "arguments" && place.separator !== undefined;
  if (isNamed && next === "," && (yield* isPositional(text, yield* text.skipGap(i + 1)))) return { kind: "argument" };
  if (isQuote(next)) return { kind: "none" };
  if (OPERATORS.test(next)) return { kind: "expression" };
  const wordEnd = yield* text.skipWord(i);
  const word = text.slice(i, wordEnd);
  if (i > after && OPERATOR_WORDS.has(word)) return { kind: "expression" };
  // f(a="x" b="y"): only a comma is missing.
  const isMissing = isNamed && i > after && startsName(word) && (yield* text.unit(wordEnd)) === place.separator;
  return { kind: isMissing && (yield* text.unit(wordEnd + 1)) !== "=" ? "argument" : "none" };
}

/** Where the strings that follow at `after` end, if they are as Python has them and the place allows an end there. */
function* endOfStrings(text: ArrivingText, after: number, place: Place): Reading<number | undefined> {
  for (let end = after, hasStrings = false; ; hasStrings = true) {
    if (hasStrings && (yield* endsString(text, end, place))) return end;
    let i = yield* text.skipGap(end);
    if ((yield* text.unit(i)) === "+") i = yield* text.skipGap(i + 1);
    const closed = yield* skipString(text, i);
    // Python does not join text and bytes.
    if (closed === undefined || /^r?b/i.test(text.slice(i, i + 2))) return undefined;
    end = closed;
  }
}

/** Behind a named argument, where Python allows none: a string as Python has it, or the beginning of another value. */
function* isPositional(text: ArrivingText, from: number): Reading<boolean> {
  const end = yield* skipString(text, from);
  if (end !== undefined) return yield* endsString(text, end, { in: "arguments" });
  const next = yield* text.unit(from);
  if (isQuote(next)) return false;
  if (/[\d[{(-]/.test(next)) return true;
  const wordEnd = yield* text.skipWord(from);
  const after = yield* text.unit(yield* text.skipSpace(wordEnd));
  return /^(True|False|None|true|false|null)$/.test(text.slice(from, wordEnd)) && ",)".includes(after);
}

/** Where the string that begins at `from` ends by Python's rules; undefined where none begins, or it does not end. */
export function* skipString(text: ArrivingText, from: number): Reading<number | undefined> {
  let i = yield* quoteAt(text, from);
  if (i === undefined) return undefined;
  const quote = yield* text.unit(i);
  const isTriple = (yield* text.unit(i + 1)) === quote && (yield* text.unit(i + 2)) === quote;
  const close = isTriple ? quote.repeat(3) : quote;
  for (i += close.length; ; i++) {
    const next = yield* text.unit(i);
    if (next === "" || (next === "\n" && !isTriple)) return undefined;
    if (next === "\\") i++;
    else if (next === quote && (!isTriple || (yield* text.startsWith(close, i)))) return i + close.length;
  }
}
