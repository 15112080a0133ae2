// How Python writes values: str(), repr() and json.dumps(). Marks of strings go with what is written of them.
import { compareText, concatenate, join, mapText, Text } from "./text.ts";
import { Callable, Dict, List, Namespace, typeName, Undefined, type Value } from "./values.ts";

export interface DumpOptions {
  readonly ensureAscii: boolean;
  /** What each level adds to the beginning of a line; undefined writes one line. */
  readonly indent: string | undefined;
  readonly separators: readonly [item: Text, key: Text] | undefined;
  readonly sortKeys: boolean;
}

/** Python's str(). An undefined variable is "", as Jinja prints it. */
export function str(value: Value): Text {
  if (value instanceof Text) return value;
  return value instanceof Undefined ? new Text("") : repr(value);
}

/** Python's repr(). */
export function repr(value: Value): Text {
  if (value === null) return new Text("None");
  if (typeof value === "boolean") return new Text(value ? "True" : "False");
  if (typeof value === "bigint") return new Text(String(value));
  if (typeof value === "number") return new Text(float(value, "inf", "nan"));
  if (value instanceof Text) return reprText(value);
  if (value instanceof List) {
    const items = join(value.items.map(repr), new Text(", "));
    if (!value.isTuple) return enclosed("[", items, "]");
    return enclosed("(", items, value.items.length === 1 ? ",)" : ")");
  }
  if (value instanceof Dict) {
    const members = value.entries().map(([key, member]) => join([repr(key), repr(member)], new Text(": ")));
    return enclosed("{", join(members, new Text(", ")), "}");
  }
  if (value instanceof Undefined) return new Text("Undefined");
  throw new Error(`expected a value that Python can print, found ${typeName(value)}`);
}

/** json.dumps(). */
export function dumps(value: Value, options: DumpOptions, depth = 0): Text {
  if (value === null) return new Text("null");
  if (typeof value === "boolean") return new Text(String(value));
  if (typeof value === "bigint") return new Text(String(value));
  if (typeof value === "number") return new Text(float(value, "Infinity", "NaN"));
  if (value instanceof Text) return dumpText(value, options.ensureAscii);
  if (value instanceof List) {
    return enclosedLines(
      "[",
      value.items.map((item) => dumps(item, options, depth + 1)),
      "]",
    );
  }
  if (value instanceof Dict) {
    const entries = value.entries();
    if (options.sortKeys) entries.sort(([a], [b]) => compareText(str(a).value, str(b).value));
    const colon = options.separators?.[1] ?? new Text(": ");
    const members = entries.map(([key, member]) => {
      return concatenate([dumpText(keyText(key), options.ensureAscii), colon, dumps(member, options, depth + 1)]);
    });
    return enclosedLines("{", members, "}");
  }
  throw new Error(`tojson: expected a value that JSON can hold, found ${typeName(value)}`);

  function enclosedLines(open: string, parts: Text[], close: string): Text {
    const { indent, separators } = options;
    const comma = separators?.[0] ?? new Text(indent === undefined ? ", " : ",");
    if (indent === undefined || parts.length === 0) return enclosed(open, join(parts, comma), close);
    const line = `\n${indent.repeat(depth + 1)}`;
    const lines = join(parts, concatenate([comma, new Text(line)]));
    return enclosed(open + line, lines, `\n${indent.repeat(depth)}${close}`);
  }
}

const enclosed = (open: string, inner: Text, close: string): Text =>
  concatenate([new Text(open), inner, new Text(close)]);

/** JSON's keys are strings; Python writes None, numbers and truth as JSON does. */
function keyText(key: Value): Text {
  if (key instanceof Text) return key;
  if (key instanceof List || key instanceof Callable || key instanceof Namespace) {
    throw new Error(`tojson: expected a key that JSON can hold, found ${typeName(key)}`);
  }
  return dumps(key, { ensureAscii: false, indent: undefined, separators: undefined, sortKeys: false });
}

/** Both languages find the same shortest digits; Python turns to exponents below 10⁻⁴ and from 10¹⁶. */
function float(value: number, infinity: string, nan: string): string {
  if (Number.isNaN(value)) return nan;
  if (!Number.isFinite(value)) return value < 0 ? `-${infinity}` : infinity;
  if (Object.is(value, -0)) return "-0.0";
  const [digits, exponentText] = value.toExponential().split("e");
  const exponent = Number(exponentText);
  if (value !== 0 && (exponent < -4 || exponent >= 16)) {
    return `${digits}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

const ESCAPES: Record<string, string> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Single quotes unless only they occur; what does not print is escaped. */
function reprText(text: Text): Text {
  const quote = text.value.includes("'") && !text.value.includes('"') ? '"' : "'";
  const body = mapText(text, (plain) =>
    plain.replace(/[\\\n\r\t'\p{C}\p{Z}]/gu, (character) => {
      if (character === " ") return character;
      if (character === "'") return quote === "'" ? "\\'" : character;
      return ESCAPES[character] ?? escapeCodePoint(character.codePointAt(0) as number);
    }),
  );
  return enclosed(quote, body, quote);
}

function escapeCodePoint(code: number): string {
  if (code <= 0xff) return `\\x${hex(code, 2)}`;
  return code <= 0xffff ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

const SHORT_ESCAPES: Record<string, string> = { ...ESCAPES, '"': '\\"', "\b": "\\b", "\f": "\\f" };

// JSON.stringify() would escape unpaired surrogates, too.
function dumpText(text: Text, ensureAscii: boolean): Text {
  const special = ensureAscii ? /["\\\x00-\x1f\x7f-\uffff]/g : /["\\\x00-\x1f]/g;
  const body = mapText(text, (plain) =>
    plain.replace(special, (unit) => {
      if (unit === "\x7f") return unit;
      return SHORT_ESCAPES[unit] ?? `\\u${hex(unit.charCodeAt(0), 4)}`;
    }),
  );
  return enclosed('"', body, '"');
}

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, "0");
