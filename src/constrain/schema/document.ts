// A schema as one piece: its references followed, and schemas that consist of others joined.
import type { Json, Schema } from "../../json-schema/keywords.ts";
import { follow, isPointer } from "../../json-schema/reference.ts";
import { type Budget, spend } from "../budget.ts";
import { ConstraintError, shown } from "../error.ts";
import { join } from "./join-schemas.ts";
import { at, checkKeywords, isSchema, listAt, notASchema } from "./schema.ts";

const MAX_MERGES = 256;
/** Of the budget, for each keyword, property and value that is joined. */
const STEPS = 16;

/** Follows references and joins schemas, within the document they all come from. */
export class SchemaDocument {
  readonly #root: Json;
  readonly #subject: string;
  readonly #budget: Budget;

  /** @param subject  how an error names the document: "schema" */
  constructor(root: Json, subject: string, budget: Budget) {
    this.#root = root;
    this.#subject = subject;
    this.#budget = budget;
  }

  /** The schema that `$ref` names, and its path. */
  resolve(ref: Json, path: string): { schema: Json; path: string } {
    if (!isPointer(ref)) {
      throw new ConstraintError({
        subject: `${path}.$ref`,
        expected: 'a pointer within the same schema, such as "#/$defs/item"',
        found: shown(ref),
      });
    }
    const found = follow(this.#root, ref);
    if (found === undefined) {
      throw new ConstraintError({
        subject: `${path}.$ref`,
        expected: `a schema at ${shown(ref)}`,
        found: "nothing there",
      });
    }
    return {
      schema: found.schema,
      path: found.path.reduce<string>(
        (before, step) => (typeof step === "number" ? `${before}[${step}]` : at(before, step)),
        this.#subject,
      ),
    };
  }

  /**
   * An equivalent schema without `$ref` and `allOf`.
   *
   * @throws ConstraintError naming what cannot be joined
   */
  flatten(schema: Schema, path: string, merges = { count: 0 }): Schema | boolean {
    checkKeywords(schema, path);
    if (schema.$ref === undefined && schema.allOf === undefined) return schema;
    const { $ref, allOf, ...own } = schema;
    const parts: { schema: Json; path: string }[] = [];
    if ($ref !== undefined) parts.push(this.resolve($ref, path));
    if (allOf !== undefined) parts.push(...listAt(allOf, path, "allOf"));
    merges.count += parts.length;
    if (merges.count > MAX_MERGES) {
      throw new ConstraintError({
        subject: path,
        expected: `at most ${MAX_MERGES} schemas joined by $ref and allOf`,
        found: "more, or a circle",
      });
    }
    let joined: Schema | boolean = own;
    for (const part of parts) {
      if (typeof part.schema !== "boolean" && !isSchema(part.schema)) throw notASchema(part.schema, part.path);
      const flat = isSchema(part.schema) ? this.flatten(part.schema, part.path, merges) : part.schema;
      joined = this.join(joined, flat, path);
    }
    return joined;
  }

  /** One schema that demands what both demand. @throws ConstraintError when they cannot be joined */
  join(a: Schema | boolean, b: Schema | boolean, path: string): Schema | boolean {
    spend(this.#budget, STEPS * (sizeOf(a) + sizeOf(b)), path);
    return join(a, b, path, this.#budget);
  }
}

/** How many names and values of a schema a join may have to look at. */
function sizeOf(schema: Schema | boolean): number {
  if (typeof schema === "boolean") return 1;
  const values = Object.values(schema);
  return values.reduce<number>((sum, value) => {
    return sum + (typeof value === "object" && value !== null ? Object.keys(value).length : 1);
  }, 1);
}
