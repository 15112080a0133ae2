// From a JSON Schema to the grammar of the texts that satisfy it. Where a schema leaves something open, the grammar may
// be narrower: what it lets through always validates.
import {
  constraintsOf,
  isOfType,
  type Json,
  keywordOf,
  type Schema,
  type TypeName,
} from "../../json-schema/keywords.ts";
import { spend } from "../budget.ts";
import { ConstraintError, shown } from "../error.ts";
import { choice, type Expression, sequence, text } from "../grammar.ts";
import type { GrammarBuilder } from "../grammar-builder.ts";
import { comma, type Notation } from "../notation.ts";
import { accepts, allBut, both, lengthMachine, type Machine, wordsMachine } from "../text/machine.ts";
import { isWithin, numberMachine } from "../text/numbers.ts";
import { boundsOf, countAt } from "./bounds.ts";
import { checkDisjoint } from "./disjoint.ts";
import { SchemaDocument } from "./document.ts";
import { createSchemaKeys } from "./keys.ts";
import { literals, schemaOfValue } from "./literals.ts";
import { inOrder, type Member } from "./member-order.ts";
import { at, checkOptions, isSchema, listAt, notASchema, typesOf, valuesOf } from "./schema.ts";
import { stringMachine } from "./strings.ts";

/** Of lists that are counted. */
const MAX_ITEMS = 10_000;
const MAX_NESTING = 128;
/** Of the budget, for each schema and member. */
const STEPS = 64;

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

  /** What a reference leads to, possibly through others; undefined where they lead in a circle. */
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
      // If a required name is forbidden, no object is left.
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
    const telling = new Set(constraintsOf(flat).flatMap((keyword) => keywordOf(keyword)?.type ?? []));
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
    if (keyword === "oneOf") checkDisjoint(joined, this.#document, this.#builder.budget, path);
    return choice(
      ...options.map((option, i) =>
        isAlone ? this.value(option.schema, option.path) : this.value(joined[i], option.path),
      ),
    );
  }

  /** Of some values, those that the schema's other keywords allow. */
  #values(schema: Schema, values: readonly Json[], path: string): Expression {
    const { enum: _some, const: _only, ...rest } = schema;
    const types = typesOf(schema, path);
    const fitting = values.filter((value) => types.some((type) => isOfType(value, type)));
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
      ...joined.map((value) => this.value(this.#document.join(schemaOfValue(value), rest, path), path)),
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
    // A list whose first items are stated has no others, unless `items` speaks of them or `minItems` needs them.
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
    const other = constraintsOf(rest).find((keyword) => keyword !== "type" && keywordOf(keyword)?.type !== "string");
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
