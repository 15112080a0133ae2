// Whether two options of a oneOf can both hold, judged by types, enum, const and required properties.
import { type Json, type Schema, sameness, type TypeName, typeOf } from "../../json-schema/keywords.ts";
import { type Budget, spend } from "../budget.ts";
import { ConstraintError } from "../error.ts";
import type { SchemaDocument } from "./document.ts";
import { isSchema, typesOf, valuesOf } from "./schema.ts";

/** What distinguishes an option. */
interface Marks {
  readonly types: readonly TypeName[];
  /** What it has to be one of. */
  readonly values: ReadonlySet<string> | undefined;
  /** What its properties have to be one of, where they say so. */
  readonly properties: ReadonlyMap<string, ReadonlySet<string>>;
  readonly required: ReadonlySet<Json>;
}

/** @throws ConstraintError naming two options that may both hold */
export function checkDisjoint(
  options: readonly (Schema | boolean)[],
  document: SchemaDocument,
  budget: Budget,
  path: string,
): void {
  const marks = options.map((option) => (isSchema(option) ? marksOf(option, document, path) : undefined));
  options.forEach((a, i) => {
    options.slice(i + 1).forEach((b, j) => {
      if (a === false || b === false) return;
      const [one, other] = [marks[i], marks[i + 1 + j]];
      if (one !== undefined && other !== undefined && areDisjoint(one, other, budget, path)) return;
      throw new ConstraintError({
        subject: `${path}.oneOf`,
        expected: "schemas that no value can satisfy together (other types, or other values of a required property)",
        found: `that [${i}] and [${i + 1 + j}] may both hold`,
        remedy: "Use anyOf.",
      });
    });
  });
}

function marksOf(schema: Schema, document: SchemaDocument, path: string): Marks {
  const properties = new Map<string, ReadonlySet<string>>();
  for (const [name, property] of Object.entries(isSchema(schema.properties) ? schema.properties : {})) {
    const flat = isSchema(property) ? document.flatten(property, path) : property;
    const values = isSchema(flat) ? valueSet(flat) : undefined;
    if (values !== undefined) properties.set(name, values);
  }
  const values = valuesOf(schema)?.map(typeOf);
  // 1 is an integer and a number.
  const types = typesOf(schema, path).map((type) => (type === "integer" ? "number" : type));
  return {
    types: values === undefined ? types : types.filter((type) => values.includes(type)),
    values: valueSet(schema),
    properties,
    required: new Set(Array.isArray(schema.required) ? schema.required : []),
  };
}

const valueSet = (schema: Schema): ReadonlySet<string> | undefined => {
  const values = valuesOf(schema);
  return values && new Set(values.map(sameness));
};

function areDisjoint(a: Marks, b: Marks, budget: Budget, path: string): boolean {
  const areApart = (one: ReadonlySet<string> | undefined, other: ReadonlySet<string> | undefined): boolean => {
    if (one === undefined || other === undefined) return false;
    spend(budget, one.size, path);
    for (const value of one) if (other.has(value)) return false;
    return true;
  };
  spend(budget, a.types.length + b.types.length + a.properties.size, path);
  if (!a.types.some((type) => b.types.includes(type)) || areApart(a.values, b.values)) return true;
  if (a.types.concat(b.types).some((type) => type !== "object")) return false;
  return [...a.properties].some(([name, values]) => {
    return (a.required.has(name) || b.required.has(name)) && areApart(values, b.properties.get(name));
  });
}
