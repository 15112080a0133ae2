// Where a string in a tool call ends. LFM2.5's template writes strings raw, so quotes inside them are not escaped, and
// the model learns it from there: a quote ends a string only where what follows it could follow a string. What follows
// one in correct Python always ends it.
import { type ArrivingText, isSpace, type Reading } from "../arriving-text.ts";

/** What a string is part of decides what may follow it. */
export type Place =
  | { readonly in: "arguments"; readonly separator?: "=" | ":" }
  | { readonly in: "list" | "tuple" | "key" | "member" }
  /** The first one between braces: the key of a dict, or a member of a set. */
  | { readonly in: "braces" };

export const isQuote = (unit: string): boolean => unit === "'" || unit === '"';
export const startsName = (word: string): boolean => /^[\p{L}_]/u.test(word);

/** Whether what begins at `after`, behind a quote, may follow a string in this place. */
export function* endsString(text: ArrivingText, after: number, place: Place): Reading<boolean> {
  let i = yield* text.skipSpace(after);
  let next = yield* text.unit(i);
  if (next === "") return true;
  if (next === "#") {
    if (i > after || isSpace(yield* text.unit(i + 1))) return true;
    // '#fff' is a colour, unless what follows its line could follow a comment.
    i = yield* text.skipGap(i);
    next = yield* text.unit(i);
    if (next === "") return false;
  }
  switch (place.in) {
    case "key":
      return next === ":";
    case "braces":
      return next === ":" || next === "}" || (next === "," && (yield* startsValue(text, i + 1, "}")));
    case "member":
      return next === "}" || (next === "," && (yield* startsValue(text, i + 1, "}")));
    case "list":
      return next === "]" || (next === "," && (yield* startsValue(text, i + 1, "]")));
    case "tuple":
      return next === ")" || (next === "," && (yield* startsValue(text, i + 1, ")")));
    case "arguments":
      if (next === ")") return yield* continuesBlock(text, i + 1);
      if (next === "]") return yield* isLast(text, i);
      if (place.separator === undefined) return ",=:".includes(next);
      return next === "," && (yield* startsArgument(text, i + 1, place.separator));
  }
}

function* startsValue(text: ArrivingText, from: number, close: string): Reading<boolean> {
  const i = yield* text.skipSpace(from);
  const next = yield* text.unit(i);
  return next === "" || next === close || /['"[{(#\d.+-]/.test(next) || /[a-z]/i.test(next);
}

/** Behind the comma after a keyword argument come only keyword arguments, written like it, or nothing. */
function* startsArgument(text: ArrivingText, from: number, separator: string): Reading<boolean> {
  let i = yield* text.skipSpace(from);
  const next = yield* text.unit(i);
  if (next === ")") return yield* continuesBlock(text, i + 1);
  if (next === "" || next === "#" || next === "*") return true;
  const hasQuotes = isQuote(next);
  if (hasQuotes) i++;
  const end = yield* text.skipWord(i);
  if (end === i || (hasQuotes && !next.startsWith(yield* text.unit(end)))) return false;
  const after = yield* text.skipSpace(hasQuotes ? end + 1 : end);
  const found = yield* text.unit(after);
  if (found === "" || found === "#") return true;
  return found === separator && (yield* text.unit(after + 1)) !== "=";
}

/** What a model may have left out: the end marker of a block before the next one. */
export const CALL_START = "<|tool_call_start|>";

/** Whether what begins at `from` may follow a call. */
export function* continuesBlock(text: ArrivingText, from: number): Reading<boolean> {
  let i = yield* text.skipSpace(from);
  const hasComma = (yield* text.unit(i)) === ",";
  if (hasComma) i = yield* text.skipSpace(i + 1);
  const next = yield* text.unit(i);
  if (next === "" || "];#{".includes(next)) return true;
  if (next === "<" && (yield* text.startsWith(CALL_START, i))) return true;
  if (yield* startsCall(text, i)) return true;
  const end = yield* text.skipWord(i);
  return hasComma && startsName(text.slice(i, end)) && (yield* isLast(text, end - 1));
}

/** Whether a name and a parenthesis begin at `from`; a comment may stand between them. */
export function* startsCall(text: ArrivingText, from: number): Reading<boolean> {
  const end = yield* text.skipWord(from);
  const after = yield* text.unit(yield* text.skipSpace(end));
  return startsName(text.slice(from, end)) && (after === "(" || after === "#");
}

/** Whether nothing but space comes after the unit at `i`. */
export function* isLast(text: ArrivingText, i: number): Reading<boolean> {
  return (yield* text.unit(yield* text.skipSpace(i + 1))) === "";
}

/** Where a string begins at `from`, with a prefix or without one, the place of its quote. */
export function* quoteAt(text: ArrivingText, from: number): Reading<number | undefined> {
  let i = from;
  while (i < from + 2 && /^[rbfu]$/i.test(yield* text.unit(i))) i++;
  return isQuote(yield* text.unit(i)) ? i : undefined;
}
