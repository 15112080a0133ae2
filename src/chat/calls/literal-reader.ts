// Values in a tool call: Python's literals, read as Python does, and what models write in their place, reported.
//
//   value   = strings | list | tuple | dict | set | scalar | "set" "(" ")" ;
//   list    = "[" [ value { "," value } [ "," ] ] "]" ;
//   tuple   = "(" [ value { "," value } [ "," ] ] ")" ;            (* JSON has none: a list; (value) is the value *)
//   dict    = "{" [ member { "," member } [ "," ] ] "}" ;
//   member  = ( strings | scalar ) ":" value ;
//   set     = "{" value { "," value } [ "," ] "}" ;                (* JSON has none: a list *)
//   strings = string { [ "+" ] string } ;                          (* one string *)
//   string  = [ prefix ] quote { unit | escape } quote ;           (* prefix: r, u, f, b, in any case, rf, rb, … *)
//   quote   = "'" | '"' | "'''" | '"""' ;                          (* the same at both ends *)
//   escape  = "\" ( newline | "\" | "'" | '"' | "a" | "b" | "f" | "n" | "r" | "t" | "v" | octal | "x" 2·hex
//           | "u" 4·hex | "U" 8·hex ) ;                            (* any other backslash is itself, as in Python *)
//   scalar  = "True" | "true" | "False" | "false" | "None" | "null" | integer | float | word ;
//   word    = { unit - ( space | one of ()[]{},;:='"# ) } ;
//
// Taken without a word, because Python has it or LFM2.5's template writes it: true, false and null, newlines in any
// string, and unescaped quotes in a string where it can end nowhere else. Everything else that Python would not evaluate,
// or would evaluate to another value, is reported: bare words, bytes, f-strings, 07, what has no end, 1e400.
import type { ArrivingText, Reading } from "../arriving-text.ts";
import { type Confirmation, type LiteralEvents, Unreadable } from "./literal-events.ts";
import { identityOf, isObject, keyOf, readWord, type Value } from "./python-literals.ts";
import { isLast, type Place, quoteAt } from "./string-end.ts";
import { type Cursor, createStringReader, type StringReader } from "./string-reader.ts";

/** Reads where its cursor is. */
export interface LiteralReader extends Cursor, StringReader {
  value(depth: number, place: Place, path: string): Reading<Value>;
  /** The object that begins here. */
  object(depth: number, path: string): Reading<ReadonlyMap<string, Value>>;
  startsString(): Reading<boolean>;
  word(): Reading<string>;
  /** Takes the bracket that closes, if it is next; so does the end of the block. */
  closes(bracket: string): Reading<boolean>;
  /** Takes a comma; without one, `bracket` or the end must come. */
  comma(bracket: string): Reading<boolean>;
  isCutOff(): Reading<boolean>;
}

// Arguments go back into messages, which may be 64 levels deep.
const MAX_DEPTH = 32;

export function createLiteralReader(text: ArrivingText, events: LiteralEvents): LiteralReader {
  const { report, cutOff } = events;
  const { unit, skipGap, skipWord } = text;
  const cursor: Cursor = { at: 0, isJson: false };
  const { strings, doubtful } = createStringReader(text, cursor, events);
  // Whether Python could have the value that was read last in a set.
  let isHashable = true;

  const reader: LiteralReader = {
    get at() {
      return cursor.at;
    },
    set at(at) {
      cursor.at = at;
    },
    get isJson() {
      return cursor.isJson;
    },
    set isJson(isJson) {
      cursor.isJson = isJson;
    },
    value,
    object,
    startsString: function* () {
      return (yield* quoteAt(text, reader.at)) !== undefined;
    },
    *word() {
      const begin = reader.at;
      reader.at = yield* skipWord(begin);
      return text.slice(begin, reader.at);
    },
    *closes(bracket) {
      reader.at = yield* skipGap(reader.at);
      if (yield* reader.isCutOff()) return true;
      const next = yield* unit(reader.at);
      if (next === bracket) reader.at++;
      // [f(a='b'] with nothing behind it
      else if (bracket === ")" && next === "]" && (yield* isLast(text, reader.at))) {
        cutOff();
        return true;
      }
      return next === bracket;
    },
    *comma(bracket) {
      reader.at = yield* skipGap(reader.at);
      const next = yield* unit(reader.at);
      if (next === ",") reader.at++;
      else if (next !== bracket && next !== "" && !(bracket === ")" && next === "]")) throw new Unreadable();
      return next === ",";
    },
    *isCutOff() {
      if ((yield* unit(reader.at)) !== "") return false;
      cutOff();
      return true;
    },
    strings,
    doubtful,
  };
  return reader;

  function* value(depth: number, place: Place, path: string): Reading<Value> {
    if (depth > MAX_DEPTH) throw new Unreadable();
    const first = yield* unit(reader.at);
    if (first === "[") {
      const { values } = yield* members("]", depth, path);
      isHashable = false;
      return values;
    }
    if (first === "{") return yield* braces(depth, path);
    if (first === "(") {
      const { values, commas } = yield* members(")", depth, path);
      return values.length === 1 && commas === 0 ? values[0] : values;
    }
    if (!STARTS_STRING.test(first) || !(yield* reader.startsString())) return yield* scalar(path);
    isHashable = true;
    return JSON.stringify(yield* strings(place, path));
  }

  function* scalar(path: string, confirmation: Confirmation = "string"): Reading<Value> {
    isHashable = true;
    let word = yield* reader.word();
    if (word === "-" || word === "+") {
      reader.at = yield* skipGap(reader.at);
      word += yield* reader.word();
      if (word.length === 1 && (yield* unit(reader.at)) === "(") return yield* signed(word, path);
      if (!/^.[\d.]/.test(word)) throw new Unreadable();
    }
    if ((yield* unit(reader.at)) === "(") {
      if (word !== "set") throw new Unreadable();
      reader.at = yield* skipGap(reader.at + 1);
      if ((yield* unit(reader.at)) !== ")") throw new Unreadable();
      reader.at++;
      isHashable = false;
      return [];
    }
    const { json, is } = readWord(word);
    if (is === "bare") {
      // Operators are not values.
      if (!/^[\p{L}\p{N}_]/u.test(word)) throw new Unreadable();
      report(path, "a value of Python's", shortened(word), confirmation);
    } else if (is === "padded") report(path, "a number without zeros before it", word, "number");
    else if (is === "immense") report(path, "a number that Python can hold", shortened(word));
    return json;
  }

  /** -(1) */
  function* signed(sign: string, path: string): Reading<Value> {
    const inner = yield* value(MAX_DEPTH - 1, { in: "tuple" }, path);
    if (typeof inner !== "string" || !/^\d/.test(inner)) throw new Unreadable();
    return sign === "+" || inner === "0" ? inner : `-${inner}`;
  }

  function* members(close: "]" | ")", depth: number, path: string): Reading<{ values: Value[]; commas: number }> {
    const values: Value[] = [];
    let commas = 0;
    let areHashable = true;
    reader.at++;
    while (!(yield* reader.closes(close))) {
      const place = { in: close === "]" ? "list" : "tuple" } as const;
      const at = close === ")" ? path : `${path}[${values.length}]`;
      values.push(yield* value(depth + 1, place, at));
      areHashable &&= isHashable;
      if (yield* reader.comma(close)) commas++;
    }
    isHashable = areHashable;
    return { values, commas };
  }

  /** A dict or a set: what follows the first key or member decides. */
  function* braces(depth: number, path: string): Reading<Value> {
    const begin = ++reader.at;
    if (yield* reader.closes("}")) {
      isHashable = false;
      return new Map();
    }
    reader.at = begin;
    const dict = new Map<string, [key: string, value: Value]>();
    const set = new Map<string, Value>();
    const names = new Map<string, string>();
    let kind: "unknown" | "dict" | "set" = "unknown";
    while (!(yield* reader.closes("}"))) {
      const places = { unknown: "braces", dict: "key", set: "member" } as const;
      const bare = yield* bareKey();
      const first =
        bare === undefined
          ? yield* value(depth + 1, { in: places[kind] }, `${path}[${set.size}]`)
          : yield* scalar(memberOf(path, bare), "member");
      const canBeKey = isHashable;
      reader.at = yield* skipGap(reader.at);
      const hasColon = (yield* unit(reader.at)) === ":";
      // A key without its value, at the end of the block.
      if (kind !== "set" && !hasColon && (yield* reader.isCutOff())) continue;
      if (kind === "unknown") kind = hasColon ? "dict" : "set";
      else if (hasColon !== (kind === "dict")) throw new Unreadable();
      if (!canBeKey) report(path, `a ${kind} of values that cannot change`, "one that Python refuses");
      const identity = identityOf(first);
      if (kind === "set") {
        if (!set.has(identity)) set.set(identity, first);
        yield* reader.comma("}");
        continue;
      }
      const name = dict.get(identity)?.[0] ?? keyOf(first);
      if (name === undefined) throw new Unreadable();
      reader.at = yield* skipGap(reader.at + 1);
      if (yield* reader.isCutOff()) continue;
      const member = yield* value(depth + 1, { in: "member" }, memberOf(path, name));
      if ((names.get(name) ?? identity) !== identity) report(path, "keys that differ in JSON, too", shortened(name));
      names.set(name, identity);
      // As in Python, a key that comes again keeps its place and takes the last value.
      dict.set(identity, [name, member]);
      yield* reader.comma("}");
    }
    isHashable = false;
    return kind === "set" ? [...set.values()] : new Map(dict.values());
  }

  /** The word that begins here, where it is a key. */
  function* bareKey(): Reading<string | undefined> {
    if (yield* reader.startsString()) return undefined;
    const end = yield* skipWord(reader.at);
    const isKey = end > reader.at && (yield* unit(yield* skipGap(end))) === ":";
    return isKey ? text.slice(reader.at, end) : undefined;
  }

  function* object(depth: number, path: string): Reading<ReadonlyMap<string, Value>> {
    const found = yield* braces(depth, path);
    if (!isObject(found)) throw new Unreadable();
    return found;
  }
}

const STARTS_STRING = /^["'rufb]/i;

const memberOf = (path: string, name: string): string => (path === "" ? name : `${path}.${name}`);

const shortened = (word: string): string => (word.length <= 40 ? word : `${word.slice(0, 37)}...`);
