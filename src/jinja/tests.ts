// Jinja's tests: what may stand behind `is`.
import { contains, holds } from "./operators.ts";
import { Text } from "./text.ts";
import { type Arguments, Callable, Dict, isNumber, List, numberOf, typeName, Undefined, type Value } from "./values.ts";

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

function remainder(value: Value, by: bigint): bigint {
  if (!isNumber(value) || typeof value === "number") throw new Error(`expected an integer, found ${typeName(value)}`);
  return BigInt(numberOf(value)) % by;
}

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
  sequence: (value) => value instanceof Text || value instanceof List || value instanceof Dict,
  iterable: (value) =>
    value instanceof Text || value instanceof List || value instanceof Dict || value instanceof Undefined,
  callable: (value) => value instanceof Callable,
  odd: (value) => remainder(value, 2n) !== 0n,
  even: (value) => remainder(value, 2n) === 0n,
  divisibleby: (value, by) => typeof by === "bigint" && remainder(value, by) === 0n,
  lower: (value) =>
    value instanceof Text && /\p{Cased}/u.test(value.value) && value.value === value.value.toLowerCase(),
  upper: (value) =>
    value instanceof Text && /\p{Cased}/u.test(value.value) && value.value === value.value.toUpperCase(),
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
