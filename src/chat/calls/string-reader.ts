// Strings in a tool call, joined as Python joins them, and as LFM2.5's template writes them: raw.
import type { ArrivingText, Reading } from "../arriving-text.ts";
import { type LiteralEvents, Unreadable } from "./literal-events.ts";
import { readEscape } from "./python-literals.ts";
import { endsString, type Place, quoteAt } from "./string-end.ts";
import { sequelOf } from "./string-sequel.ts";

/** Where a reader is in the text, and whether it reads JSON, in which a slash may be escaped. */
export interface Cursor {
  at: number;
  isJson: boolean;
}

export interface Doubt {
  readonly path: string;
  /** Whether it is an argument with a name, and not a part of one. */
  readonly isArgument: boolean;
}

export interface StringReader {
  /** The strings that begin at the cursor, as one. */
  strings(place: Place, path: string): Reading<string>;
  /** Strings that may have ended at a later quote, of those that were read since the last time. */
  doubtful(): readonly Doubt[];
}

const PREFIXES = new Set(["", "r", "u", "f", "b", "rf", "fr", "rb", "br"]);

export function createStringReader(text: ArrivingText, cursor: Cursor, events: LiteralEvents): StringReader {
  const { report, cutOff, isCut } = events;
  const { unit, skipGap } = text;
  // Strings with quotes in them that are not escaped; and where the last string with each kind of quotes ended.
  let repaired: (Doubt & { readonly quote: string; readonly end: number })[] = [];
  const lastEnd = new Map<string, number>();
  // Before it, strings follow on each other as Python has them.
  let stringsUntil = 0;

  return {
    strings,
    doubtful() {
      const found = repaired.filter(({ quote, end }) => (lastEnd.get(quote) as number) > end);
      repaired = [];
      lastEnd.clear();
      return found;
    },
  };

  function* strings(place: Place, path: string): Reading<string> {
    let joined = "";
    for (let isFirst = true; ; isFirst = false) {
      const isBytes = yield* isPrefixed("b");
      const { written, isWhole } = yield* string(place, path);
      if (isBytes) report(path, "a string", "bytes");
      // What Python joins must be what Python reads.
      if (!isFirst && !isWhole) report(path, "strings whose quotes are escaped", "quotes within");
      joined += written;
      let next = yield* skipGap(cursor.at);
      const touches = next === cursor.at;
      if ((yield* unit(next)) === "+") next = yield* skipGap(next + 1);
      else if (touches && (yield* quoteAt(text, next)) !== undefined) {
        // 'grep 'r' file' is one string to Python, too: without the quotes, and without the r.
        report(path, "quotes that are escaped, or strings that stand apart", "strings that touch");
      }
      if ((yield* quoteAt(text, next)) === undefined) return joined;
      cursor.at = next;
    }
  }

  function* isPrefixed(letter: string): Reading<boolean> {
    return text
      .slice(cursor.at, yield* quoteAt(text, cursor.at))
      .toLowerCase()
      .includes(letter);
  }

  function* string(place: Place, path: string): Reading<{ written: string; isWhole: boolean }> {
    const prefixEnd = (yield* quoteAt(text, cursor.at)) as number;
    const prefix = text.slice(cursor.at, prefixEnd).toLowerCase();
    if (!PREFIXES.has(prefix)) report(path, "a prefix that Python knows", prefix);
    const isRaw = prefix.includes("r");
    const isFormat = prefix.includes("f");
    const quote = yield* unit(prefixEnd);
    const isTriple = yield* text.startsWith(quote.repeat(3), prefixEnd);
    const width = isTriple ? 3 : 1;
    cursor.at = prefixEnd + width;
    const written: string[] = [];
    let hasQuote = false;
    // A raw string may end with a backslash, which then looks like an escaped quote.
    let otherwise: { at: number; length: number } | undefined;
    const done = (rest = ""): { written: string; isWhole: boolean } => {
      lastEnd.set(quote, cursor.at);
      if (hasQuote) {
        const isArgument = place.in === "arguments" && place.separator !== undefined;
        repaired.push({ path, isArgument, quote, end: cursor.at });
      }
      return { written: written.join("") + rest, isWhole: !hasQuote };
    };
    for (;;) {
      const next = yield* unit(cursor.at);
      if (next === "") {
        if (hasQuote || isCut()) throw new Unreadable();
        if (otherwise !== undefined) {
          cursor.at = otherwise.at;
          written.length = otherwise.length;
          return done("\\");
        }
        cutOff();
        return done();
      }
      if (next === quote && (!isTriple || (yield* text.startsWith(quote.repeat(3), cursor.at)))) {
        if (yield* ends(cursor.at, cursor.at + width, place, path, hasQuote)) {
          cursor.at += width;
          return done();
        }
        hasQuote = true;
      }
      if (next === "\\" && isRaw) {
        written.push(next, yield* unit(cursor.at + 1));
        cursor.at += 2;
      } else if (next === "\\") {
        if ((yield* unit(cursor.at + 1)) === quote && (yield* endsString(text, cursor.at + 2, place))) {
          otherwise = { at: cursor.at + 2, length: written.length };
        }
        const escaped = yield* readEscape(text, cursor.at, cursor.isJson);
        if (escaped.isBroken) report(path, "escapes that are whole", `\\${yield* unit(cursor.at + 1)}`);
        written.push(escaped.text);
        cursor.at = escaped.end;
      } else if (isFormat && (next === "{" || next === "}")) {
        const isDouble = (yield* unit(cursor.at + 1)) === next;
        if (!isDouble) report(path, "a string", "a format");
        written.push(next);
        cursor.at += isDouble ? 2 : 1;
      } else if (isTriple && next === "\r") {
        // A line of Python's source ends with \n, whatever the file has.
        written.push("\n");
        cursor.at += (yield* unit(cursor.at + 1)) === "\n" ? 2 : 1;
      } else {
        written.push(next);
        cursor.at++;
      }
    }
  }

  /** Whether the quote at `at` ends its string; `hasQuote` says that an earlier quote would have ended it in Python. */
  function* ends(at: number, after: number, place: Place, path: string, hasQuote: boolean): Reading<boolean> {
    if (yield* endsString(text, after, place)) return true;
    if (hasQuote) return false;
    if (at < stringsUntil) return true;
    const sequel = yield* sequelOf(text, after, place);
    if (sequel.kind === "strings") stringsUntil = sequel.end;
    if (sequel.kind === "expression") report(path, "a string whose quotes are escaped", "one that Python ends before");
    return sequel.kind === "strings" || sequel.kind === "argument";
  }
}
