// Where the next call may begin after one that cannot be read, so that a broken call does not cost the others.
// Only what has the brackets and strings of a call is passed over. In anything else, what looks like the next call could
// be part of a string.
import type { ArrivingText, Reading } from "../arriving-text.ts";
import { isQuote, startsCall } from "./string-end.ts";
import { skipString } from "./string-sequel.ts";

/** The end of the element that begins at `begin`, if a separator and another element follow it; undefined if not. */
export function* behindElement(text: ArrivingText, begin: number): Reading<number | undefined> {
  const isJson = (yield* text.unit(begin)) === "{";
  if (!isJson && !(yield* startsCall(text, begin))) return undefined;
  const [open, close] = isJson ? "{}" : "()";
  let depth = 0;
  let isClosed = false;
  for (let i = begin; ; ) {
    const next = yield* text.unit(i);
    if (next === "") return undefined;
    if (isQuote(next)) {
      const end = yield* skipString(text, i);
      if (end === undefined) return undefined;
      i = end;
      continue;
    }
    if (next === open) depth++;
    else if (next === close) depth--;
    isClosed ||= next === close && depth <= 0;
    if (isClosed && depth <= 0 && ",;\n".includes(next) && (yield* startsElement(text, i + 1))) return i;
    i++;
  }
}

function* startsElement(text: ArrivingText, from: number): Reading<boolean> {
  const i = yield* text.skipGap(from);
  return (yield* text.unit(i)) === "{" || (yield* startsCall(text, i));
}
