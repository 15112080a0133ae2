// Calls beside the tools they are for: positional arguments get their names, and what does not fit is reported, never
// thrown.
//
// Unlike in JSON Schema, a tool has no parameters but its own unless it states `additionalProperties`: models make
// arguments up.
import { isObject as isJsonObject, type Json, type Schema } from "../../json-schema/keywords.ts";
import { plainJson } from "../exact-json.ts";
import { MAX_ARGUMENTS_CHARACTERS } from "../messages.ts";
import type { Confirmation } from "./literal-events.ts";
import type { ParsedCall, ToolCallProblem } from "./parsed-call.ts";
import { isObject, jsonOf, type Value } from "./python-literals.ts";
import { MAX_PROBLEMS, mismatches } from "./schema-check.ts";

/** A call as it can be made: arguments by name, as JSON text. */
export interface CheckedCall {
  readonly name: string;
  readonly arguments: string;
  readonly problems: readonly ToolCallProblem[];
}

/** Names of tools and the schema of their parameters, where they have one. */
export type ToolSchemas = ReadonlyMap<string, Schema | undefined>;

/**
 * What a tool list describes: `{ type: "function", function: { name, parameters } }`, or `{ name, parameters }` bare,
 * or either as JSON text. Members that describe no function are passed over, as templates show whatever they are.
 */
export function readToolSchemas(tools: readonly unknown[]): ToolSchemas {
  const schemas = new Map<string, Schema | undefined>();
  for (const tool of tools) {
    const described = schemaAt((typeof tool === "string" ? parsed(tool) : plainJson(tool)) as Json);
    const { name, parameters } = schemaAt(described?.function) ?? described ?? {};
    if (typeof name === "string") schemas.set(name, schemaAt(parameters));
  }
  return schemas;
}

/**
 * Gives positional arguments the names of the tool's parameters, in the schema's order, and checks all of them. A single
 * object in place of arguments holds them: f({"city": "Paris"}). Positional arguments without a parameter are `arg0`,
 * `arg1`, … after their position, and reported. A guess is not a problem if the schema asks for what was guessed.
 *
 * @param schemas  undefined when no tools are known: then any name and any argument will do
 */
export function checkCall({ name, positional, named, problems }: ParsedCall, schemas?: ToolSchemas): CheckedCall {
  const schema = schemas?.get(name);
  const properties = schemaAt(schema?.properties);
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
    reported.push(...mismatches(JSON.parse(json), whole).filter(({ path }) => path === "" || !isPlaced(path)));
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

/** Whether a schema asks for what was read. Whether the value fits is checked elsewhere. */
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
    const properties = schemaAt(stated?.properties) ?? {};
    const next = index !== undefined ? stated?.items : Object.hasOwn(properties, name) ? properties[name] : undefined;
    stated = schemaAt(next);
  }
  return stated;
}

function holdsArguments(value: Value, properties: Schema | undefined): value is ReadonlyMap<string, Value> {
  if (!isObject(value)) return false;
  return properties === undefined || [...value.keys()].every((key) => Object.hasOwn(properties, key));
}

const list = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : []);

function schemaAt(value: Json | undefined): Schema | undefined {
  return isJsonObject(value) ? value : undefined;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
