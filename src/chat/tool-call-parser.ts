// Tool calls as LFM2 writes them, read while they arrive. The parser descends recursively and is a generator: where a
// decision needs text that has not come yet it waits, so the pieces in which text comes never change what is read.
//
//   block     = { "[" | "]" | "," | ";" | call | object } ;
//   call      = name "(" [ argument { "," argument } [ "," ] ] ")" ;
//   argument  = key ( "=" | ":" ) value | "**" object | value ;
//   value     = string | list | tuple | object | scalar ;
//   list      = "[" [ value { "," value } [ "," ] ] "]" ;
//   tuple     = "(" [ value { "," value } [ "," ] ] ")" ;          (* JSON has none: a list; (value) is the value *)
//   object    = "{" [ member { "," member } [ "," ] ] "}" ;
//   member    = ( string | scalar ) ":" value ;
//   string    = [ prefix ] quote { unit | escape } quote ;         (* prefix: r, b, f, u in any case *)
//   quote     = "'" | '"' | "'''" | '"""' ;                        (* the same at both ends *)
//   escape    = "\" ( newline | "\" | "'" | '"' | "a" | "b" | "f" | "n" | "r" | "t" | "v" | octal | "x" 2·hex
//             | "u" 4·hex | "U" 8·hex ) ;                          (* any other backslash is itself, as in Python *)
//   scalar    = "True" | "true" | "False" | "false" | "None" | "null" | integer | float | word ;
//   name, key, word = { unit - ( space | one of ()[]{},;:='"# ) } ;
//
// Space and comments (# to the end of the line) may stand between any two of these. Integers and floats are Python's,
// zero-padded ones too. A word is a string whose quotes were forgotten. An object that stands for a call is the JSON
// variant: {"name": …, "arguments": {…}}, also with "parameters", or wrapped as {"function": {…}}.
//
// Quotes inside a string need not be escaped: string-end.ts tells which one ends it.
//
// After a call that cannot be read, the rest of the block is text. Looking for the next call in it could find one
// that was meant to be part of a string.

import { createArrivingText, type Reading } from "./arriving-text.ts";
import { isObject, readEscape, scalarOf, textOf, type Value } from "./python-literals.ts";
import { continuesBlock, endsString, isLast, isQuote, type Place, startsName } from "./string-end.ts";

/** Something about a call that should be known before it is run. */
export interface ToolCallProblem {
  /** The argument, as `city` or `items[2].name`; "" for the call as a whole. */
  readonly path: string;
  readonly expected: string;
  readonly found: string;
}

export interface ParsedCall {
  readonly name: string;
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
  readonly problems: readonly ToolCallProblem[];
}

/** A call, or text that is none, to the letter. */
export type BlockPiece = { readonly call: ParsedCall } | { readonly text: string };

/** Reads what stands between `<|tool_call_start|>` and `<|tool_call_end|>`. Nothing here throws. */
export interface ToolCallParser {
  /** What became certain with this text: calls that are complete, or text after one that could not be read. */
  push(text: string): BlockPiece[];
  /**
   * The block is over. A call that is still open is closed and reported when the model ended the block; when the
   * answer was cut, at a length limit for instance, it is text: half a path or half a number must not be run.
   */
  end(by: "model" | "cut"): BlockPiece[];
}

class Unreadable extends Error {}

// Arguments go back into messages, which may be 64 levels deep.
const MAX_DEPTH = 32;

export function createToolCallParser(): ToolCallParser {
  const text = createArrivingText();
  const { unit, skipGap, skipWord } = text;
  let at = 0;
  let endedBy: "model" | "cut" | undefined;
  let problems: ToolCallProblem[] = [];
  let isUnclosed = false;
  let isJson = false;
  const found: BlockPiece[] = [];
  const reading = block();
  reading.next();

  return {
    push(more) {
      text.push(more);
      reading.next();
      return found.splice(0);
    },
    end(by) {
      endedBy = by;
      text.end();
      reading.next();
      return found.splice(0);
    },
  };

  function* block(): Reading<void> {
    let read = 0; // everything before was punctuation or went into a call
    try {
      for (;;) {
        at = yield* skipGap(at);
        const first = yield* unit(at);
        if (first === "") break;
        if ("[],;".includes(first)) {
          at++;
          continue;
        }
        problems = [];
        isJson = first === "{";
        found.push({ call: isJson ? jsonCall(yield* object(1)) : yield* call() });
        read = at;
      }
      const rest = text.slice(0);
      if (read === 0 && /[^\s[\],;]/.test(rest)) found.push({ text: rest });
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      for (at = read; ; ) {
        if (at < text.length) found.push({ text: text.slice(at) });
        at = text.length;
        if (endedBy !== undefined) return;
        yield;
      }
    }
  }

  function* call(): Reading<ParsedCall> {
    const name = yield* word();
    at = yield* skipGap(at);
    if (!startsName(name) || (yield* unit(at)) !== "(") throw new Unreadable();
    at++;
    const positional: Value[] = [];
    const named = new Map<string, Value>();
    while (!(yield* closes(")"))) yield* argument(positional, named);
    // 'f(x).g' and 'f(x) + 1' are not calls of f.
    if (!isUnclosed && !(yield* continuesBlock(text, at))) throw new Unreadable();
    return { name, positional, named, problems };
  }

  function* argument(positional: Value[], named: Map<string, Value>): Reading<void> {
    const first = yield* unit(at);
    if (first === "*" && (yield* unit(at + 1)) === "*") {
      at = yield* skipGap(at + 2);
      if ((yield* unit(at)) !== "{") throw new Unreadable();
      for (const [key, value] of yield* object(1)) name(key, value);
    } else {
      const begin = at;
      const isQuoted = yield* startsString();
      const key = isQuoted ? yield* string({ in: "arguments" }) : yield* word();
      const after = yield* skipGap(at);
      const separator = yield* unit(after);
      if (key !== "" && (separator === "=" || separator === ":")) {
        at = yield* skipGap(after + 1);
        if (!(yield* isCutOff())) name(key, yield* value(1, { in: "arguments", separator }));
      } else if (isQuoted) {
        positional.push(JSON.stringify(key));
      } else {
        at = begin;
        positional.push(yield* value(1, { in: "arguments" }));
      }
    }
    yield* comma(")");

    function name(key: string, value: Value): void {
      if (named.has(key)) problems.push({ path: key, expected: "one value", found: "two, of which the last is taken" });
      named.set(key, value);
    }
  }

  function* value(depth: number, place: Place): Reading<Value> {
    if (depth > MAX_DEPTH) throw new Unreadable();
    const first = yield* unit(at);
    if (first === "[") return (yield* members("]", depth)).values;
    if (first === "{") return yield* object(depth);
    if (first === "(") {
      const { values, commas } = yield* members(")", depth);
      return values.length === 1 && commas === 0 ? values[0] : values;
    }
    if (yield* startsString()) return JSON.stringify(yield* string(place));
    const scalar = scalarOf(yield* word());
    // Neither operators nor calls are values.
    if (/^"(?![\p{L}\p{N}_])/u.test(scalar) || (yield* unit(at)) === "(") throw new Unreadable();
    return scalar;
  }

  function* members(close: "]" | ")", depth: number): Reading<{ values: Value[]; commas: number }> {
    const values: Value[] = [];
    let commas = 0;
    at++;
    while (!(yield* closes(close))) {
      values.push(yield* value(depth + 1, { in: close === "]" ? "list" : "tuple" }));
      if (yield* comma(close)) commas++;
    }
    return { values, commas };
  }

  function* object(depth: number): Reading<Map<string, Value>> {
    const entries = new Map<string, Value>();
    at++;
    while (!(yield* closes("}"))) {
      const isQuoted = yield* startsString();
      const key = isQuoted ? yield* string({ in: "key" }) : yield* word();
      if (key === "" && !isQuoted) throw new Unreadable();
      at = yield* skipGap(at);
      if (yield* isCutOff()) continue;
      if ((yield* unit(at)) !== ":") throw new Unreadable();
      at = yield* skipGap(at + 1);
      if (yield* isCutOff()) continue;
      // As in Python, a key that comes again keeps its place and takes the last value.
      entries.set(isQuoted ? key : keyOf(scalarOf(key)), yield* value(depth + 1, { in: "member" }));
      yield* comma("}");
    }
    return entries;
  }

  /** Takes the bracket that closes, if it is next; so does the end of the block. */
  function* closes(bracket: string): Reading<boolean> {
    at = yield* skipGap(at);
    if (yield* isCutOff()) return true;
    const next = yield* unit(at);
    if (next === bracket) at++;
    // [f(a='b'] with nothing behind it
    else if (bracket === ")" && next === "]" && (yield* isLast(text, at))) return close();
    return next === bracket;
  }

  /** Takes a comma; without one, `bracket` or the end must come. */
  function* comma(bracket: string): Reading<boolean> {
    at = yield* skipGap(at);
    const next = yield* unit(at);
    if (next === ",") at++;
    else if (next !== bracket && next !== "" && !(bracket === ")" && next === "]")) throw new Unreadable();
    return next === ",";
  }

  /** At the end of the block, which then closes what is open. */
  function* isCutOff(): Reading<boolean> {
    return (yield* unit(at)) === "" && close();
  }

  function close(): true {
    if (endedBy === "cut") throw new Unreadable();
    if (!isUnclosed) problems.push({ path: "", expected: "a call that is closed", found: "one that ends within" });
    isUnclosed = true;
    return true;
  }

  function* word(): Reading<string> {
    const begin = at;
    at = yield* skipWord(at);
    return text.slice(begin, at);
  }

  function* startsString(): Reading<boolean> {
    let i = at;
    while (i < at + 2 && /^[rbfu]$/i.test(yield* unit(i))) i++;
    return isQuote(yield* unit(i));
  }

  function* string(place: Place): Reading<string> {
    let isRaw = false;
    for (; !isQuote(yield* unit(at)); at++) isRaw ||= /r/i.test(yield* unit(at));
    const quote = yield* unit(at);
    const isTriple = (yield* unit(at + 1)) === quote && (yield* unit(at + 2)) === quote;
    const width = isTriple ? 3 : 1;
    at += width;
    const written: string[] = [];
    let hasQuote = false;
    // A raw string may end with a backslash, which then looks like an escaped quote.
    let otherwise: { at: number; length: number } | undefined;
    for (;;) {
      const next = yield* unit(at);
      if (next === "") {
        if (endedBy === "cut" || hasQuote) throw new Unreadable();
        if (otherwise !== undefined) {
          at = otherwise.at;
          return `${written.slice(0, otherwise.length).join("")}\\`;
        }
        close();
        return written.join("");
      }
      const isEnd =
        next === quote && (!isTriple || ((yield* unit(at + 1)) === quote && (yield* unit(at + 2)) === quote));
      if (isEnd && (yield* endsString(text, at + width, place))) {
        at += width;
        return written.join("");
      }
      hasQuote ||= isEnd;
      if (next !== "\\") {
        written.push(next);
        at++;
      } else if (isRaw) {
        written.push(next, yield* unit(at + 1));
        at += 2;
      } else {
        if ((yield* unit(at + 1)) === quote && (yield* endsString(text, at + 2, place))) {
          otherwise = { at: at + 2, length: written.length };
        }
        const [escaped, after] = yield* readEscape(text, at, isJson);
        written.push(escaped);
        at = after;
      }
    }
  }

  function jsonCall(described: ReadonlyMap<string, Value>): ParsedCall {
    const wrapped = described.get("function");
    if (isObject(wrapped)) return jsonCall(wrapped);
    const name = textOf(described.get("name") ?? wrapped);
    const stated = described.get("arguments") ?? described.get("parameters") ?? new Map<string, Value>();
    const named = argumentsOf(textOf(stated)) ?? stated;
    if (!name || !isObject(named)) throw new Unreadable();
    return { name, positional: [], named, problems };
  }
}

/** Arguments that come as JSON text within the JSON, as OpenAI has them. */
function argumentsOf(json: string | undefined): Value | undefined {
  if (json === undefined || !parsesAsJson(json)) return undefined;
  const parser = createToolCallParser();
  const [piece] = [...parser.push(`f(**${json})`), ...parser.end("cut")];
  return piece !== undefined && "call" in piece ? piece.call.named : undefined;
}

function parsesAsJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** json.dumps writes keys that are no strings as the JSON text they would be. */
const keyOf = (json: string): string => textOf(json) ?? json;
