// What can be said of an option's value before any work begins.
import { kindOf, OptionError, shown } from "./option-error.ts";

/** @throws OptionError naming the option, what was expected and what was found */
export type Check = (value: unknown, name: string) => void;

/** For values that are checked where they are used. */
export const anything: Check = () => {};

/** @param expected  ends the sentence "expected …" */
export const satisfies =
  (expected: string, holds: (value: unknown) => boolean): Check =>
  (value, name) => {
    if (!holds(value)) throw new OptionError({ subject: name, expected, found: shown(value) });
  };

export const trueOrFalse = satisfies("true or false", (value) => typeof value === "boolean");

export const validDate = satisfies("a valid Date", (value) => value instanceof Date && !Number.isNaN(value.getTime()));

export const patterns = satisfies(
  "a list of patterns",
  (value) => Array.isArray(value) && value.every((glob) => typeof glob === "string"),
);

export const oneOf = (...values: readonly string[]): Check =>
  satisfies(values.join(" or "), (value) => values.some((known) => known === value));

export function integer(least: number, most = Number.POSITIVE_INFINITY): Check {
  const range = most === Number.POSITIVE_INFINITY ? `of at least ${least}` : `from ${least} to ${most}`;
  return satisfies(
    `an integer ${range}`,
    (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
  );
}

export const aFunction: Check = (value, name) => {
  if (typeof value !== "function") {
    throw new OptionError({ subject: name, expected: "a function", found: kindOf(value) });
  }
};

export const abortSignal: Check = (value, name) => {
  const { aborted, addEventListener } = Object(value);
  if (typeof aborted === "boolean" && typeof addEventListener === "function") return;
  throw new OptionError({
    subject: name,
    expected: "an AbortSignal",
    found: kindOf(value),
    remedy: "Pass controller.signal.",
  });
};
