// Keys of schemas: those that are equal allow the same values, wherever they stand, so that one rule serves them all.
import { ConstraintError } from "../error.ts";
import { constraintsOf, isSchema, type Json, type Schema } from "./schema.ts";

/** Keywords whose value is a schema, a list of schemas, or schemas by name. */
const ONE = new Set(["items", "additionalProperties", "propertyNames"]);
const LISTS = new Set(["anyOf", "oneOf", "allOf", "prefixItems"]);

/** Schemas joined from others may be nested deeper than any that is stated. */
const MAX_DEPTH = 1000;

/**
 * @param document  names the schema that references lead into
 * @param number    gives equal texts one number
 */
export function createSchemaKeys(document: string, number: (text: string) => number): (schema: Json) => number {
  const known = new WeakMap<Schema, number>();
  const keyOf = (schema: Json, depth: number): number => {
    if (!isSchema(schema)) return number(JSON.stringify(schema));
    const before = known.get(schema);
    if (before !== undefined) return before;
    if (depth > MAX_DEPTH) {
      throw new ConstraintError({
        subject: document,
        expected: `schemas nested at most ${MAX_DEPTH} deep once they are joined`,
        found: "more",
      });
    }
    const told = (keyword: string, value: Json): string => {
      const below = (inner: Json): number => keyOf(inner, depth + 1);
      if (ONE.has(keyword)) return String(below(value));
      if (LISTS.has(keyword) && Array.isArray(value)) return value.map(below).join();
      if (keyword === "properties" && isSchema(value)) {
        return Object.entries(value)
          .map(([name, property]) => `${JSON.stringify(name)}:${below(property)}`)
          .join();
      }
      return keyword === "$ref" ? `${document} ${JSON.stringify(value)}` : JSON.stringify(value);
    };
    const keywords = constraintsOf(schema).sort();
    const key = number(
      keywords.map((keyword) => `${JSON.stringify(keyword)} ${told(keyword, schema[keyword])}`).join("; "),
    );
    known.set(schema, key);
    return key;
  };
  return (schema) => keyOf(schema, 0);
}
