// Keys of schemas: those that are equal allow the same values, wherever they stand, so that one rule serves them all.
import { constraintsOf, type Json, keywordOf, type Schema } from "../../json-schema/keywords.ts";
import { ConstraintError } from "../error.ts";
import { isSchema } from "./schema.ts";

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
    const textOf = (keyword: string, value: Json): string => {
      const below = (inner: Json): number => keyOf(inner, depth + 1);
      const holds = keywordOf(keyword)?.holds;
      if (holds === "a schema") return String(below(value));
      if (holds === "a list of schemas" && Array.isArray(value)) return value.map(below).join();
      if (holds === "schemas by name" && isSchema(value)) {
        return Object.entries(value)
          .map(([name, property]) => `${JSON.stringify(name)}:${below(property)}`)
          .join();
      }
      return keyword === "$ref" ? `${document} ${JSON.stringify(value)}` : JSON.stringify(value);
    };
    const keywords = constraintsOf(schema).sort();
    const key = number(
      keywords.map((keyword) => `${JSON.stringify(keyword)} ${textOf(keyword, schema[keyword])}`).join("; "),
    );
    known.set(schema, key);
    return key;
  };
  return (schema) => keyOf(schema, 0);
}
