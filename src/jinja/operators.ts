// Python's arithmetic and comparisons.
import { concatenate, MAX_TEXT_LENGTH, Text } from "./text.ts";
import {
  areEqual,
  compare,
  Dict,
  isNumber,
  iterate,
  List,
  numberOf,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

// Enough for any number in a prompt; 2 ** 10**9 would fill the memory.
const MAX_BITS = 4096;

/** + - * / // % ** */
export function calculate(operator: string, left: Value, right: Value): Value {
  for (const operand of [left, right]) {
    if (operand instanceof Undefined) throw new Error(`${operand.subject} is undefined`);
  }
  if (isNumber(left) && isNumber(right)) return arithmetic(operator, numberOf(left), numberOf(right));
  if (operator === "+") {
    if (left instanceof Text && right instanceof Text) return concatenate([left, right]);
    if (left instanceof List && right instanceof List && left.isTuple === right.isTuple) {
      return new List([...left.items, ...right.items], left.isTuple);
    }
  }
  if (operator === "*") {
    const [sequence, count] = isNumber(left) ? [right, left] : [left, right];
    if ((typeof count === "bigint" || typeof count === "boolean") && !isNumber(sequence)) {
      return repeat(sequence, Math.max(0, Number(count)));
    }
  }
  throw new Error(`${operator}: expected values it joins, found ${typeName(left)} and ${typeName(right)}`);
}

function repeat(sequence: Value, count: number): Value {
  const length = sequence instanceof Text ? sequence.value.length : sequence instanceof List && sequence.items.length;
  if (length === false) throw new Error(`*: expected a number, a string or a list, found ${typeName(sequence)}`);
  if (length * count > MAX_TEXT_LENGTH) throw new Error(`*: expected at most ${MAX_TEXT_LENGTH}, found more`);
  const times = length === 0 ? 0 : count;
  if (sequence instanceof Text) return concatenate(Array.from({ length: times }, () => sequence));
  const { items, isTuple } = sequence as List;
  return new List(Array.from({ length: times }, () => items).flat(), isTuple);
}

function arithmetic(operator: string, a: bigint | number, b: bigint | number): bigint | number {
  if (typeof a === "bigint" && typeof b === "bigint") {
    if (operator === "/") return divided(Number(a), Number(b));
    if (operator === "**") {
      if (b < 0n) return divided(1, Number(a) ** Number(-b));
      if (BigInt(a.toString(2).length) * b > MAX_BITS)
        throw new Error(`**: expected at most ${MAX_BITS} bits, found more`);
    }
    return integerArithmetic(operator, a, b);
  }
  const [x, y] = [Number(a), Number(b)];
  switch (operator) {
    case "+":
      return x + y;
    case "-":
      return x - y;
    case "*":
      return x * y;
    case "/":
      return divided(x, y);
    case "//":
      return floorDivided(x, y);
    case "%":
      return floatRemainder(x, y);
    default:
      return x ** y;
  }
}

/** Has the divisor's sign, also when it is 0. */
function floatRemainder(x: number, y: number): number {
  if (y === 0) throw new Error("%: expected a divisor, found 0");
  const rest = x % y;
  if (rest === 0) return y < 0 ? -0 : 0;
  return rest < 0 === y < 0 ? rest : rest + y;
}

/** From the remainder, which is exact: 2.0 // 0.1 is 19, though 2.0 / 0.1 rounds to 20. */
function floorDivided(x: number, y: number): number {
  const quotient = divided(x, y);
  const whole = (x - floatRemainder(x, y)) / y;
  if (whole === 0) return Object.is(quotient, -0) || quotient < 0 ? -0 : 0;
  return Math.round(whole);
}

function integerArithmetic(operator: string, a: bigint, b: bigint): bigint {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return bounded(a, b);
    case "**":
      return a ** b;
    default: {
      if (b === 0n) throw new Error(`${operator}: expected a divisor, found 0`);
      // JavaScript rounds towards 0, Python towards -∞.
      const rest = a % b;
      const isBelow = rest !== 0n && rest < 0n !== b < 0n;
      if (operator === "%") return isBelow ? rest + b : rest;
      return isBelow ? a / b - 1n : a / b;
    }
  }
}

function bounded(a: bigint, b: bigint): bigint {
  const product = a * b;
  if (product >> BigInt(MAX_BITS) > 1n) throw new Error(`*: expected at most ${MAX_BITS} bits, found more`);
  return product;
}

function divided(dividend: number, divisor: number): number {
  if (divisor === 0) throw new Error("expected a divisor, found 0");
  return dividend / divisor;
}

/** == != < <= > >= in, not in */
export function holds(operator: string, left: Value, right: Value): boolean {
  switch (operator) {
    case "==":
      return areEqual(left, right);
    case "!=":
      return !areEqual(left, right);
    case "in":
      return contains(right, left);
    case "not in":
      return !contains(right, left);
  }
  for (const operand of [left, right]) {
    if (operand instanceof Undefined) throw new Error(`${operand.subject} is undefined`);
  }
  const order = compare(left, right);
  if (operator === "<") return order < 0;
  if (operator === "<=") return order <= 0;
  return operator === ">" ? order > 0 : order >= 0;
}

export function contains(container: Value, member: Value): boolean {
  if (container instanceof Text) {
    if (member instanceof Text) return container.value.includes(member.value);
    throw new Error(`in: expected a string to look for in a string, found ${typeName(member)}`);
  }
  if (container instanceof Dict) return container.get(member) !== undefined;
  return iterate(container).some((item) => areEqual(item, member));
}
