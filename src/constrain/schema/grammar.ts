// From a JSON Schema to the grammar of the texts that satisfy it. Where a schema leaves something open, the grammar may
// be narrower: what it lets through always validates.
import { type Budget, newBudget, spend } from "../budget.ts";
import { ConstraintError, shown } from "../error.ts";
import { choice, type Expression, NOTHING, sequence, text } from "../grammar.ts";
import type { GrammarBuilder } from "../grammar-builder.ts";
import { comma, type Notation } from "../notation.ts";
import { accepts, allBut, both, lengthMachine, type Machine, wordsMachine } from "../text/machine.ts";
import { isWithin, type NumberBounds, numberMachine } from "../text/numbers.ts";
import { parseRegex } from "../text/regex.ts";
import { regexMachine } from "../text/regex-machine.ts";
import { areDisjoint, marksOf } from "./disjoint.ts";
import { SchemaDocument } from "./document.ts";
import { STRING_FORMATS } from "./formats.ts";
import { createSchemaKeys } from "./keys.ts";
import { literals } from "./literals.ts";
import {
  at,
  checkOptions,
  constraintsOf,
  define,
  isSchema,
  type Json,
  listAt,
  notASchema,
  type Schema,
  type TypeName,
  typeOf,
  typesOf,
  valuesOf,
} from "./schema.ts";

/** Lists and strings that are counted. */
const MAX_ITEMS = 10_000;
const MAX_STRING = 65_536;
const MAX_NESTING = 128;
/** Of the budget, for each schema and member. */
const STEPS = 64;

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
  readonly #keyOf: (schema: Json) => number;

  /** @param subject  how errors name the schema */
  constructor(schema: Json, subject: string, builder: GrammarBuilder, notation: Notation) {
    this.#document = new SchemaDocument(schema, subject, builder.budget);
    this.#keyOf = createSchemaKeys(subject, (text) => builder.numberOf(text));
    this.#builder = builder;
    this.#notation = notation;
  }

  /**
   * What satisfies `schema`.
   *
   * @param path  where it is, for errors
   */
  value(schema: Json, path: string): Expression {
    if (path.length > 80 * MAX_NESTING || path.split(/[.[]/).length > 2 * MAX_NESTING) {
      throw new ConstraintError({
        subject: `${path.slice(0, 200)}…`,
        expected: `schemas nested at most ${MAX_NESTING} deep`,
        found: "more",
      });
    }
    spend(this.#builder.budget, STEPS, path);
    const target = this.#target(schema, path);
    if (target === undefined) return choice();
    return this.#rule(String(this.#keyOf(target.schema)), () => {
      if (target.schema === true) return this.any();
      if (target.schema === false) return choice();
      if (!isSchema(target.schema)) throw notASchema(target.schema, target.path);
      return this.#define(target.schema, target.path);
    });
  }

  /** What a reference leads to, through others; undefined where they lead in a circle. */
  #target(schema: Json, path: string): { schema: Json; path: string } | undefined {
    const seen = new Set<Json>();
    let target = { schema, path };
    while (isSchema(target.schema) && target.schema.$ref !== undefined && constraintsOf(target.schema).length === 1) {
      if (seen.has(target.schema)) return undefined;
      seen.add(target.schema);
      target = this.#document.resolve(target.schema.$ref, target.path);
    }
    return target;
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
    return this.#rule("any object", () =>
      this.#braces(inOrder([], comma(this.#notation), this.#extra(allBut([], "any"), this.any()))),
    );
  }

  /**
   * The members that `properties` and `required` ask for, in the order they are stated in.
   *
   * @param schema  flattened
   */
  members(schema: Schema, path: string, spelled: (name: string) => Expression): Member[] {
    const { propertyNames, additionalProperties = true } = schema;
    const properties = (schema.properties ?? {}) as Schema;
    const required = new Set((schema.required ?? []) as readonly string[]);
    const names = propertyNames === undefined ? undefined : this.#names(propertyNames, `${path}.propertyNames`);
    return [...new Set([...Object.keys(properties), ...required])].map((name) => {
      const isRequired = required.has(name);
      // A name that must not be leaves no object where it is required.
      if (names !== undefined && !accepts(names, name)) return { written: choice(), isRequired };
      const value = Object.hasOwn(properties, name)
        ? this.value(properties[name], at(`${path}.properties`, name))
        : this.value(additionalProperties, `${path}.additionalProperties`);
      return { written: sequence(spelled(name), value), isRequired };
    });
  }

  /** Members with separators, and others if there may be any, as many as the schema allows. */
  inOrder(schema: Schema, path: string, members: readonly Member[], extra?: Expression): Expression {
    const stated = countAt(schema, "maxProperties", path, MAX_ITEMS);
    const most = extra === undefined && stated !== undefined && stated >= members.length ? undefined : stated;
    spend(this.#builder.budget, STEPS * (members.length + 1) * ((most ?? 1) + 1), path);
    return inOrder(members, comma(this.#notation), extra, most);
  }

  /** The schema of an object, with what it refers to. */
  flatten(schema: Schema, path: string): Schema | boolean {
    return this.#document.flatten(schema, path);
  }

  #rule(name: string, define: () => Expression): Expression {
    return this.#builder.rule(`${this.#notation.name} ${name}`, define);
  }

  #define(schema: Schema, path: string): Expression {
    const flat = this.#document.flatten(schema, path);
    if (typeof flat === "boolean") return flat ? this.any() : choice();
    if (flat.anyOf !== undefined) return this.#options(flat, "anyOf", path);
    if (flat.oneOf !== undefined) return this.#options(flat, "oneOf", path);
    const values = valuesOf(flat);
    if (values !== undefined) return this.#values(flat, values, path);
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
    checkOptions(options.length, path, keyword);
    const isAlone = constraintsOf(rest).length === 0;
    const joined = options.map(({ schema, path: of }) => {
      if (typeof schema !== "boolean" && !isSchema(schema)) throw notASchema(schema, of);
      const flat = isSchema(schema) ? this.#document.flatten(schema, of) : schema;
      return isAlone ? flat : this.#document.join(rest, flat, path);
    });
    if (keyword === "oneOf") this.#checkDisjoint(joined, path);
    return choice(
      ...options.map((option, i) =>
        isAlone ? this.value(option.schema, option.path) : this.value(joined[i], option.path),
      ),
    );
  }

  #checkDisjoint(options: readonly (Schema | boolean)[], path: string): void {
    const marks = options.map((option) => (isSchema(option) ? marksOf(option, this.#document, path) : undefined));
    options.forEach((a, i) => {
      options.slice(i + 1).forEach((b, j) => {
        if (a === false || b === false) return;
        const [one, other] = [marks[i], marks[i + 1 + j]];
        if (one !== undefined && other !== undefined && areDisjoint(one, other, this.#builder.budget, path)) return;
        throw new ConstraintError({
          subject: `${path}.oneOf`,
          expected: "schemas that no value can satisfy together (other types, or other values of a required property)",
          found: `that [${i}] and [${i + 1 + j}] may both hold`,
          remedy: "Use anyOf.",
        });
      });
    });
  }

  /** Of some values, those that the schema's other keywords allow. */
  #values(schema: Schema, values: readonly Json[], path: string): Expression {
    const { enum: _some, const: _only, ...rest } = schema;
    const types = typesOf(schema, path);
    const fitting = values.filter((value) =>
      types.some((type) => (type === "integer" ? Number.isInteger(value) : type === typeOf(value))),
    );
    const strings = fitting.filter((value) => typeof value === "string");
    const bounds = boundsOf(rest, path);
    const isPlain = constraintsOf(rest).every((keyword) => keyword === "type");
    const others = fitting.filter(
      (value) => typeof value !== "string" && (typeof value !== "number" || isWithin(value, bounds)),
    );
    const isNested = (value: Json): value is readonly Json[] | Schema => typeof value === "object" && value !== null;
    const joined = isPlain ? [] : others.filter(isNested);
    const asTheyAre = isPlain ? others : others.filter((value) => !isNested(value));
    const written = [
      literals(asTheyAre, this.#notation),
      ...joined.map((value) => this.value(this.#document.join(schemaOf(value), rest, path), path)),
    ];
    if (strings.length === 0) return choice(...written);
    const machine = wordsMachine(strings, path);
    const { budget } = this.#builder;
    const allowed = isPlain ? machine : both(machine, stringMachine(rest, path, budget), path, budget);
    return choice(this.#notation.string(allowed), ...written);
  }

  #ofType(type: TypeName, schema: Schema, path: string): Expression {
    switch (type) {
      case "null":
        return this.#notation.null;
      case "boolean":
        return choice(this.#notation.true, this.#notation.false);
      case "number":
      case "integer": {
        const bounds = boundsOf(schema, path);
        const { machine, others } = numberMachine(bounds, type === "integer", path, this.#builder.budget);
        return choice(this.#notation.bare(machine), ...others.map(text));
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
    const { properties, additionalProperties, propertyNames, required } = schema;
    const { afterColon } = this.#notation;
    const members = this.members(schema, path, (name) =>
      sequence(this.#notation.string(wordsMachine([name], path)), text(":"), afterColon),
    );
    const isOpen = additionalProperties === undefined ? properties === undefined : additionalProperties !== false;
    if (!isOpen) return this.#braces(this.inOrder(schema, path, members));
    const names = this.#names(propertyNames ?? true, `${path}.propertyNames`);
    const known = [...Object.keys((properties ?? {}) as Schema), ...((required ?? []) as readonly string[])];
    const other = known.length === 0 ? names : both(names, allBut(known, path), path, this.#builder.budget);
    const extra = this.#extra(other, this.value(additionalProperties ?? true, `${path}.additionalProperties`));
    return this.#braces(this.inOrder(schema, path, members, extra));
  }

  #names(schema: Json, path: string): Machine {
    if (schema === true) return lengthMachine(0, Number.POSITIVE_INFINITY);
    if (schema === false) return wordsMachine([], path);
    if (!isSchema(schema)) throw notASchema(schema, path);
    const flat = this.#document.flatten(schema, path);
    if (typeof flat === "boolean") return this.#names(flat, path);
    const { enum: _some, const: _only, ...rest } = flat;
    const other = constraintsOf(rest).find((keyword) => keyword !== "type" && TELLING[keyword] !== "string");
    if (other !== undefined || !typesOf(flat, path).includes("string")) {
      throw new ConstraintError({ subject: path, expected: "a schema of strings", found: shown(schema) });
    }
    const { budget } = this.#builder;
    const strings = valuesOf(flat)?.filter((value) => typeof value === "string");
    const machine = stringMachine(rest, path, budget);
    return strings === undefined ? machine : both(wordsMachine(strings, path), machine, path, budget);
  }

  #extra(names: Machine, value: Expression): Expression {
    return sequence(this.#notation.string(names), text(":"), this.#notation.afterColon, value);
  }

  #braces(members: Expression): Expression {
    const { inside } = this.#notation;
    return sequence(text("{"), inside, members, inside, text("}"));
  }
}

/**
 * Members in their order, those that are not required or left out, with separators in between; then others.
 *
 * @param most  how many may be written in all
 */
export function inOrder(
  members: readonly Member[],
  separator: Expression,
  extra?: Expression,
  most?: number,
): Expression {
  // State (i, n): member i is next, and n were written; without a limit, n is 1 for any number but none.
  const counts = (most ?? 1) + 1;
  const edges: { on: Expression; to: number }[][] = [];
  for (let i = 0; i <= members.length; i++) {
    const isLast = i === members.length;
    const written = isLast ? extra : members[i].written;
    for (let n = 0; n < counts; n++) {
      const next = counts * (isLast ? i : i + 1);
      const out: { on: Expression; to: number }[] = [];
      if (written !== undefined && n !== most) {
        out.push({ on: n === 0 ? written : sequence(separator, written), to: next + Math.min(n + 1, counts - 1) });
      }
      if (!isLast && !members[i].isRequired) out.push({ on: NOTHING, to: next + n });
      edges.push(out);
    }
  }
  return { kind: "automaton", edges, accepting: edges.map((_, state) => state >= counts * members.length) };
}

/** A list or an object as a schema that it alone satisfies. */
function schemaOf(value: readonly Json[] | Schema): Schema {
  if (Array.isArray(value)) {
    const prefixItems = value.map((item) => ({ const: item }));
    return {
      type: "array",
      minItems: value.length,
      maxItems: value.length,
      ...(value.length > 0 ? { prefixItems } : {}),
    };
  }
  const properties: Record<string, Json> = {};
  for (const [name, member] of Object.entries(value)) define(properties, name, { const: member });
  return { type: "object", properties, required: Object.keys(value), additionalProperties: false };
}

function stringMachine(schema: Schema, path: string, budget: Budget): Machine {
  const min = countAt(schema, "minLength", path, MAX_STRING) ?? 0;
  const max = countAt(schema, "maxLength", path, Number.POSITIVE_INFINITY) ?? Number.POSITIVE_INFINITY;
  const { pattern = [], format = [] } = schema;
  const machines: Machine[] = [];
  // Where schemas were joined, there may be several.
  for (const stated of [pattern].flat() as string[]) {
    const subject = `${path}.pattern`;
    machines.push(regexMachine(parseRegex(stated, subject), subject, budget, { whole: false }));
  }
  for (const stated of [format].flat()) {
    if (typeof stated !== "string" || !Object.hasOwn(STRING_FORMATS, stated)) {
      throw new ConstraintError({
        subject: `${path}.format`,
        expected: `one of ${Object.keys(STRING_FORMATS).join(", ")}`,
        found: shown(stated),
        remedy: "Use pattern.",
      });
    }
    machines.push(formatMachine(stated));
  }
  if (machines.length === 0 || min > 0 || max !== Number.POSITIVE_INFINITY) {
    machines.push(lengthMachine(min, max === Number.POSITIVE_INFINITY ? max : Math.min(max, MAX_STRING)));
  }
  return machines.reduce((a, b) => both(a, b, path, budget));
}

const formatMachines = new Map<string, Machine>();

/** Made once, on a budget of its own, so that a request costs the same whatever came before it. */
function formatMachine(format: string): Machine {
  const known = formatMachines.get(format);
  if (known !== undefined) return known;
  const made = regexMachine(parseRegex(STRING_FORMATS[format], format), format, newBudget(), { whole: true });
  formatMachines.set(format, made);
  return made;
}

function boundsOf(schema: Schema, path: string): NumberBounds {
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

function countAt(schema: Schema, keyword: string, path: string, most: number): number | undefined {
  const found = numberAt(schema, keyword, path);
  if (found === undefined || (Number.isInteger(found) && found >= 0 && found <= most)) return found;
  const range = most === Number.POSITIVE_INFINITY ? "of at least 0" : `from 0 to ${most}`;
  throw new ConstraintError({ subject: `${path}.${keyword}`, expected: `an integer ${range}`, found });
}
