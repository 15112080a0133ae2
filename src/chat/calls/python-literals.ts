// What Python's literals mean, as JSON text: numbers keep their digits, members their order.
import type { ArrivingText, Reading } from "../arriving-text.ts";
import { repr } from "../jinja/python-text.ts";

/** JSON text of a string, number, true, false or null; lists and objects keep their members. */
export type Value = string | readonly Value[] | ReadonlyMap<string, Value>;

// Python's own limit for the digits of an integer that it converts.
const MAX_DIGITS = 4300;
// The same limit, for digits with underscores or in another base.
const MAX_WORD = 4 * MAX_DIGITS;

const LITERALS = new Map(
  Object.entries({ True: "true", true: "true", False: "false", false: "false", None: "null", null: "null" }),
);
const ESCAPES = new Map(
  Object.entries({ "\\": "\\", "'": "'", '"': '"', a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" }),
);
const HEX_DIGITS = new Map(Object.entries({ x: 2, u: 4, U: 8 }));

/** Compact JSON. */
export function jsonOf(value: Value): string {
  if (typeof value === "string") return value;
  if (!isObject(value)) return `[${value.map(jsonOf).join(",")}]`;
  return `{${Array.from(value, ([key, member]) => `${JSON.stringify(key)}:${jsonOf(member)}`).join(",")}}`;
}

export const isObject = (value: Value | undefined): value is ReadonlyMap<string, Value> => value instanceof Map;

/** The text of a string; undefined for other values. */
export function textOf(value: Value | undefined): string | undefined {
  return typeof value === "string" && value.startsWith('"') ? (JSON.parse(value) as string) : undefined;
}

/** A word: what it means as JSON text, and how sure that is. */
export interface Word {
  readonly json: string;
  readonly is:
    | "exact"
    /** Python has no value for it: a string whose quotes were forgotten, if anything. */
    | "bare"
    /** 07, which is not a number in Python. */
    | "padded"
    /** More digits than Python converts, or a float beyond all floats. */
    | "immense";
}

const DIGITS = "\\d(?:_?\\d)*";
const BASED = /^([+-]?)(0(?:x(?:_?[\da-f])+|o(?:_?[0-7])+|b(?:_?[01])+))$/i;
const INTEGER = new RegExp(`^([+-]?)(${DIGITS})$`);
const FLOAT = new RegExp(`^([+-]?)(?:(${DIGITS})?\\.(${DIGITS})?|(${DIGITS}))(e[+-]?${DIGITS})?$`, "i");

/** Numbers keep their digits: 2.50 stays 2.50, and no integer is too large. true, false and null are JSON's words. */
export function readWord(word: string): Word {
  const literal = LITERALS.get(word);
  if (literal !== undefined) return { json: literal, is: "exact" };
  if (/^[1-9]\d{0,14}$/.test(word)) return { json: word, is: "exact" };
  if (!/^[+-]?\.?\d/.test(word)) return { json: JSON.stringify(word), is: "bare" };
  if (word.length > MAX_WORD) return { json: JSON.stringify(word), is: "immense" };
  const [, basedSign, based] = BASED.exec(word) ?? [];
  if (based !== undefined) return integer(basedSign, BigInt(based.replaceAll("_", "")).toString(), word);
  const [, sign, digits] = INTEGER.exec(word) ?? [];
  if (digits !== undefined) {
    const plain = digits.replaceAll("_", "");
    const magnitude = plain.replace(/^0+(?=\d)/, "");
    const found = integer(sign, magnitude, word);
    return plain !== magnitude && magnitude !== "0" && found.is === "exact" ? { ...found, is: "padded" } : found;
  }
  const [, floatSign, whole = "", fraction = "", alone = "", exponent = ""] = FLOAT.exec(word) ?? [];
  if (floatSign === undefined || whole + fraction + alone === "") return { json: JSON.stringify(word), is: "bare" };
  const number = alone === "" ? `${unpadded(whole)}.${fraction || "0"}` : unpadded(alone);
  const json = `${floatSign === "-" ? "-" : ""}${number}${exponent}`.replaceAll("_", "");
  return { json, is: Number.isFinite(Number(json)) ? "exact" : "immense" };
}

const unpadded = (digits: string): string => digits.replace(/^[0_]+(?=\d)/, "") || "0";

/** An integer has no negative zero. */
function integer(sign: string, magnitude: string, word: string): Word {
  if (magnitude.length > MAX_DIGITS) return { json: JSON.stringify(word), is: "immense" };
  return { json: sign === "-" && magnitude !== "0" ? `-${magnitude}` : magnitude, is: "exact" };
}

/**
 * Equal for values that are equal in Python, where 1, 1.0 and True are: there is one of them in a set or among the
 * keys of a dict.
 */
export function identityOf(value: Value): string {
  if (typeof value !== "string") return jsonOf(isObject(value) ? value : value.map(identityOf));
  if (value === "true") return "1";
  if (value === "false") return "0";
  if (!/[.e]/i.test(value) || value.startsWith('"')) return value;
  const number = Number(value);
  return Number.isInteger(number) ? BigInt(number).toString() : String(number);
}

/** A key as json.dumps writes it; undefined for what it refuses. */
export function keyOf(key: Value): string | undefined {
  if (typeof key !== "string") return undefined;
  const isFloat = !key.startsWith('"') && /[.e]/i.test(key) && !/^[tfn]/.test(key);
  return textOf(key) ?? (isFloat ? repr({ type: "FloatValue", value: Number(key) }) : key);
}

export interface Escape {
  readonly text: string;
  /** Where it ends. */
  readonly end: number;
  /** What Python refuses: \\x4, and names of characters, which are not known here. */
  readonly isBroken: boolean;
}

/**
 * What the backslash at `at` and what it escapes stand for. Unknown escapes are themselves.
 *
 * @param isJson  also take `\/`, which Python does not know, for a slash
 */
export function* readEscape(text: ArrivingText, at: number, isJson: boolean): Reading<Escape> {
  const letter = yield* text.unit(at + 1);
  const simple = ESCAPES.get(letter) ?? (isJson && letter === "/" ? "/" : undefined);
  if (simple !== undefined) return { text: simple, end: at + 2, isBroken: false };
  if (letter === "\n") return { text: "", end: at + 2, isBroken: false };
  if (letter === "\r") {
    return { text: "", end: at + ((yield* text.unit(at + 2)) === "\n" ? 3 : 2), isBroken: false };
  }
  const isOctal = /[0-7]/.test(letter);
  const begin = at + (isOctal ? 1 : 2);
  const most = isOctal ? 3 : (HEX_DIGITS.get(letter) ?? 0);
  let digits = "";
  while (digits.length < most) {
    const digit = yield* text.unit(begin + digits.length);
    if (!(isOctal ? /[0-7]/ : /[\da-f]/i).test(digit)) break;
    digits += digit;
  }
  const code = Number.parseInt(digits, isOctal ? 8 : 16);
  if (digits === "" || (!isOctal && digits.length < most) || code > 0x10ffff) {
    return { text: "\\", end: at + 1, isBroken: most > 0 || letter === "N" };
  }
  return { text: String.fromCodePoint(code), end: begin + digits.length, isBroken: false };
}
