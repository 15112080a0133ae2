// What Python's literals mean, as JSON text: numbers keep their digits, members their order.
import type { ArrivingText, Reading } from "./arriving-text.ts";

/** JSON text of a string, number, true, false or null; lists and objects keep their members. */
export type Value = string | readonly Value[] | ReadonlyMap<string, Value>;

// Python's own limit for the digits of an integer that it converts.
const MAX_DIGITS = 4300;

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

/** The text of a string; undefined for values that are none. */
export function textOf(value: Value | undefined): string | undefined {
  return typeof value === "string" && value.startsWith('"') ? (JSON.parse(value) as string) : undefined;
}

/** A word as JSON text: a literal, a number, or else a string whose quotes were forgotten. */
export function scalarOf(word: string): string {
  return LITERALS.get(word) ?? numberOf(word) ?? JSON.stringify(word);
}

/** A Python number as JSON text, digit by digit: 2.50 stays 2.50, and no integer is too large. 07 is 7. */
function numberOf(word: string): string | undefined {
  if (word.length > MAX_DIGITS) return undefined;
  const digits = word.replace(/(?<=[\da-f])_(?=[\da-f])/gi, "");
  const [, basedSign, based] = /^([+-]?)(0x[\da-f]+|0o[0-7]+|0b[01]+)$/i.exec(digits) ?? [];
  if (based !== undefined) return signed(basedSign, BigInt(based).toString());
  const [, sign, whole = "", point, fraction = "", exponent = ""] =
    /^([+-]?)(\d*)(?:(\.)(\d*))?(e[+-]?\d+)?$/i.exec(digits) ?? [];
  if (sign === undefined || whole + fraction === "") return undefined;
  const integer = whole.replace(/^0+(?=\d)/, "") || "0";
  if (point === undefined && exponent === "") return signed(sign, integer);
  return `${sign === "-" ? "-" : ""}${integer}${point === undefined ? "" : `.${fraction || "0"}`}${exponent}`;
}

/** An integer has no negative zero. */
const signed = (sign: string, magnitude: string): string =>
  sign === "-" && magnitude !== "0" ? `-${magnitude}` : magnitude;

/**
 * What the backslash at `at` and what it escapes stand for, and where they end. Unknown escapes are themselves.
 *
 * @param isJson  also take `\/`, which Python does not know, for a slash
 */
export function* readEscape(text: ArrivingText, at: number, isJson: boolean): Reading<[string, number]> {
  const letter = yield* text.unit(at + 1);
  const simple = ESCAPES.get(letter) ?? (isJson && letter === "/" ? "/" : undefined);
  if (simple !== undefined) return [simple, at + 2];
  if (letter === "\n") return ["", at + 2];
  if (letter === "\r") return ["", at + ((yield* text.unit(at + 2)) === "\n" ? 3 : 2)];
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
  if (digits === "" || (!isOctal && digits.length < most) || code > 0x10ffff) return ["\\", at + 1];
  return [String.fromCodePoint(code), begin + digits.length];
}
