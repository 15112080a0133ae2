// How Python writes values: str(), repr() and json.dumps(), over the values of the Jinja interpreter.

/** What the interpreter's values have in common. */
export interface RuntimeValue {
  /** "StringValue", "IntegerValue", … */
  readonly type: string;
  readonly value: unknown;
}

const TYPES: Readonly<Record<string, string>> = {
  StringValue: "a string",
  IntegerValue: "an integer",
  FloatValue: "a float",
  NumericValue: "a number",
  BooleanValue: "a boolean",
  NullValue: "none",
  UndefinedValue: "something undefined",
  ArrayValue: "a list",
  TupleValue: "a tuple",
  ObjectValue: "a dict",
  NamespaceValue: "a namespace",
  FunctionValue: "a function",
  KeywordArgumentsValue: "keyword arguments",
};

/** How messages name the interpreter's types. */
export const nameOfType = (type: string): string => TYPES[type] ?? "something else";

export interface DumpOptions {
  readonly ensureAscii: boolean;
  /** Spaces per level; undefined writes one line. */
  readonly indent: number | undefined;
  readonly separators: readonly [item: string, key: string] | undefined;
  readonly sortKeys: boolean;
}

/** What is written is counted: a value may hold others many times over. */
export interface Meter {
  spend(steps: number): void;
  characters(count: number): void;
}

/** Strings are made and joined for each. */
const STEPS_PER_VALUE = 4;
const UNMETERED: Meter = { spend() {}, characters() {} };

/** Python's str(). An undefined variable is "", as Jinja prints it. */
export function str(value: RuntimeValue, meter = UNMETERED): string {
  if (value.type === "StringValue") return value.value as string;
  if (value.type === "UndefinedValue") return "";
  return repr(value, meter);
}

/** Python's repr(). */
export function repr(value: RuntimeValue, meter = UNMETERED): string {
  meter.spend(STEPS_PER_VALUE);
  const inner = (member: RuntimeValue): string => repr(member, meter);
  switch (value.type) {
    case "StringValue":
      meter.characters((value.value as string).length);
      return reprString(value.value as string);
    case "IntegerValue":
      return integer(value.value as number | bigint);
    case "FloatValue":
      return float(value.value as number, "inf", "nan");
    case "BooleanValue":
      return value.value ? "True" : "False";
    case "NullValue":
      return "None";
    case "UndefinedValue":
      return "Undefined";
    case "ArrayValue":
      return `[${items(value).map(inner).join(", ")}]`;
    case "TupleValue": {
      const parts = items(value).map(inner);
      return parts.length === 1 ? `(${parts[0]},)` : `(${parts.join(", ")})`;
    }
    case "ObjectValue":
      return `{${entries(value)
        .map(([key, member]) => `${inner({ type: "StringValue", value: key })}: ${inner(member)}`)
        .join(", ")}}`;
    default:
      throw new Error(`expected a value that can be printed, found ${nameOfType(value.type)}`);
  }
}

/** json.dumps() with Hugging Face's defaults, which are Python's except that text outside ASCII is kept. */
export function dumps(value: RuntimeValue, options: DumpOptions, meter = UNMETERED, depth = 0): string {
  meter.spend(STEPS_PER_VALUE);
  const { indent, separators = [indent === undefined ? ", " : ",", ": "] } = options;
  switch (value.type) {
    case "StringValue":
      meter.characters((value.value as string).length);
      return dumpString(value.value as string, options.ensureAscii);
    case "IntegerValue":
      return integer(value.value as number | bigint);
    case "FloatValue":
      return float(value.value as number, "Infinity", "NaN");
    case "BooleanValue":
      return value.value ? "true" : "false";
    case "NullValue":
      return "null";
    case "ArrayValue":
    case "TupleValue":
      return enclose(
        "[",
        "]",
        items(value).map((item) => dumps(item, options, meter, depth + 1)),
      );
    case "ObjectValue": {
      const pairs = entries(value);
      if (options.sortKeys) pairs.sort(([a], [b]) => (a < b ? -1 : 1));
      return enclose(
        "{",
        "}",
        pairs.map(([key, member]) => {
          meter.characters(key.length + separators[1].length);
          return dumpString(key, options.ensureAscii) + separators[1] + dumps(member, options, meter, depth + 1);
        }),
      );
    }
    default:
      throw new Error(`tojson: expected a value that JSON can hold, found ${nameOfType(value.type)}`);
  }

  function enclose(open: string, close: string, parts: string[]): string {
    meter.characters(parts.length * separators[0].length);
    if (indent === undefined || parts.length === 0) return open + parts.join(separators[0]) + close;
    meter.characters((parts.length + 1) * (1 + separators[0].length + indent * (depth + 1)));
    const line = `\n${" ".repeat(indent * (depth + 1))}`;
    return `${open}${line}${parts.join(separators[0] + line)}\n${" ".repeat(indent * depth)}${close}`;
  }
}

const items = (value: RuntimeValue): RuntimeValue[] => value.value as RuntimeValue[];
const entries = (value: RuntimeValue): [string, RuntimeValue][] => [...(value.value as Map<string, RuntimeValue>)];

/** Numbers are written with an exponent when they are large; a BigInt is not. */
function integer(value: number | bigint): string {
  if (typeof value === "bigint" || Number.isInteger(value)) return BigInt(value).toString();
  throw new Error(`expected an integer of fewer than 309 digits, found ${value}`);
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
function reprString(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const body = text.replace(/[\\\n\r\t'\p{C}\p{Z}]/gu, (character) => {
    if (character === " ") return character;
    if (character === "'") return quote === "'" ? "\\'" : character;
    return ESCAPES[character] ?? escapeCodePoint(character.codePointAt(0) as number);
  });
  return quote + body + quote;
}

function escapeCodePoint(code: number): string {
  if (code <= 0xff) return `\\x${hex(code, 2)}`;
  return code <= 0xffff ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

function dumpString(text: string, ensureAscii: boolean): string {
  const json = JSON.stringify(text);
  return ensureAscii ? json.replace(/[\x7f-\uffff]/g, (unit) => `\\u${hex(unit.charCodeAt(0), 4)}`) : json;
}

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, "0");
