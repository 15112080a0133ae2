// Where a string in a tool call ends. LFM2.5's template writes strings raw, so quotes inside them are not escaped, and
// the model learns it from there: a quote ends a string only where what follows it could follow a string. What follows
// one in correct Python always ends it, with two exceptions: 'a' 'b' is not joined, and a comment stands apart.
import { type ArrivingText, isSpace, type Reading } from "./arriving-text.ts";

/** What a string is part of decides what may follow it. */
export type Place =
  | { readonly in: "arguments"; readonly separator?: "=" | ":" }
  | { readonly in: "list" | "tuple" | "key" | "member" };

export const isQuote = (unit: string): boolean => unit === "'" || unit === '"';
export const startsName = (word: string): boolean => /^[\p{L}_]/u.test(word);

/** Whether what begins at `after`, behind a quote, may follow a string in this place. */
export function* endsString(text: ArrivingText, after: number, place: Place): Reading<boolean> {
  const i = yield* text.skipSpace(after);
  const next = yield* text.unit(i);
  if (next === "") return true;
  // '#fff' is a colour; a comment stands apart.
  if (next === "#") return i > after || isSpace(yield* text.unit(i + 1));
  switch (place.in) {
    case "key":
      return next === ":";
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

/** Whether what begins at `from` may follow a call. */
export function* continuesBlock(text: ArrivingText, from: number): Reading<boolean> {
  let i = yield* text.skipSpace(from);
  const hasComma = (yield* text.unit(i)) === ",";
  if (hasComma) i = yield* text.skipSpace(i + 1);
  const next = yield* text.unit(i);
  if (next === "" || "];#{".includes(next)) return true;
  const end = yield* text.skipWord(i);
  const after = yield* text.unit(yield* text.skipSpace(end));
  return startsName(text.slice(i, end)) && (after === "(" || after === "#" || (after === "" && hasComma));
}

/** Whether nothing but space comes after the unit at `i`. */
export function* isLast(text: ArrivingText, i: number): Reading<boolean> {
  return (yield* text.unit(yield* text.skipSpace(i + 1))) === "";
}
