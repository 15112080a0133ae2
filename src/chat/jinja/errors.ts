// The library's messages in the project's words: what was expected, what was found, and types by their Python names.
import { nameOfType } from "./python-text.ts";

const SENTENCES: readonly [RegExp, (...found: string[]) => string][] = [
  [/^Unknown (\w+) filter: (.*)$/s, (type, name) => `expected a filter for ${nameOfType(type)}, found "${name}"`],
  [
    /^Cannot apply filter "(.*)" to type: (\w+)$/s,
    (name, type) => `${name}: expected another value, found ${nameOfType(type)}`,
  ],
  [
    /^Cannot call something that is not a function: got (\w+)$/,
    (type) => `expected a function to call, found ${nameOfType(type)}`,
  ],
  [/^Unknown test: (.*)$/s, (name) => `expected a test that is known, found "${name}"`],
  [
    /^Cannot perform operation (\S+(?: in)?) on undefined values$/,
    (name) => `${name}: expected two values, found something undefined`,
  ],
  [/^Cannot perform operation on null values$/, () => "expected two values beside an operator, found none"],
  [
    /^Unknown operator "(.*)" between (\w+) and (\w+)$/s,
    (name, left, right) => `${name}: expected values that it takes, found ${nameOfType(left)} and ${nameOfType(right)}`,
  ],
  [
    /^Expected iterable or object type in for loop: got (\w+)$/,
    (type) => `for: expected a list or a dict, found ${nameOfType(type)}`,
  ],
  [
    /^Cannot unpack non-iterable type(?: in set)?: (\w+)$/,
    (type) => `expected a list to unpack, found ${nameOfType(type)}`,
  ],
  [
    /^Cannot access property with non-string(?:\/non-number)?: got (\w+)$/,
    (type) => `expected a name or a number in brackets, found ${nameOfType(type)}`,
  ],
  [
    /^Object keys? must be (?:a string|strings): got (\w+)$/,
    (type) => `expected a string as a dict's key, found ${nameOfType(type)}`,
  ],
  [/^Argument after \*\* must be a mapping, not (\w+)$/, (type) => `**: expected a dict, found ${nameOfType(type)}`],
  [/^cannot (odd|even) on (\w+)$/, (name, type) => `${name}: expected an integer, found ${nameOfType(type)}`],
  [/^Parser Error: .* (\w+) !== (\w+)\.$/s, (found, expected) => `expected ${words(expected)}, found ${words(found)}`],
  [/^Unexpected token: (\w+)$/, (token) => `expected a value, found ${words(token)}`],
  [/^Unexpected character: (.*)$/s, (character) => `expected Jinja, found ${JSON.stringify(character)}`],
  [/^(?:Unexpected end of input|Missing end of comment tag)$/, () => "expected an end of this tag, found none"],
];

/** "CloseParen" → "close paren" */
const words = (token: string): string => token.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter}`).toLowerCase();

/** What an error of the library, or of the engine under it, says. */
export function explained(error: unknown): string {
  const { name, message } = error as Error;
  // Engines word these as they like, and name their own functions.
  if (/stack|recursion/i.test(message)) return "expected less nesting, found more than the stack holds";
  if (name === "RangeError" || /allocation size/.test(message))
    return "expected a shorter text, found one that is too long";
  if (message === "") return "expected {% break %} and {% continue %} within loops, found one outside";
  if (name === "TypeError") return "expected a value of another kind, found one that this cannot be done with";
  for (const [pattern, sentence] of SENTENCES) {
    const match = pattern.exec(message);
    if (match !== null) return sentence(...match.slice(1));
  }
  return message.replace(/\b\w+Value\b/g, nameOfType);
}
