// Arguments beside the JSON schema of the function they are for. What does not fit is reported, never thrown.
//
// Checked: type (one or several), enum, const, properties, required, additionalProperties, items, prefixItems, anyOf,
// oneOf (as anyOf), allOf, $ref within the schema, minimum, maximum, exclusiveMinimum, exclusiveMaximum, minLength,
// maxLength, minItems, maxItems. Other keywords are not: pattern, for one, could take forever on a model's text.
// Unlike JSON Schema, a tool's own parameters are all there are unless it says additionalProperties: models make
// arguments up.
import { PythonFloat, parseExactJson, plainJson } from "../exact-json.ts";
import { MAX_ARGUMENTS_CHARACTERS } from "../messages.ts";
import type { Confirmation } from "./literal-events.ts";
import { isObject, jsonOf, type Value } from "./python-literals.ts";
import type { ParsedCall, ToolCallProblem } from "./tool-call-parser.ts";

/** A call as it can be made: arguments by name, as JSON text. */
export interface CheckedCall {
  readonly name: string;
  readonly arguments: string;
  readonly problems: readonly ToolCallProblem[];
}

type Schema = Readonly<Record<string, unknown>>;

/** Names of tools and the schema of their parameters, where they have one. */
export type ToolSchemas = ReadonlyMap<string, Schema | undefined>;

const MAX_PROBLEMS = 20;
// As deep as arguments can be, and some $ref on the way.
const MAX_DEPTH = 64;
const MAX_STEPS = 100_000;

/**
 * What a tool list describes: `{ type: "function", function: { name, parameters } }`, or `{ name, parameters }` bare,
 * or either as JSON text. Members that describe no function are passed over, as templates show whatever they are.
 */
export function readToolSchemas(tools: readonly unknown[]): ToolSchemas {
  const schemas = new Map<string, Schema | undefined>();
  for (const tool of tools) {
    const described = record(typeof tool === "string" ? parsed(tool) : plainJson(tool));
    const { name, parameters } = record(described?.function) ?? described ?? {};
    if (typeof name === "string") schemas.set(name, record(parameters));
  }
  return schemas;
}

/**
 * Gives positional arguments the names of the tool's parameters, in the schema's order, and checks all of them. A single
 * object in place of arguments holds them: f({"city": "Paris"}). Positional arguments without a parameter are `arg0`,
 * `arg1`, … after their position, and reported. A guess is no problem where the schema asks for what was guessed.
 *
 * @param schemas  undefined when no tools are known: then any name and any argument will do
 */
export function checkCall({ name, positional, named, problems }: ParsedCall, schemas?: ToolSchemas): CheckedCall {
  const schema = schemas?.get(name);
  const properties = record(schema?.properties);
  const reported: ToolCallProblem[] = [];
  if (schemas !== undefined && !schemas.has(name)) {
    reported.push({ path: "", expected: `one of the tools ${[...schemas.keys()].join(", ")}`, found: name });
  }
  const placed = new Map<string, Value>();
  const renamed = new Map<string, string>();
  const [only] = positional;
  const parameters = Object.keys(properties ?? {});
  if (positional.length === 1 && named.size === 0 && holdsArguments(only, properties)) {
    for (const [key, value] of only) placed.set(key, value);
    renamed.set("arg0", "");
    if (properties === undefined) reported.push({ path: "", expected: "arguments with names", found: "an object" });
  } else {
    positional.forEach((value, i) => {
      const free = parameters[i] !== undefined && !named.has(parameters[i]);
      if (free) renamed.set(`arg${i}`, parameters[i]);
      else reported.push({ path: `arg${i}`, expected: "an argument with a name", found: "one without" });
      placed.set(free ? parameters[i] : `arg${i}`, value);
    });
    for (const [key, value] of named) placed.set(key, value);
  }
  const areKnown = properties !== undefined && [...placed.keys()].every((key) => Object.hasOwn(properties, key));
  for (const problem of problems) {
    const path = inPlace(problem.path, renamed);
    const isSure = "confirmation" in problem && confirms(problem.confirmation, schema, path, areKnown);
    if (!isSure) reported.push({ path, expected: problem.expected, found: problem.found });
  }
  const json = jsonOf(placed);
  if (json.length > MAX_ARGUMENTS_CHARACTERS) {
    const expected = `at most ${MAX_ARGUMENTS_CHARACTERS} characters of arguments`;
    reported.push({ path: "", expected, found: String(json.length) });
  } else if (schema !== undefined) {
    const isClosed = properties !== undefined && schema.additionalProperties === undefined;
    const whole = { type: "object", ...schema, ...(isClosed ? { additionalProperties: false } : {}) };
    const isPlaced = (path: string): boolean => reported.some((problem) => problem.path === path);
    reported.push(...mismatches(parseExactJson(json), whole).filter(({ path }) => path === "" || !isPlaced(path)));
  }
  return { name, arguments: json, problems: reported.slice(0, MAX_PROBLEMS) };
}

/** A path that begins with a positional argument, by the name that this one got. */
function inPlace(path: string, renamed: ReadonlyMap<string, string>): string {
  const [first] = path.split(/(?=[.[])/, 1);
  const name = renamed.get(first);
  if (name === undefined) return path;
  const rest = path.slice(first.length);
  return name === "" ? rest.replace(/^\./, "") : name + rest;
}

/** Whether a schema asks for what was read; that the value fits it is another matter. */
function confirms(confirmation: Confirmation, schema: Schema | undefined, path: string, areKnown: boolean): boolean {
  if (confirmation === "names") return areKnown;
  const stated = statedAt(schema, path);
  if (stated === undefined || confirmation === "member") return stated !== undefined;
  const types = [stated.type].flat();
  if (confirmation === "number") return types.includes("integer") || types.includes("number");
  return types.includes("string") || list(stated.enum).some((member) => typeof member === "string");
}

/** What a schema says of `items[2].name`, if it says so plainly. */
function statedAt(schema: Schema | undefined, path: string): Schema | undefined {
  let stated = schema;
  for (const [, name, index] of path.matchAll(/(?:^|\.)([^.[\]]+)|\[(\d+)\]/g)) {
    const properties = record(stated?.properties) ?? {};
    const next = index !== undefined ? stated?.items : Object.hasOwn(properties, name) ? properties[name] : undefined;
    stated = record(next);
  }
  return stated;
}

function holdsArguments(value: Value, properties: Schema | undefined): value is ReadonlyMap<string, Value> {
  if (!isObject(value)) return false;
  return properties === undefined || [...value.keys()].every((key) => Object.hasOwn(properties, key));
}

/** Where a value (as parseExactJson gives it) does not fit a schema. */
function mismatches(root: unknown, schema: Schema): ToolCallProblem[] {
  const problems: ToolCallProblem[] = [];
  let steps = 0;
  check(root, schema, "", 0);
  return problems;

  function check(value: unknown, stated: unknown, path: string, depth: number): void {
    if (problems.length >= MAX_PROBLEMS || depth > MAX_DEPTH || ++steps > MAX_STEPS) return;
    const expect = (expected: string): void => {
      problems.push({ path, expected, found: shown(value) });
    };
    const rules: Schema = record(stated) ?? {};
    if (typeof rules.$ref === "string") check(value, pointed(schema, rules.$ref), path, depth + 1);
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
    } else if (isNumber(value)) {
      const number = value instanceof PythonFloat ? value.value : value;
      if (number < lower(rules.minimum)) expect(`at least ${rules.minimum}`);
      if (number > upper(rules.maximum)) expect(`at most ${rules.maximum}`);
      if (number <= lower(rules.exclusiveMinimum)) expect(`more than ${rules.exclusiveMinimum}`);
      if (number >= upper(rules.exclusiveMaximum)) expect(`less than ${rules.exclusiveMaximum}`);
    } else if (Array.isArray(value)) {
      if (value.length < lower(rules.minItems)) expect(`at least ${rules.minItems} items`);
      if (value.length > upper(rules.maxItems)) expect(`at most ${rules.maxItems} items`);
      const first = list(rules.prefixItems);
      value.forEach((item, i) => {
        check(item, i < first.length ? first[i] : rules.items, `${path}[${i}]`, depth + 1);
      });
    } else {
      checkMembers(value, rules, path, depth);
    }
  }

  function checkMembers(value: unknown, rules: Schema, path: string, depth: number): void {
    const members = record(value);
    if (members === undefined) return;
    const properties = record(rules.properties) ?? {};
    const at = (key: string): string => (path === "" ? key : `${path}.${key}`);
    for (const key of list(rules.required)) {
      if (typeof key !== "string" || Object.hasOwn(members, key)) continue;
      problems.push({ path: at(key), expected: describe(properties[key]), found: "nothing" });
    }
    for (const [key, member] of Object.entries(members)) {
      if (Object.hasOwn(properties, key)) check(member, properties[key], at(key), depth + 1);
      else if (rules.additionalProperties === false) {
        const known = Object.keys(properties);
        const expected = known.length === 0 ? "no arguments" : `one of the names ${known.slice(0, 20).join(", ")}`;
        problems.push({ path: at(key), expected, found: "a name of its own" });
      } else check(member, rules.additionalProperties, at(key), depth + 1);
    }
  }

  /** One of them must fit. Where none does, what the only one that has the right type says is told. */
  function checkChoices(value: unknown, choices: readonly unknown[], path: string, depth: number): void {
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
function expectedInstead(value: unknown, rules: Schema): string | undefined {
  const types = [rules.type].flat().filter((type) => typeof type === "string");
  if (types.length > 0 && !types.some((type) => isOf(type, value))) return types.map(named).join(" or ");
  if (Array.isArray(rules.enum) && !rules.enum.some((member) => equal(member, value))) {
    return `one of ${rules.enum.slice(0, 20).map(shown).join(", ")}`;
  }
  return rules.const === undefined || equal(rules.const, value) ? undefined : shown(rules.const);
}

/** `#/$defs/Unit`, in the schema itself. */
function pointed(schema: Schema, reference: string): unknown {
  if (!reference.startsWith("#")) return undefined;
  return reference
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce<unknown>((at, part) => {
      const members = record(at);
      return members !== undefined && Object.hasOwn(members, part) ? members[part] : undefined;
    }, schema);
}

function isOf(type: string, value: unknown): boolean {
  switch (type) {
    case "string":
    case "boolean":
      return typeof value === type;
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return record(value) !== undefined;
    case "number":
      return isNumber(value);
    case "integer":
      // As in JSON Schema, 2.0 is one.
      return isNumber(value) && (!(value instanceof PythonFloat) || Number.isInteger(value.value));
    default:
      return true;
  }
}

function equal(a: unknown, b: unknown): boolean {
  return JSON.stringify(a, plainNumbers) === JSON.stringify(b, plainNumbers);
}

const plainNumbers = (_: string, value: unknown): unknown => (typeof value === "bigint" ? Number(value) : value);

function describe(stated: unknown): string {
  const types = [record(stated)?.type].flat().filter((type) => typeof type === "string");
  return types.length === 0 ? "a value" : types.map(named).join(" or ");
}

const named = (type: string): string => (type === "null" ? type : `${/^[aeio]/.test(type) ? "an" : "a"} ${type}`);

/** A value as JSON, cut where it gets long. */
function shown(value: unknown): string {
  const json = JSON.stringify(value, plainNumbers) ?? "nothing";
  return json.length <= 60 ? json : `${json.slice(0, 57)}...`;
}

const isNumber = (value: unknown): value is number | bigint | PythonFloat =>
  typeof value === "number" || typeof value === "bigint" || value instanceof PythonFloat;
const lower = (bound: unknown): number => (typeof bound === "number" ? bound : Number.NEGATIVE_INFINITY);
const upper = (bound: unknown): number => (typeof bound === "number" ? bound : Number.POSITIVE_INFINITY);
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function record(value: unknown): Schema | undefined {
  const isRecord =
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof PythonFloat);
  return isRecord ? (value as Schema) : undefined;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
