// Where a value does not fit a JSON Schema. What does not fit is reported, never thrown.
//
// Checked are the keywords of src/json-schema, but for two: `pattern` could take forever on a model's text, and `format`
// is only a note in JSON Schema itself. A oneOf is met by any of its options. Schemas of tools are written
// by others, so whatever is not understood in one is passed over, not refused.
import {
  isObject,
  isOfType,
  type Json,
  type Schema,
  sameness,
  TYPES,
  type TypeName,
} from "../../json-schema/keywords.ts";
import { follow, isPointer } from "../../json-schema/reference.ts";
import type { ToolCallProblem } from "./parsed-call.ts";

export const MAX_PROBLEMS = 20;
// As deep as arguments can be, and some $ref on the way.
const MAX_DEPTH = 64;
const MAX_STEPS = 100_000;

export function mismatches(root: Json, schema: Schema): ToolCallProblem[] {
  const problems: ToolCallProblem[] = [];
  let steps = 0;
  check(root, schema, "", 0);
  return problems;

  function check(value: Json, stated: Json | undefined, path: string, depth: number): void {
    if (problems.length >= MAX_PROBLEMS || depth > MAX_DEPTH || ++steps > MAX_STEPS) return;
    const expect = (expected: string): void => {
      problems.push({ path, expected, found: shown(value) });
    };
    if (stated === false) expect("nothing");
    const rules: Schema = isObject(stated) ? stated : {};
    if (isPointer(rules.$ref)) check(value, follow(schema, rules.$ref)?.schema, path, depth + 1);
    const another = expectedInstead(value, rules);
    if (another !== undefined) {
      expect(another);
      return;
    }
    for (const part of list(rules.allOf)) check(value, part, path, depth + 1);
    for (const choices of [list(rules.anyOf), list(rules.oneOf)]) checkChoices(value, choices, path, depth);
    if (typeof value === "string") {
      const size = Array.from(value).length;
      if (size < lower(rules.minLength)) expect(`at least ${rules.minLength} characters`);
      if (size > upper(rules.maxLength)) expect(`at most ${rules.maxLength} characters`);
    } else if (typeof value === "number") {
      if (value < lower(rules.minimum)) expect(`at least ${rules.minimum}`);
      if (value > upper(rules.maximum)) expect(`at most ${rules.maximum}`);
      if (value <= lower(rules.exclusiveMinimum)) expect(`more than ${rules.exclusiveMinimum}`);
      if (value >= upper(rules.exclusiveMaximum)) expect(`less than ${rules.exclusiveMaximum}`);
      const { multipleOf } = rules;
      if (typeof multipleOf === "number" && multipleOf > 0 && !isMultiple(value, multipleOf))
        expect(`a multiple of ${multipleOf}`);
    } else if (Array.isArray(value)) {
      if (value.length < lower(rules.minItems)) expect(`at least ${rules.minItems} items`);
      if (value.length > upper(rules.maxItems)) expect(`at most ${rules.maxItems} items`);
      const first = list(rules.prefixItems);
      value.forEach((item: Json, i) => {
        check(item, i < first.length ? first[i] : rules.items, `${path}[${i}]`, depth + 1);
      });
    } else if (isObject(value)) {
      checkMembers(value, rules, path, depth);
    }
  }

  function checkMembers(members: Schema, rules: Schema, path: string, depth: number): void {
    const properties = isObject(rules.properties) ? rules.properties : {};
    const at = (key: string): string => (path === "" ? key : `${path}.${key}`);
    for (const key of list(rules.required)) {
      if (typeof key !== "string" || Object.hasOwn(members, key)) continue;
      problems.push({ path: at(key), expected: describe(properties[key]), found: "nothing" });
    }
    const names = Object.keys(members);
    if (names.length > upper(rules.maxProperties)) {
      problems.push({ path, expected: `at most ${rules.maxProperties} members`, found: String(names.length) });
    }
    for (const [key, member] of Object.entries(members)) {
      if (rules.propertyNames !== undefined) checkName(key, rules.propertyNames, at(key), depth);
      if (Object.hasOwn(properties, key)) check(member, properties[key], at(key), depth + 1);
      else if (rules.additionalProperties === false) {
        const known = Object.keys(properties);
        const expected = known.length === 0 ? "no arguments" : `one of the names ${known.slice(0, 20).join(", ")}`;
        problems.push({ path: at(key), expected, found: "a name of its own" });
      } else check(member, rules.additionalProperties, at(key), depth + 1);
    }
  }

  function checkName(name: string, rules: Json, path: string, depth: number): void {
    const begin = problems.length;
    check(name, rules, path, depth + 1);
    for (const { expected, found } of problems.splice(begin)) {
      problems.push({ path, expected: `as its name, ${expected}`, found });
    }
  }

  /** One of them must fit. If none does, and only one has the right type, that one's problems are reported. */
  function checkChoices(value: Json, choices: readonly Json[], path: string, depth: number): void {
    if (choices.length === 0) return;
    const begin = problems.length;
    const attempts: ToolCallProblem[][] = [];
    for (const choice of choices) {
      check(value, choice, path, depth + 1);
      const attempt = problems.splice(begin);
      if (attempt.length === 0) return;
      attempts.push(attempt);
    }
    const inside = attempts.filter(([first]) => first.path !== path);
    if (inside.length === 1) problems.push(...inside[0]);
    else
      problems.push({
        path,
        expected: Array.from(attempts, ([{ expected }]) => expected).join(" or "),
        found: shown(value),
      });
  }
}

/** What type, enum and const want where the value is something else; the rest of a schema is then beside the point. */
function expectedInstead(value: Json, rules: Schema): string | undefined {
  const types = typesOf(rules);
  if (types.length > 0 && !types.some((type) => !isTypeName(type) || isOfType(value, type))) {
    return types.map(named).join(" or ");
  }
  const { enum: some, const: only } = rules;
  if (some === undefined && only === undefined) return undefined;
  const same = sameness(value);
  if (Array.isArray(some) && !some.some((member: Json) => sameness(member) === same)) {
    return `one of ${some.slice(0, 20).map(shown).join(", ")}`;
  }
  return only === undefined || sameness(only) === same ? undefined : shown(only);
}

function typesOf({ type }: Schema): string[] {
  return (Array.isArray(type) ? type : [type]).filter((name) => typeof name === "string");
}

const isTypeName = (name: string): name is TypeName => TYPES.some((type) => type === name);

function describe(stated: Json | undefined): string {
  const types = isObject(stated) ? typesOf(stated) : [];
  return types.length === 0 ? "a value" : types.map(named).join(" or ");
}

const named = (type: string): string => (type === "null" ? type : `${/^[aeio]/.test(type) ? "an" : "a"} ${type}`);

/** A value as JSON, cut where it gets long. */
function shown(value: Json): string {
  const json = JSON.stringify(value);
  return json.length <= 60 ? json : `${json.slice(0, 57)}...`;
}

const lower = (bound: Json | undefined): number => (typeof bound === "number" ? bound : Number.NEGATIVE_INFINITY);
const upper = (bound: Json | undefined): number => (typeof bound === "number" ? bound : Number.POSITIVE_INFINITY);
const list = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : []);

/** As far as float64 tells: of decimals, 19.99 / 0.01 is no integer, but by a few roundings. */
function isMultiple(value: number, of: number): boolean {
  if (Number.isInteger(value) && Number.isInteger(of)) return value % of === 0;
  const times = value / of;
  return Math.abs(times - Math.round(times)) <= 4 * Number.EPSILON * Math.abs(times);
}
