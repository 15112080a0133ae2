// One schema that demands what two demand: how `allOf`, and `$ref` and `anyOf` beside other keywords, become a single schema.
import { constraintsOf, define, isSame, type Json, type Schema, sameness } from "../../json-schema/keywords.ts";
import { type Budget, spend } from "../budget.ts";
import { checkOptions, isSchema, typesOf } from "./schema.ts";

type Joined = Record<string, Json>;

/** Of the budget, for each pair of parts that is compared. */
const STEPS = 16;

/** Keywords of which the larger, or the smaller, number implies the other. */
const NUMBERS: Readonly<Record<string, (a: number, b: number) => number>> = {
  ...Object.fromEntries(["minimum", "exclusiveMinimum", "minLength", "minItems"].map((name) => [name, Math.max])),
  ...Object.fromEntries(
    ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"].map((name) => [name, Math.min]),
  ),
  multipleOf: leastCommonMultiple,
};

/**
 * What both allow.
 *
 * A string held to two patterns or formats has a list of them in the joined schema, where a stated one is a string.
 *
 * @param a  found well-formed by checkKeywords, as b was
 * @throws ConstraintError when there are too many options to combine, or it would take too long
 */
export function join(a: Schema | boolean, b: Schema | boolean, path: string, budget: Budget): Schema | boolean {
  const areSame: AreSame = (one, two) => isSame(one, two, () => spend(budget, STEPS, path));
  if (a === false || b === false) return false;
  if (a === true) return b;
  if (b === true) return a;
  const joined: Joined = { ...a };
  for (const keyword of constraintsOf(b)) {
    const [one, two] = [a[keyword], b[keyword]];
    if (one === undefined || areSame(one, two)) define(joined, keyword, two);
    else if (keyword === "const") return false;
    else define(joined, keyword, joinKeyword(keyword, one, two, a, b, path, areSame));
  }
  joinMembers(joined, a, b, areSame);
  joinItems(joined, a, b, areSame);
  return joined;
}

type AreSame = (one: Json, two: Json) => boolean;

function joinKeyword(
  keyword: string,
  one: Json,
  two: Json,
  a: Schema,
  b: Schema,
  path: string,
  areSame: AreSame,
): Json {
  const pick = NUMBERS[keyword];
  if (pick !== undefined) {
    // Anything but a number is refused where it is read.
    if (typeof one !== "number") return one;
    return typeof two === "number" ? pick(one, two) : two;
  }
  const [all, others] = [listOf(one), listOf(two)];
  switch (keyword) {
    case "type":
      return typesOf(a, path).filter((type) => typesOf(b, path).includes(type));
    case "required":
    case "pattern":
    case "format":
      return [...new Set([...all, ...others])];
    case "enum": {
      const allowed = new Set(others.map(sameness));
      return all.filter((value) => allowed.has(sameness(value)));
    }
    case "anyOf":
    case "oneOf":
      checkOptions(all.length * others.length, path, keyword);
      return all.flatMap((x) => others.map((y: Json) => both(x, y, areSame)));
    case "propertyNames":
      return both(one, two, areSame);
    default:
      // Those of members and items depend on one another, and are joined together.
      return one;
  }
}

/** To the other schema, a name that only one of them states is an additional property. */
function joinMembers(joined: Joined, a: Schema, b: Schema, areSame: AreSame): void {
  const [one, two] = [a, b].map(({ properties }) => (isSchema(properties) ? properties : {}));
  const members: Joined = {};
  for (const name of new Set([...Object.keys(one), ...Object.keys(two)])) {
    const of = (properties: Schema, { additionalProperties = true }: Schema): Json =>
      Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
    define(members, name, both(of(one, a), of(two, b), areSame));
  }
  if (isSchema(a.properties) || isSchema(b.properties)) joined.properties = members;
  const others = stated(a.additionalProperties, b.additionalProperties, areSame);
  if (others !== undefined) joined.additionalProperties = others;
}

function joinItems(joined: Joined, a: Schema, b: Schema, areSame: AreSame): void {
  const [one, two] = [a, b].map(({ prefixItems }) => listOf(prefixItems ?? []));
  const count = Math.max(one.length, two.length);
  if (count > 0) {
    const of = (prefix: readonly Json[], { items = true }: Schema, i: number): Json => prefix[i] ?? items;
    joined.prefixItems = Array.from({ length: count }, (_, i) => both(of(one, a, i), of(two, b, i), areSame));
  }
  const rest = stated(a.items, b.items, areSame);
  if (rest !== undefined) joined.items = rest;
}

const stated = (one: Json | undefined, two: Json | undefined, areSame: AreSame): Json | undefined =>
  one === undefined || two === undefined ? (one ?? two) : both(one, two, areSame);

/** A schema that both allow, to be joined where it is needed. */
function both(one: Json, two: Json, areSame: AreSame): Json {
  if (one === true || one === two) return two;
  if (two === true) return one;
  return areSame(one, two) ? one : { allOf: [one, two] };
}

const listOf = (value: Json): readonly Json[] => (Array.isArray(value) ? value : [value]);

function leastCommonMultiple(a: number, b: number): number {
  // Anything but a positive integer is refused where it is read.
  if (!Number.isInteger(a) || a < 1) return a;
  if (!Number.isInteger(b) || b < 1) return b;
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return (a / x) * b;
}
