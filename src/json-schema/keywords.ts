// JSON Schema (2020-12) as far as this project understands it: keywords, types, and which values are the same.
//
// Two rooms read schemas: `constrain` writes the grammar of what a schema allows, and `chat` tells where the arguments
// of a call do not fit one. The first is written over this table; that the second means the same by every keyword is what
// test/json-schema/agreement.test.ts holds.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type Schema = { readonly [keyword: string]: Json };

export const TYPES = ["string", "number", "integer", "boolean", "null", "object", "array"] as const;
export type TypeName = (typeof TYPES)[number];

export interface Keyword {
  /** The type whose values it restricts; it says nothing of others. Absent where it speaks of all. */
  readonly type?: TypeName;
  /** What its value is, where that consists of schemas. */
  readonly holds?: "a schema" | "a list of schemas" | "schemas by name";
}

const KEYWORDS: ReadonlyMap<string, Keyword> = new Map<string, Keyword>([
  ["type", {}],
  ["enum", {}],
  ["const", {}],
  ["anyOf", { holds: "a list of schemas" }],
  ["oneOf", { holds: "a list of schemas" }],
  ["allOf", { holds: "a list of schemas" }],
  ["$ref", {}],
  ["properties", { type: "object", holds: "schemas by name" }],
  ["required", { type: "object" }],
  ["additionalProperties", { type: "object", holds: "a schema" }],
  ["propertyNames", { type: "object", holds: "a schema" }],
  ["maxProperties", { type: "object" }],
  ["items", { type: "array", holds: "a schema" }],
  ["prefixItems", { type: "array", holds: "a list of schemas" }],
  ["minItems", { type: "array" }],
  ["maxItems", { type: "array" }],
  ["minLength", { type: "string" }],
  ["maxLength", { type: "string" }],
  ["pattern", { type: "string" }],
  ["format", { type: "string" }],
  ["minimum", { type: "number" }],
  ["maximum", { type: "number" }],
  ["exclusiveMinimum", { type: "number" }],
  ["exclusiveMaximum", { type: "number" }],
  ["multipleOf", { type: "number" }],
]);

/** The keywords that are understood. */
export const SUPPORTED: readonly string[] = [...KEYWORDS.keys()];

/** Keywords that allow and forbid nothing. */
const NOTES = new Set([
  ...["title", "description", "default", "examples", "$comment", "deprecated", "readOnly", "writeOnly"],
  ...["$schema", "$id", "$defs", "definitions"],
]);

/** Undefined for a keyword that is not understood, and for a note. */
export function keywordOf(name: string): Keyword | undefined {
  return KEYWORDS.get(name);
}

/** What a schema says beside its notes. */
export const constraintsOf = (schema: Schema): string[] => Object.keys(schema).filter((keyword) => !NOTES.has(keyword));

export const isObject = (value: Json | undefined): value is { readonly [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export function typeOf(value: Json): TypeName {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value as TypeName;
}

/** An integer is a number without a fraction, however it is written: 2.0 is one. */
export function isOfType(value: Json, type: TypeName): boolean {
  return type === "integer" ? Number.isInteger(value) : type === typeOf(value);
}

/** A text that values have in common when JSON Schema takes them for the same. */
export function sameness(value: Json): string {
  return JSON.stringify(value, (_, part: Json) => {
    if (!isObject(part)) return part;
    const sorted: Record<string, Json> = {};
    for (const key of Object.keys(part).sort()) define(sorted, key, part[key]);
    return sorted;
  });
}

/**
 * Whether JSON Schema takes two values for the same: what `sameness` would say of both, found without writing them out.
 *
 * @param visit  called before each pair of parts that is compared; what two values share costs nothing
 */
export function isSame(a: Json, b: Json, visit: () => void): boolean {
  if (a === b) return true;
  visit();
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((part, i) => isSame(part, b[i], visit));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => Object.hasOwn(b, name) && isSame(a[name], b[name], visit));
}

/** `__proto__` is a name like any other. */
export function define(object: Record<string, Json>, key: string, value: Json): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}
