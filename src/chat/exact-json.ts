// JSON whose numbers keep what Python's json module would see in them: 2.0 is a float, 2 is an integer of any size.
// Templates print the difference, so arguments of past tool calls must not lose it on the way in.
//
// lossless-json 4.3.3 takes a parser of numbers, but not what else is needed: its objects move keys such as "10" to the
// front, as JavaScript's do, and it overflows the stack on nesting that JSON.parse takes. So JSON.parse does the parsing
// here, and its errors are those that are reported.

/** A number written as a float. Without it, 2.0 would be the integer 2. */
export class PythonFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }

  toJSON(): number {
    return this.value;
  }
}

const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gs;

/** Keys such as "10", which JavaScript puts before all others, in order of size. */
const MOVED_KEY = /^"\d+"/;

const freshMark = (): string => `exact:${crypto.getRandomValues(new Uint32Array(4)).join()}:`;

/**
 * Like JSON.parse, but numbers with a fraction or exponent become PythonFloat, and integers beyond 2⁵³ become bigint.
 *
 * @param options.keepOrder  make a Map of an object with a key that JavaScript would move (default false)
 * @throws SyntaxError as JSON.parse does
 */
export function parseExactJson(text: string, options: { readonly keepOrder?: boolean } = {}): unknown {
  const { keepOrder = false } = options;
  const plain: unknown = JSON.parse(text);
  // Numbers and keys pass through JSON.parse as strings with a random mark, which no text can have foreseen.
  const mark = freshMark();
  let marked = false;
  const withMarks = text.replace(STRING_OR_NUMBER, (token, colon: string | undefined) => {
    if (token.startsWith('"')) {
      if (!keepOrder || colon === undefined || !MOVED_KEY.test(token)) return token;
    } else if (!/[.eE]/.test(token) && Number.isSafeInteger(Number(token)) && token !== "-0") return token;
    marked = true;
    return token.startsWith('"') ? `"${mark}${token.slice(1)}` : JSON.stringify(mark + token);
  });
  if (!marked) return plain;
  return JSON.parse(withMarks, (_, value: unknown) => {
    if (typeof value === "string" && value.startsWith(mark)) {
      const number = value.slice(mark.length);
      if (/[.eE]/.test(number)) return new PythonFloat(Number(number));
      return number === "-0" ? 0 : BigInt(number);
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    const members = Object.entries(value);
    if (!members.some(([key]) => key.startsWith(mark))) return value;
    return new Map(members.map(([key, member]) => [key.startsWith(mark) ? key.slice(mark.length) : key, member]));
  });
}

/** The text of what parseExactJson gave, indented: parsed again, it gives the same. */
export function writeExactJson(value: unknown, indent = 2): string {
  const mark = freshMark();
  const text = JSON.stringify(
    value,
    function (this: Record<string, unknown>, key, plain: unknown) {
      const exact = this[key]; // PythonFloat has become a number by now
      if (typeof exact === "bigint") return mark + exact;
      if (exact instanceof PythonFloat) return mark + floatText(exact.value);
      if (!(exact instanceof Map)) return plain;
      return Object.fromEntries([...exact].map(([name, member]) => [mark + name, member]));
    },
    indent,
  );
  return text.replaceAll(new RegExp(`"${mark}([^"\\\\]*(?:\\\\.[^"\\\\]*)*)"(:)?`, "gs"), (_, token, colon) =>
    colon === undefined ? token : `"${token}":`,
  );
}

function floatText(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? "1e999" : "-1e999";
  const text = Object.is(value, -0) ? "-0" : String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** What JSON.parse would have given for what parseExactJson gave, for code that reads values and does not print them. */
export function plainJson(value: unknown): unknown {
  if (value instanceof PythonFloat) return value.value;
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(plainJson);
  if (typeof value !== "object" || value === null) return value;
  const members = value instanceof Map ? [...value] : Object.entries(value);
  return Object.fromEntries(members.map(([key, member]) => [key, plainJson(member)]));
}

/** The members of what parseExactJson gave, by name; undefined where it is not an object. */
export function membersOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (value instanceof Map) return Object.fromEntries(value);
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject && !(value instanceof PythonFloat) ? (value as Record<string, unknown>) : undefined;
}
