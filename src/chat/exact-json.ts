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

const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gs;

/**
 * Like JSON.parse, but numbers with a fraction or exponent become PythonFloat, and integers beyond 2⁵³ become bigint.
 *
 * @throws SyntaxError as JSON.parse does
 */
export function parseExactJson(text: string): unknown {
  const plain: unknown = JSON.parse(text);
  // Numbers pass through JSON.parse as strings that no text can have foreseen.
  const mark = `number:${crypto.getRandomValues(new Uint32Array(4)).join()}:`;
  let marked = false;
  const withMarks = text.replace(STRING_OR_NUMBER, (token) => {
    if (token.startsWith('"') || (!/[.eE]/.test(token) && Number.isSafeInteger(Number(token)))) return token;
    marked = true;
    return JSON.stringify(mark + token);
  });
  if (!marked) return plain;
  return JSON.parse(withMarks, (_, value: unknown) => {
    if (typeof value !== "string" || !value.startsWith(mark)) return value;
    const number = value.slice(mark.length);
    return /[.eE]/.test(number) ? new PythonFloat(Number(number)) : BigInt(number);
  });
}
