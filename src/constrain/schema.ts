// JSON Schemas as they come: which keywords are understood, and schemas that consist of others taken apart.
import { ConstraintError, shown } from "./error.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type Schema = { readonly [keyword: string]: Json };

export const TYPES = ["string", "number", "integer", "boolean", "null", "object", "array"] as const;
export type TypeName = (typeof TYPES)[number];

/** The keywords that are understood. A schema with another one is refused by its name. */
export const SUPPORTED: readonly string[] = [
  ...["type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref"],
  ...["properties", "required", "additionalProperties", "propertyNames", "maxProperties"],
  ...["items", "prefixItems", "minItems", "maxItems"],
  ...["minLength", "maxLength", "pattern", "format"],
  ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
];

/** Keywords that allow and forbid nothing. */
const NOTES = new Set([
  ...["title", "description", "default", "examples", "$comment", "deprecated", "readOnly", "writeOnly"],
  ...["$schema", "$id", "$defs", "definitions"],
]);

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
const MAX_MERGES = 64;

export const isSchema = (value: Json | undefined): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What a schema says beside its notes. */
export const constraintsOf = (schema: Schema): string[] => Object.keys(schema).filter((keyword) => !NOTES.has(keyword));

/** A plain copy, as it would be sent in a request. @throws ConstraintError when it is not JSON, or too large */
export function asJson(value: unknown, subject: string): Json {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    const found = cause instanceof RangeError ? "nesting that is too deep" : (cause as Error).message;
    throw new ConstraintError(`${subject}: expected JSON, found ${found}.`, { cause });
  }
  if (text === undefined) throw new ConstraintError(`${subject}: expected a JSON Schema, found ${typeof value}.`);
  if (text.length > MAX_CHARACTERS) {
    throw new ConstraintError(`${subject}: expected at most ${MAX_CHARACTERS} characters, found ${text.length}.`);
  }
  return JSON.parse(text);
}

/** Follows references and joins schemas, within the document they all come from. */
export class SchemaDocument {
  readonly #root: Json;
  readonly #subject: string;

  /** @param subject  how an error names the document: "schema" */
  constructor(root: Json, subject: string) {
    this.#root = root;
    this.#subject = subject;
  }

  /** The schema that `$ref` names, and its path. */
  resolve(ref: Json, path: string): { schema: Json; path: string } {
    if (typeof ref !== "string" || !/^#(?:\/|$)/.test(ref)) {
      throw new ConstraintError(
        `${path}.$ref: expected a pointer within the same schema, such as "#/$defs/item", found ${shown(ref)}.`,
      );
    }
    let schema: Json | undefined = this.#root;
    let found = this.#subject;
    for (const step of ref.slice(1).split("/").slice(1)) {
      const key = decode(step).replaceAll("~1", "/").replaceAll("~0", "~");
      const isThere: boolean = typeof schema === "object" && schema !== null && Object.hasOwn(schema, key);
      if (!isThere) throw new ConstraintError(`${path}.$ref: expected a schema at ${shown(ref)}, found nothing there.`);
      found = Array.isArray(schema) ? `${found}[${key}]` : at(found, key);
      schema = (schema as Schema)[key];
    }
    return { schema: schema as Json, path: found };
  }

  /**
   * One schema without `$ref` and `allOf` that says the same.
   *
   * @throws ConstraintError naming what cannot be joined
   */
  flatten(schema: Schema, path: string, merges = 0): Schema | boolean {
    checkKeywords(schema, path);
    if (schema.$ref === undefined && schema.allOf === undefined) return schema;
    if (merges > MAX_MERGES) {
      throw new ConstraintError(
        `${path}: expected at most ${MAX_MERGES} schemas joined by $ref and allOf, found more, or a circle.`,
      );
    }
    const { $ref, allOf, ...own } = schema;
    const parts: { schema: Json; path: string }[] = [];
    if ($ref !== undefined) parts.push(this.resolve($ref, path));
    if (allOf !== undefined) parts.push(...listAt(allOf, path, "allOf"));
    let joined: Schema | boolean = own;
    let count = merges;
    for (const part of parts) {
      if (typeof part.schema !== "boolean" && !isSchema(part.schema)) throw notASchema(part.schema, part.path);
      const flat = isSchema(part.schema) ? this.flatten(part.schema, part.path, ++count) : part.schema;
      joined = join(joined, flat, path);
    }
    return joined;
  }
}

/** @throws ConstraintError for a keyword that is not understood */
export function checkKeywords(schema: Schema, path: string): void {
  for (const keyword of constraintsOf(schema)) {
    if (SUPPORTED.includes(keyword)) continue;
    const remedy = REMEDIES[keyword] ?? "Leave it out, and check the answer yourself.";
    throw new ConstraintError(
      `${path}.${keyword}: expected keywords that output can be held to (${SUPPORTED.join(", ")}), found ` +
        `"${keyword}". ${remedy}`,
    );
  }
}

/** A schema that both allow. @throws ConstraintError when one keyword would have to say two things */
export function join(a: Schema | boolean, b: Schema | boolean, path: string): Schema | boolean {
  if (a === false || b === false) return false;
  if (a === true) return b;
  if (b === true) return a;
  // These look at other keywords of their own schema only.
  for (const [sees, seen] of [
    ["additionalProperties", "properties"],
    ["items", "prefixItems"],
  ]) {
    const [one, other] = a[sees] === undefined ? [b, a] : [a, b];
    if (one[sees] === undefined || other[seen] === undefined || one[seen] === other[seen]) continue;
    throw new ConstraintError(
      `${path}: expected ${sees} and ${seen} in one schema, found them in two that have to be joined. Write them in one.`,
    );
  }
  const joined: Record<string, Json> = { ...a };
  for (const keyword of constraintsOf(b)) {
    const [one, two] = [joined[keyword], b[keyword]];
    if (one === undefined || JSON.stringify(one) === JSON.stringify(two)) define(joined, keyword, two);
    else if (keyword === "required" && Array.isArray(one) && Array.isArray(two)) joined.required = [...one, ...two];
    else if (keyword === "properties" && isSchema(one) && isSchema(two)) {
      joined.properties = joinProperties(one, two, path);
    } else if (keyword === "type") joined.type = typesOf(a, path).filter((type) => typesOf(b, path).includes(type));
    else {
      throw new ConstraintError(
        `${path}: expected schemas that can be joined into one, found two that each say something about "${keyword}". ` +
          "Write it once.",
      );
    }
  }
  return joined;
}

function joinProperties(one: Schema, two: Schema, path: string): Schema {
  const joined: Record<string, Json> = { ...one };
  for (const [name, schema] of Object.entries(two)) {
    if (Object.hasOwn(joined, name) && JSON.stringify(joined[name]) !== JSON.stringify(schema)) {
      throw new ConstraintError(
        `${at(`${path}.properties`, name)}: expected one schema, found two that differ in schemas that have to be joined.`,
      );
    }
    define(joined, name, schema);
  }
  return joined;
}

/** `__proto__` is a name like any other. */
function define(object: Record<string, Json>, key: string, value: Json): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

/** The types that a schema states; all of them when it states none. */
export function typesOf({ type }: Schema, path: string): TypeName[] {
  if (type === undefined) return [...TYPES];
  const stated: readonly Json[] = Array.isArray(type) ? type : [type];
  for (const name of stated) {
    if (TYPES.includes(name as TypeName)) continue;
    throw new ConstraintError(`${path}.type: expected ${TYPES.join(", ")}, or a list of them, found ${shown(name)}.`);
  }
  // An integer is a number, too.
  const isNumber = stated.includes("number");
  return TYPES.filter((name) => stated.includes(name) || (name === "integer" && isNumber));
}

/** Whether no value satisfies both, as far as types, enum, const and required properties tell. */
export function areDisjoint(a: Schema, b: Schema, document: SchemaDocument, path: string): boolean {
  const [x, y] = [allowed(a, path), allowed(b, path)];
  if (!x.types.some((type) => y.types.includes(type))) return true;
  if (x.values !== undefined && y.values !== undefined && !x.values.some((value) => y.values?.includes(value))) {
    return true;
  }
  if (x.types.concat(y.types).some((type) => type !== "object")) return false;
  const [p, q] = [a.properties, b.properties];
  if (!isSchema(p) || !isSchema(q)) return false;
  return Object.keys(p).some((name) => {
    const isRequired = [a, b].some(({ required }) => Array.isArray(required) && required.includes(name));
    if (!isRequired || !Object.hasOwn(q, name)) return false;
    const [u, v] = [p[name], q[name]].map((schema) => (isSchema(schema) ? document.flatten(schema, path) : schema));
    if (!isSchema(u) || !isSchema(v)) return false;
    const [of, other] = [allowed(u, path).values, allowed(v, path).values];
    return of !== undefined && other !== undefined && !of.some((value) => other.includes(value));
  });
}

function allowed(schema: Schema, path: string): { types: TypeName[]; values: string[] | undefined } {
  const values = valuesOf(schema);
  // 1 is an integer and a number.
  const types = typesOf(schema, path).map((type) => (type === "integer" ? "number" : type));
  const ofValues = values?.map((value) => typeOf(value));
  return {
    types: ofValues === undefined ? types : types.filter((type) => ofValues.includes(type)),
    values: values?.map((value) => JSON.stringify(value)),
  };
}

/** The values that `enum` and `const` leave; undefined where neither is stated. */
export function valuesOf({ const: only, enum: some }: Schema): readonly Json[] | undefined {
  if (only === undefined) return Array.isArray(some) ? some : undefined;
  return !Array.isArray(some) || some.some((value) => JSON.stringify(value) === JSON.stringify(only)) ? [only] : [];
}

export function typeOf(value: Json): TypeName {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value as TypeName;
}

/** The members of a keyword that takes a list of schemas. */
export function listAt(list: Json, path: string, keyword: string): { schema: Json; path: string }[] {
  if (Array.isArray(list) && list.length > 0) {
    return list.map((schema, i) => ({ schema, path: `${path}.${keyword}[${i}]` }));
  }
  throw new ConstraintError(`${path}.${keyword}: expected a list of schemas, found ${shown(list)}.`);
}

/** `properties` and `name` → `properties.name`; other names in brackets. */
export function at(path: string, name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `${path}.${name}` : `${path}[${JSON.stringify(name)}]`;
}

export function notASchema(found: Json | undefined, path: string): ConstraintError {
  return new ConstraintError(`${path}: expected a schema (an object, true or false), found ${shown(found)}.`);
}

function decode(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}
