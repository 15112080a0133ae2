// From a JSON Schema to the grammar of the texts that satisfy it. Where a schema leaves something open, the grammar may
// be narrower: what it lets through always validates.
import type { Budget } from "./budget.ts";
import { ConstraintError, shown } from "./error.ts";
import { STRING_FORMATS } from "./formats.ts";
import { choice, type Expression, NOTHING, sequence, text } from "./grammar.ts";
import type { GrammarBuilder } from "./grammar-builder.ts";
import { allBut, both, lengthMachine, type Machine, regexMachine, wordsMachine } from "./machine.ts";
import { comma, literal, type Notation } from "./notation.ts";
import { numberMachine } from "./numbers.ts";
import { parseRegex } from "./regex.ts";
import {
  areDisjoint,
  at,
  checkKeywords,
  constraintsOf,
  isSchema,
  type Json,
  join,
  listAt,
  notASchema,
  type Schema,
  SchemaDocument,
  type TypeName,
  typeOf,
  typesOf,
  valuesOf,
} from "./schema.ts";

/** Lists and strings that are counted. */
const MAX_ITEMS = 10_000;
const MAX_STRING = 65_536;
const MAX_NESTING = 128;
const MAX_OPTIONS = 256;

/** Keywords that say of which type a schema without `type` speaks. */
const TELLING: Readonly<Record<string, TypeName>> = {
  properties: "object",
  required: "object",
  additionalProperties: "object",
  propertyNames: "object",
  maxProperties: "object",
  items: "array",
  prefixItems: "array",
  minItems: "array",
  maxItems: "array",
  minLength: "string",
  maxLength: "string",
  pattern: "string",
  format: "string",
  minimum: "number",
  maximum: "number",
  exclusiveMinimum: "number",
  exclusiveMaximum: "number",
  multipleOf: "number",
};

/** A member of an object, or an argument of a call. */
export interface Member {
  readonly written: Expression;
  readonly isRequired: boolean;
}

export class SchemaGrammar {
  readonly #document: SchemaDocument;
  readonly #builder: GrammarBuilder;
  readonly #notation: Notation;

  /** @param subject  how errors name the schema */
  constructor(schema: Json, subject: string, builder: GrammarBuilder, notation: Notation) {
    this.#document = new SchemaDocument(schema, subject);
    this.#builder = builder;
    this.#notation = notation;
  }

  /**
   * What satisfies `schema`.
   *
   * @param path   where it is, for errors; equal paths are equal schemas
   * @param state  tells a schema that was joined with another from the one that stands at `path`
   */
  value(schema: Json | undefined, path: string, state = ""): Expression {
    if (path.length > 80 * MAX_NESTING || path.split(/[.[]/).length > 2 * MAX_NESTING) {
      throw new ConstraintError(`${path.slice(0, 200)}…: expected schemas nested at most ${MAX_NESTING} deep.`);
    }
    return this.#rule(`${path}${state}`, () => {
      if (schema === true) return this.any();
      if (schema === false) return choice();
      if (!isSchema(schema)) throw notASchema(schema, path);
      return this.#define(schema, path);
    });
  }

  /** Any value at all. */
  any(): Expression {
    return this.#rule("any", () =>
      choice(
        ...(["string", "number", "boolean", "null"] as const).map((type) => this.#ofType(type, {}, "any")),
        this.anyObject(),
        this.#array({}, "any"),
      ),
    );
  }

  anyObject(): Expression {
    return this.#rule("any object", () => this.#braces([], this.#extra(allBut([]), this.any())));
  }

  /** The members that `properties` and `required` ask for, in the order they are stated in. */
  members(schema: Schema, path: string, spelled: (name: string) => Expression): Member[] {
    const { properties = {}, required = [], additionalProperties } = schema;
    if (!isSchema(properties)) {
      throw new ConstraintError(`${path}.properties: expected an object of schemas, found ${shown(properties)}.`);
    }
    if (!Array.isArray(required) || !required.every((name) => typeof name === "string")) {
      throw new ConstraintError(`${path}.required: expected a list of names, found ${shown(required)}.`);
    }
    const stated = Object.entries(properties).map(
      ([name, schema]): Member => ({
        written: sequence(spelled(name), this.value(schema, at(`${path}.properties`, name))),
        isRequired: required.includes(name),
      }),
    );
    const others = [...new Set(required as string[])].filter((name) => !Object.hasOwn(properties, name));
    return [
      ...stated,
      ...others.map(
        (name): Member => ({
          written: sequence(spelled(name), this.value(additionalProperties ?? true, `${path}.additionalProperties`)),
          isRequired: true,
        }),
      ),
    ];
  }

  /** The schema of an object, with what it refers to. */
  flatten(schema: Schema, path: string): Schema | boolean {
    return this.#document.flatten(schema, path);
  }

  #rule(name: string, define: () => Expression): Expression {
    return this.#builder.rule(`${this.#notation.name} ${name}`, define);
  }

  #define(schema: Schema, path: string): Expression {
    checkKeywords(schema, path);
    if (schema.$ref !== undefined && constraintsOf(schema).length === 1) {
      const target = this.#document.resolve(schema.$ref, path);
      return this.value(target.schema, target.path);
    }
    const flat = this.#document.flatten(schema, path);
    if (typeof flat === "boolean") return flat ? this.any() : choice();
    if (flat.anyOf !== undefined) return this.#options(flat, "anyOf", path);
    if (flat.oneOf !== undefined) return this.#options(flat, "oneOf", path);
    const values = valuesOf(flat);
    if (values !== undefined || flat.enum !== undefined) return this.#values(flat, values, path);
    const telling = new Set(constraintsOf(flat).flatMap((keyword) => TELLING[keyword] ?? []));
    const stated = typesOf(flat, path);
    const types = flat.type === undefined && telling.size > 0 ? stated.filter((type) => telling.has(type)) : stated;
    if (flat.type === undefined && telling.size === 0) return this.any();
    // A number may be an integer.
    const distinct = types.filter((type) => type !== "integer" || !types.includes("number"));
    return choice(...distinct.map((type) => this.#ofType(type, flat, path)));
  }

  #options(schema: Schema, keyword: "anyOf" | "oneOf", path: string): Expression {
    const { [keyword]: list, ...rest } = schema;
    const options = listAt(list, path, keyword);
    if (options.length > MAX_OPTIONS) {
      throw new ConstraintError(
        `${path}.${keyword}: expected at most ${MAX_OPTIONS} schemas, found ${options.length}.`,
      );
    }
    const isAlone = constraintsOf(rest).length === 0;
    const joined = options.map(({ schema, path }) => {
      if (typeof schema !== "boolean" && !isSchema(schema)) throw notASchema(schema, path);
      const flat = isSchema(schema) ? this.#document.flatten(schema, path) : schema;
      return isAlone ? flat : join(rest, flat, path);
    });
    if (keyword === "oneOf") this.#checkDisjoint(joined, path);
    return choice(
      ...options.map((option, i) =>
        isAlone ? this.value(option.schema, option.path) : this.value(joined[i], option.path, " joined"),
      ),
    );
  }

  #checkDisjoint(options: readonly (Schema | boolean)[], path: string): void {
    options.forEach((a, i) => {
      options.slice(i + 1).forEach((b, j) => {
        if (a === false || b === false) return;
        if (a !== true && b !== true && areDisjoint(a, b, this.#document, path)) return;
        throw new ConstraintError(
          `${path}.oneOf: expected schemas that no value can satisfy together (other types, or other values of a ` +
            `required property), found that [${i}] and [${i + 1 + j}] may both hold. Use anyOf.`,
        );
      });
    });
  }

  #values(schema: Schema, values: readonly Json[] | undefined, path: string): Expression {
    if (values === undefined) {
      throw new ConstraintError(`${path}.enum: expected a list of values, found ${shown(schema.enum)}.`);
    }
    const other = constraintsOf(schema).find((keyword) => !["enum", "const", "type"].includes(keyword));
    if (other !== undefined) {
      throw new ConstraintError(
        `${path}: expected enum or const with no keyword but type beside it, found "${other}". ` +
          "Leave out the values that it forbids.",
      );
    }
    const types = typesOf(schema, path);
    const fitting = values.filter((value) =>
      types.some((type) => (type === "integer" ? Number.isInteger(value) : type === typeOf(value))),
    );
    const strings = fitting.filter((value) => typeof value === "string");
    return choice(
      ...(strings.length > 0 ? [this.#notation.string(wordsMachine(strings))] : []),
      ...fitting.filter((value) => typeof value !== "string").map((value) => literal(value, this.#notation)),
    );
  }

  #ofType(type: TypeName, schema: Schema, path: string): Expression {
    switch (type) {
      case "null":
        return this.#notation.null;
      case "boolean":
        return choice(this.#notation.true, this.#notation.false);
      case "number":
      case "integer": {
        const [minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf] = (
          ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"] as const
        ).map((keyword) => numberAt(schema, keyword, path));
        const bounds = { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf };
        return this.#notation.bare(numberMachine(bounds, type === "integer", path, this.#builder.budget));
      }
      case "string":
        return this.#notation.string(stringMachine(schema, path, this.#builder.budget));
      case "array":
        return this.#array(schema, path);
      case "object":
        return this.#object(schema, path);
    }
  }

  #array(schema: Schema, path: string): Expression {
    const { items, prefixItems } = schema;
    const min = countAt(schema, "minItems", path, MAX_ITEMS) ?? 0;
    const max = countAt(schema, "maxItems", path, Number.POSITIVE_INFINITY) ?? Number.POSITIVE_INFINITY;
    if (Array.isArray(items)) {
      throw new ConstraintError(
        `${path}.items: expected one schema, found a list. Use prefixItems for the first items.`,
      );
    }
    const prefix =
      prefixItems === undefined
        ? []
        : listAt(prefixItems, path, "prefixItems").map((item) => this.value(item.schema, item.path));
    // A list whose first items are stated has no others, unless they are spoken of or needed.
    const isOpen = prefix.length === 0 || items !== undefined || min > prefix.length;
    const rest = items === undefined ? this.any() : this.value(items, `${path}.items`);
    const most = Math.min(max, isOpen ? (max === Number.POSITIVE_INFINITY ? max : MAX_ITEMS) : prefix.length);
    const { inside } = this.#notation;
    const separator = comma(this.#notation);
    // After `count` items: whether to end, or go on.
    const counted = Math.max(prefix.length, min, most === Number.POSITIVE_INFINITY ? 1 : most);
    const edges = Array.from({ length: counted + 1 }, (_, count) => {
      if (count >= most) return [];
      const item = prefix[count] ?? rest;
      return [{ on: count === 0 ? item : sequence(separator, item), to: Math.min(count + 1, counted) }];
    });
    const accepting = edges.map((_, count) => count >= min && count <= most);
    return sequence(text("["), inside, { kind: "automaton", edges, accepting }, inside, text("]"));
  }

  #object(schema: Schema, path: string): Expression {
    const { properties, additionalProperties, propertyNames } = schema;
    const most = countAt(schema, "maxProperties", path, MAX_ITEMS);
    const { afterColon } = this.#notation;
    const members = this.members(schema, path, (name) =>
      sequence(this.#notation.string(wordsMachine([name])), text(":"), afterColon),
    );
    const isOpen = additionalProperties === undefined ? properties === undefined : additionalProperties !== false;
    for (const keyword of ["propertyNames", "maxProperties"]) {
      if (schema[keyword] === undefined || members.length === 0) continue;
      throw new ConstraintError(
        `${path}.${keyword}: expected no properties or required beside it, found them. Leave one of them out.`,
      );
    }
    if (!isOpen) return this.#braces(members);
    const names = this.#names(propertyNames, `${path}.propertyNames`);
    const known = [...Object.keys(isSchema(properties) ? properties : {}), ...((schema.required ?? []) as string[])];
    const other = known.length === 0 ? names : both(names, allBut(known), path, this.#builder.budget);
    const extra = this.#extra(other, this.value(additionalProperties ?? true, `${path}.additionalProperties`));
    if (most === undefined) return this.#braces(members, extra);
    return this.#braces(Array.from({ length: most }, () => ({ written: extra, isRequired: false })));
  }

  #names(schema: Json | undefined, path: string): Machine {
    if (schema === undefined || schema === true) return lengthMachine(0, Number.POSITIVE_INFINITY);
    if (schema === false) return wordsMachine([]);
    if (!isSchema(schema)) throw notASchema(schema, path);
    const flat = this.#document.flatten(schema, path);
    if (typeof flat === "boolean") return this.#names(flat, path);
    const values = valuesOf(flat);
    if (values !== undefined) return wordsMachine(values.filter((value) => typeof value === "string"));
    const other = constraintsOf(flat).find((keyword) => keyword !== "type" && TELLING[keyword] !== "string");
    if (other !== undefined || !typesOf(flat, path).includes("string")) {
      throw new ConstraintError(`${path}: expected a schema of strings, found ${shown(schema)}.`);
    }
    return stringMachine(flat, path, this.#builder.budget);
  }

  #extra(names: Machine, value: Expression): Expression {
    return sequence(this.#notation.string(names), text(":"), this.#notation.afterColon, value);
  }

  #braces(members: readonly Member[], extra?: Expression): Expression {
    const { inside } = this.#notation;
    return sequence(text("{"), inside, inOrder(members, comma(this.#notation), extra), inside, text("}"));
  }
}

/** Members in their order, those that are not required or left out, with separators in between; then others. */
export function inOrder(members: readonly Member[], separator: Expression, extra?: Expression): Expression {
  // State 2·i: member i is next and none was written; 2·i + 1: some was.
  const edges: { on: Expression; to: number }[][] = [];
  members.forEach(({ written, isRequired }, i) => {
    for (const isFirst of [true, false]) {
      const next = 2 * (i + 1);
      const out = [{ on: isFirst ? written : sequence(separator, written), to: next + 1 }];
      if (!isRequired) out.push({ on: NOTHING, to: isFirst ? next : next + 1 });
      edges.push(out);
    }
  });
  const last = 2 * members.length + 1;
  edges.push(extra === undefined ? [] : [{ on: extra, to: last }]);
  edges.push(extra === undefined ? [] : [{ on: sequence(separator, extra), to: last }]);
  return { kind: "automaton", edges, accepting: edges.map((_, state) => state >= last - 1) };
}

function stringMachine(schema: Schema, path: string, budget: Budget): Machine {
  const min = countAt(schema, "minLength", path, MAX_STRING) ?? 0;
  const max = countAt(schema, "maxLength", path, Number.POSITIVE_INFINITY) ?? Number.POSITIVE_INFINITY;
  const { pattern, format } = schema;
  const machines: Machine[] = [];
  if (pattern !== undefined) {
    if (typeof pattern !== "string") {
      throw new ConstraintError(`${path}.pattern: expected a string, found ${shown(pattern)}.`);
    }
    const subject = `${path}.pattern`;
    machines.push(regexMachine(parseRegex(pattern, subject), subject, budget, { whole: false }));
  }
  if (format !== undefined) {
    const known =
      typeof format === "string" && Object.hasOwn(STRING_FORMATS, format) ? STRING_FORMATS[format] : undefined;
    if (known === undefined) {
      throw new ConstraintError(
        `${path}.format: expected one of ${Object.keys(STRING_FORMATS).join(", ")}, found ${shown(format)}. Use pattern.`,
      );
    }
    machines.push(regexMachine(parseRegex(known, `${path}.format`), `${path}.format`, budget, { whole: true }));
  }
  if (machines.length === 0 || min > 0 || max !== Number.POSITIVE_INFINITY) {
    machines.push(lengthMachine(min, max === Number.POSITIVE_INFINITY ? max : Math.min(max, MAX_STRING)));
  }
  return machines.reduce((a, b) => both(a, b, path, budget));
}

function numberAt(schema: Schema, keyword: string, path: string): number | undefined {
  const found = schema[keyword];
  if (found === undefined || typeof found === "number") return found;
  throw new ConstraintError(`${path}.${keyword}: expected a number, found ${shown(found)}.`);
}

function countAt(schema: Schema, keyword: string, path: string, most: number): number | undefined {
  const found = numberAt(schema, keyword, path);
  if (found === undefined || (Number.isInteger(found) && found >= 0 && found <= most)) return found;
  const range = most === Number.POSITIVE_INFINITY ? "of at least 0" : `from 0 to ${most}`;
  throw new ConstraintError(`${path}.${keyword}: expected an integer ${range}, found ${found}.`);
}
