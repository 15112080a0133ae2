// Numbers as texts: which decimal numbers lie between two bounds.
import type { Budget } from "../budget.ts";
import { ConstraintError } from "../error.ts";
import { accepts, both, type Machine, multiplesOf, wordsMachine } from "./machine.ts";
import { parseRegex } from "./regex.ts";
import { regexMachine } from "./regex-machine.ts";

export interface NumberBounds {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
}

/** Decimals of up to 15 digits keep their order when they become doubles, and none becomes another's double. */
const DIGITS = 15;
const LARGEST = 999_999_999_999_999;
const MAX_DIVISOR = 1000;
const MAX_LISTED = 1000;

const INTEGER = "(?:0|-?[1-9]\\d{0,14})";
// Exponents of two digits, so that no number becomes infinite.
const NUMBER = "-?(?:0|[1-9]\\d{0,14})(?:\\.\\d{1,15})?(?:[eE][+-]?\\d{1,2})?";
const FIFTEEN_DIGITS = "[^0-9]*(?:[0-9][^0-9]*){0,15}";

/** The numbers that a schema allows, as texts. */
export interface Numbers {
  readonly machine: Machine;
  /** Texts beside the machine's: bounds that need more digits than it writes. */
  readonly others: readonly string[];
}

/** @throws ConstraintError naming the keyword at fault */
export function numberMachine(bounds: NumberBounds, isInteger: boolean, subject: string, budget: Budget): Numbers {
  const machineOf = (pattern: string): Machine =>
    regexMachine(parseRegex(pattern, subject), subject, budget, { whole: true });
  const { multipleOf } = bounds;
  const isWhole = isInteger || multipleOf !== undefined;
  const [low, high] = [
    boundOf(bounds.minimum, bounds.exclusiveMinimum, Math.max),
    boundOf(bounds.maximum, bounds.exclusiveMaximum, Math.min),
  ];
  if (multipleOf !== undefined) {
    if (!(Number.isInteger(multipleOf) && multipleOf >= 1)) notADivisor(multipleOf, subject);
    const listed = multiplesBetween(low, high, multipleOf);
    if (listed !== undefined) return { machine: wordsMachine(listed, subject), others: [] };
    if (multipleOf > MAX_DIVISOR) notADivisor(multipleOf, subject);
  }
  if (low === undefined && high === undefined && multipleOf === undefined) {
    return { machine: machineOf(isWhole ? INTEGER : NUMBER), others: [] };
  }
  // With bounds, a number is written without an exponent.
  let machine = machineOf(isWhole ? INTEGER : "-?(?:0|[1-9]\\d*)(?:\\.\\d+)?");
  if (!isWhole) machine = both(machine, machineOf(FIFTEEN_DIGITS), subject, budget);
  if (low !== undefined && low.value >= -LARGEST) {
    if (low.value > LARGEST) tooFar(subject, "minimum", low.value);
    machine = both(machine, machineOf(atLeast(low)), subject, budget);
  }
  if (high !== undefined && high.value <= LARGEST) {
    if (high.value < -LARGEST) tooFar(subject, "maximum", high.value);
    machine = both(machine, machineOf(atMost(high)), subject, budget);
  }
  if (multipleOf !== undefined) return { machine: both(machine, multiplesOf(multipleOf), subject, budget), others: [] };
  const others = [low, high].flatMap((bound) => {
    if (bound === undefined || isWhole || !isWithin(bound.value, bounds)) return [];
    const written = String(bound.value);
    return accepts(machine, written) ? [] : [written];
  });
  return { machine, others };
}

export function isWithin(value: number, bounds: NumberBounds): boolean {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum, exclusiveMaximum, multipleOf } = bounds;
  return (
    value >= minimum &&
    value <= maximum &&
    (exclusiveMinimum === undefined || value > exclusiveMinimum) &&
    (exclusiveMaximum === undefined || value < exclusiveMaximum) &&
    (multipleOf === undefined || value % multipleOf === 0)
  );
}

/** All multiples within bounds, where they are few enough to be listed. */
function multiplesBetween(low: Bound | undefined, high: Bound | undefined, divisor: number): string[] | undefined {
  if (low === undefined || high === undefined) return undefined;
  const [first, last] = [Math.ceil(low.value / divisor), Math.floor(high.value / divisor)];
  if (!(last - first < MAX_LISTED) || Math.max(-first, last) * divisor > LARGEST) return undefined;
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) * divisor)
    .filter((value) => (low.isExclusive ? value > low.value : value >= low.value))
    .filter((value) => (high.isExclusive ? value < high.value : value <= high.value))
    .map((value) => String(value + 0)); // not −0
}

function notADivisor(found: number, subject: string): never {
  throw new ConstraintError({
    subject: `${subject}.multipleOf`,
    expected: `an integer from 1 to ${MAX_DIVISOR}, or a larger one of which at most ${MAX_LISTED} multiples lie within minimum and maximum`,
    found,
  });
}

interface Bound {
  readonly value: number;
  readonly isExclusive: boolean;
}

/** The tighter one of a bound and an exclusive bound. */
function boundOf(
  inclusive: number | undefined,
  exclusive: number | undefined,
  tighter: (a: number, b: number) => number,
): Bound | undefined {
  if (exclusive === undefined) return inclusive === undefined ? undefined : { value: inclusive, isExclusive: false };
  if (inclusive === undefined || inclusive === exclusive || tighter(inclusive, exclusive) === exclusive) {
    return { value: exclusive, isExclusive: true };
  }
  return { value: inclusive, isExclusive: false };
}

/** Patterns over texts of the form -?(0|[1-9]\d*)(\.\d+)?, which decides what they may look like beside their size. */
function atLeast({ value, isExclusive }: Bound): string {
  if (value > 0 || (value === 0 && isExclusive)) return larger(Math.abs(value), isExclusive);
  if (value === 0) return "[0-9].*";
  return `[0-9].*|-(?:${smaller(-value, isExclusive)})`;
}

function atMost({ value, isExclusive }: Bound): string {
  if (value < 0 || (value === 0 && isExclusive)) return `-(?:${larger(Math.abs(value), isExclusive)})`;
  return `-.*|(?:${smaller(value, isExclusive)})`;
}

/** Sizes of at least `bound` ≥ 0. */
function larger(bound: number, isExclusive: boolean): string {
  const { whole, fraction } = decimalOf(bound);
  const more = [`[1-9]\\d{${whole.length},}(?:\\.\\d+)?`];
  if (whole === "0") more[0] = "[1-9]\\d*(?:\\.\\d+)?";
  else for (const { head, left } of raised(whole)) more.push(`${head}\\d{${left}}(?:\\.\\d+)?`);
  for (const { head } of raised(fraction)) more.push(`${whole}\\.${head}\\d*`);
  if (isExclusive) more.push(`${whole}\\.${fraction}\\d*[1-9]\\d*`);
  else more.push(fraction === "" ? `${whole}(?:\\.\\d+)?` : `${whole}\\.${fraction}\\d*`);
  return more.join("|");
}

/** Sizes of at most `bound` ≥ 0. */
function smaller(bound: number, isExclusive: boolean): string {
  const { whole, fraction } = decimalOf(bound);
  const less: string[] = [];
  if (whole.length > 1) less.push(`\\d{1,${whole.length - 1}}(?:\\.\\d+)?`);
  for (const { head, left } of lowered(whole)) less.push(`${head}\\d{${left}}(?:\\.\\d+)?`);
  for (const { head } of lowered(fraction)) less.push(`${whole}\\.${head}\\d*`);
  // 1, 1.2 and 1.23 are below 1.234.
  for (let i = 0; i < fraction.length; i++) less.push(i === 0 ? whole : `${whole}\\.${fraction.slice(0, i)}`);
  if (!isExclusive) less.push(fraction === "" ? `${whole}(?:\\.0+)?` : `${whole}\\.${fraction}0*`);
  return less.length === 0 ? "[]" : less.join("|");
}

/** What begins as `digits` does and is then above them, or below; and how many digits of theirs are left to match. */
function raised(digits: string): { head: string; left: number }[] {
  return Array.from(digits, (digit, i) => ({ digit: Number(digit), i })).flatMap(({ digit, i }) =>
    digit === 9 ? [] : [{ head: `${digits.slice(0, i)}[${digit + 1}-9]`, left: digits.length - i - 1 }],
  );
}

function lowered(digits: string): { head: string; left: number }[] {
  return Array.from(digits, (digit, i) => ({ digit: Number(digit), i })).flatMap(({ digit, i }) =>
    digit === 0 ? [] : [{ head: `${digits.slice(0, i)}[0-${digit - 1}]`, left: digits.length - i - 1 }],
  );
}

/**
 * A double in plain decimal, as JavaScript prints it but without an exponent, and cut after 15 places: nothing that is
 * written has more, so the rest still decides what lies above it and what below.
 */
function decimalOf(value: number): { whole: string; fraction: string } {
  const [mantissa, exponent = "0"] = String(value).split("e");
  const [whole, places = ""] = mantissa.split(".");
  const digits = whole + places;
  const point = whole.length + Number(exponent);
  const padded = point <= 0 ? "0".repeat(1 - point) + digits : digits.padEnd(point, "0");
  const at = Math.max(1, point);
  return {
    whole: padded.slice(0, at).replace(/^0+(?=.)/, ""),
    fraction: padded.slice(at).replace(/0+$/, "").slice(0, DIGITS),
  };
}

function tooFar(subject: string, keyword: string, found: number): never {
  throw new ConstraintError({
    subject: `${subject}.${keyword}`,
    expected: `a number of at most ${DIGITS} digits before its point`,
    found,
  });
}
