// JSON whose numbers keep what Python's json module would see in them: 2.0 is a float, 2 is an integer of any size.
// Templates print the difference, so arguments of past tool calls must not lose it on the way in.

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

/**
 * Like JSON.parse, but numbers with a fraction or exponent become PythonFloat, and integers beyond 2⁵³ become bigint.
 *
 * @param options.keepOrder  make a Map of an object with a key that JavaScript would move (default false)
 * @throws SyntaxError as JSON.parse does
 */
export function parseExactJson(text: string, { keepOrder = false }: { readonly keepOrder?: boolean } = {}): unknown {
  const plain: unknown = JSON.parse(text);
  // Numbers and keys pass through JSON.parse as strings that no text can have foreseen.
  const mark = `exact:${crypto.getRandomValues(new Uint32Array(4)).join()}:`;
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
      return /[.eE]/.test(number) ? new PythonFloat(Number(number)) : BigInt(number);
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    const members = Object.entries(value);
    if (!members.some(([key]) => key.startsWith(mark))) return value;
    return new Map(members.map(([key, member]) => [key.startsWith(mark) ? key.slice(mark.length) : key, member]));
  });
}
