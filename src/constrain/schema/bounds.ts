// The numbers that a schema states: bounds of values, and counts of items and characters.
import type { Schema } from "../../json-schema/keywords.ts";
import { ConstraintError, shown } from "../error.ts";
import type { NumberBounds } from "../text/numbers.ts";

export function boundsOf(schema: Schema, path: string): NumberBounds {
  const [minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf] = (
    ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"] as const
  ).map((keyword) => numberAt(schema, keyword, path));
  return { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf };
}

function numberAt(schema: Schema, keyword: string, path: string): number | undefined {
  const found = schema[keyword];
  if (found === undefined || typeof found === "number") return found;
  throw new ConstraintError({ subject: `${path}.${keyword}`, expected: "a number", found: shown(found) });
}

/** @throws ConstraintError when it is not a whole number from 0 to `most` */
export function countAt(schema: Schema, keyword: string, path: string, most: number): number | undefined {
  const found = numberAt(schema, keyword, path);
  if (found === undefined || (Number.isInteger(found) && found >= 0 && found <= most)) return found;
  const range = most === Number.POSITIVE_INFINITY ? "of at least 0" : `from 0 to ${most}`;
  throw new ConstraintError({ subject: `${path}.${keyword}`, expected: `an integer ${range}`, found });
}
