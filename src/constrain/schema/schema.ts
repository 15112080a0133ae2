// JSON Schemas checked: a keyword that is not understood, or whose value is malformed, is refused by its name.
import {
  constraintsOf,
  isObject,
  type Json,
  keywordOf,
  type Schema,
  SUPPORTED,
  sameness,
  TYPES,
  type TypeName,
} from "../../json-schema/keywords.ts";
import { ConstraintError, shown } from "../error.ts";

const REMEDIES: Readonly<Record<string, string>> = {
  not: "Say what is allowed instead.",
  if: "Use anyOf with the two cases written out.",
  nullable: 'Use "type": ["…", "null"].',
  patternProperties: "Use propertyNames with a pattern and additionalProperties.",
  additionalItems: "Use prefixItems and items.",
  minProperties: "Use required.",
  unevaluatedProperties: "Use additionalProperties.",
  $anchor: "Use $ref with a JSON pointer, #/$defs/….",
};

const MAX_CHARACTERS = 1_000_000;
/** Lists and objects within one another: about two for each level of schemas. */
const MAX_NESTING = 512;
const MAX_OPTIONS = 256;

/** A schema with keywords; true and false are schemas, too. */
export const isSchema = (value: Json | undefined): value is Schema => isObject(value);

/** A plain copy, as it would be sent in a request. @throws ConstraintError when it is not JSON, or too large */
export function asJson(value: unknown, subject: string): Json {
  let characters = 0;
  let text: string | undefined;
  try {
    // Counted on the way: what an object shares with itself is written out each time.
    text = JSON.stringify(value, (key, part) => {
      characters += 1 + key.length + (typeof part === "string" ? part.length : 0);
      if (characters > MAX_CHARACTERS) tooLong(subject, "more");
      return part;
    });
  } catch (cause) {
    if (cause instanceof ConstraintError) throw cause;
    const found = cause instanceof RangeError ? "nesting that is too deep" : (cause as Error).message;
    throw new ConstraintError({ subject, expected: "JSON", found }, { cause });
  }
  if (text === undefined) throw new ConstraintError({ subject, expected: "a JSON Schema", found: typeof value });
  if (text.length > MAX_CHARACTERS) tooLong(subject, String(text.length));
  if (nestingOf(text) > MAX_NESTING) {
    throw new ConstraintError({ subject, expected: `JSON nested at most ${MAX_NESTING} deep`, found: "more" });
  }
  return JSON.parse(text);
}

function tooLong(subject: string, found: string): never {
  throw new ConstraintError({ subject, expected: `at most ${MAX_CHARACTERS} characters`, found });
}

/** How many brackets of a JSON text are open at once. */
function nestingOf(json: string): number {
  let [depth, most] = [0, 0];
  for (const [token] of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{}]/g)) {
    if (token === "[" || token === "{") most = Math.max(most, ++depth);
    else if (token === "]" || token === "}") depth--;
  }
  return most;
}

/** @throws ConstraintError for a keyword that is not understood, or whose value is not the list or object that it has to be */
export function checkKeywords(schema: Schema, path: string): void {
  for (const keyword of constraintsOf(schema)) {
    if (keywordOf(keyword) !== undefined) {
      checkShape(keyword, schema[keyword], path);
      continue;
    }
    const remedy = REMEDIES[keyword] ?? "Leave it out, and check the answer yourself.";
    throw new ConstraintError({
      subject: `${path}.${keyword}`,
      expected: `keywords that output can be held to (${SUPPORTED.join(", ")})`,
      found: `"${keyword}"`,
      remedy,
    });
  }
}

function checkShape(keyword: string, found: Json, path: string): void {
  const isList = Array.isArray(found);
  const fail = (expected: string, remedy = ""): never => {
    throw new ConstraintError({ subject: `${path}.${keyword}`, expected, found: shown(found), remedy });
  };
  if (keyword === "properties" && !isSchema(found)) fail("an object of schemas");
  if (keyword === "required" && !(isList && found.every((name) => typeof name === "string"))) fail("a list of names");
  if (keyword === "enum" && !isList) fail("a list of values");
  if (keyword === "pattern" && typeof found !== "string") fail("a string");
  if (keyword === "items" && isList) fail("one schema", "Use prefixItems for the first items.");
  if (keywordOf(keyword)?.holds === "a list of schemas") listAt(found, path, keyword);
}

/** The types that a schema states; all of them when it states none. */
export function typesOf({ type }: Schema, path: string): TypeName[] {
  if (type === undefined) return [...TYPES];
  const stated: readonly Json[] = Array.isArray(type) ? type : [type];
  for (const name of stated) {
    if (TYPES.includes(name as TypeName)) continue;
    throw new ConstraintError({
      subject: `${path}.type`,
      expected: `${TYPES.join(", ")}, or a list of them`,
      found: shown(name),
    });
  }
  // An integer is a number, too.
  const isNumber = stated.includes("number");
  return TYPES.filter((name) => stated.includes(name) || (name === "integer" && isNumber));
}

/** The values that `enum` and `const` leave; undefined where neither is stated. */
export function valuesOf({ const: only, enum: some }: Schema): readonly Json[] | undefined {
  if (only === undefined) return Array.isArray(some) ? some : undefined;
  return !Array.isArray(some) || some.some((value) => sameness(value) === sameness(only)) ? [only] : [];
}

/** @throws ConstraintError when there are more options than can be compared */
export function checkOptions(count: number, path: string, keyword: string): void {
  if (count <= MAX_OPTIONS) return;
  throw new ConstraintError({
    subject: `${path}.${keyword}`,
    expected: `at most ${MAX_OPTIONS} schemas`,
    found: count,
  });
}

/** The members of a keyword that takes a list of schemas. */
export function listAt(list: Json, path: string, keyword: string): { schema: Json; path: string }[] {
  if (Array.isArray(list) && list.length > 0) {
    return list.map((schema, i) => ({ schema, path: `${path}.${keyword}[${i}]` }));
  }
  throw new ConstraintError({ subject: `${path}.${keyword}`, expected: "a list of schemas", found: shown(list) });
}

/** `properties` and `name` → `properties.name`; other names in brackets. */
export function at(path: string, name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `${path}.${name}` : `${path}[${JSON.stringify(name)}]`;
}

export function notASchema(found: Json | undefined, path: string): ConstraintError {
  return new ConstraintError({ subject: path, expected: "a schema (an object, true or false)", found: shown(found) });
}
