// Jinja's tests: what may stand behind `is`.
import { calculate, contains, holds } from "./operators.ts";
import { str } from "./python-text.ts";
import { Text } from "./text.ts";
import { type Arguments, Callable, Dict, Generator, isNumber, List, Undefined, type Value } from "./values.ts";

type Test = (value: Value, other: Value) => boolean;

/** @throws Error for a test that there is not */
export function applyTest(name: string, value: Value, { positional }: Arguments): boolean {
  const test = Object.hasOwn(TESTS, name) ? TESTS[name] : undefined;
  if (test === undefined) throw new Error(`is ${name}: expected one of ${Object.keys(TESTS).join(", ")}`);
  return test(value, positional[0] ?? null);
}

const comparison =
  (operator: string): Test =>
  (value, other) =>
    holds(operator, value, other);

const isCased = (plain: string, write: (plain: string) => string): boolean =>
  /\p{Cased}/u.test(plain) && plain === write(plain);

const equal = comparison("==");

const TESTS: Readonly<Record<string, Test>> = {
  defined: (value) => !(value instanceof Undefined),
  undefined: (value) => value instanceof Undefined,
  none: (value) => value === null,
  boolean: (value) => typeof value === "boolean",
  true: (value) => value === true,
  false: (value) => value === false,
  integer: (value) => typeof value === "bigint",
  float: (value) => typeof value === "number",
  number: isNumber,
  string: (value) => value instanceof Text,
  mapping: (value) => value instanceof Dict,
  sequence: (value) => [Text, List, Dict, Undefined].some((kind) => value instanceof kind),
  iterable: (value) =>
    value instanceof Generator ||
    value instanceof Text ||
    value instanceof List ||
    value instanceof Dict ||
    value instanceof Undefined,
  callable: (value) => value instanceof Callable,
  odd: (value) => holds("==", calculate("%", value, 2n), 1n),
  even: (value) => holds("==", calculate("%", value, 2n), 0n),
  divisibleby: (value, by) => holds("==", calculate("%", value, by), 0n),
  lower: (value) => isCased(str(value).value, (plain) => plain.toLowerCase()),
  upper: (value) => isCased(str(value).value, (plain) => plain.toUpperCase()),
  in: (value, container) => contains(container, value),
  sameas: (value, other) => value === other,
  eq: equal,
  equalto: equal,
  ne: comparison("!="),
  lt: comparison("<"),
  lessthan: comparison("<"),
  le: comparison("<="),
  gt: comparison(">"),
  greaterthan: comparison(">"),
  ge: comparison(">="),
};
