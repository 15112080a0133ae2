// The grammar of LFM2's tool calls: `<|tool_call_start|>[name(argument=value, …), …]<|tool_call_end|>`, with the names
// of the tools that were given and arguments by their schemas, as Python literals.
import type { Json, Schema } from "../json-schema/keywords.ts";
import { ConstraintError, shown } from "./error.ts";
import { choice, type Expression, repeat, sequence, text } from "./grammar.ts";
import type { GrammarBuilder } from "./grammar-builder.ts";
import { comma, pythonNotation } from "./notation.ts";
import { asJson, at, isSchema, typesOf } from "./schema/schema.ts";
import { SchemaGrammar } from "./schema/schema-grammar.ts";

/** The tokens that begin and end a list of calls. */
export interface CallMarkers {
  readonly start: number;
  readonly end: number;
}

const MAX_TOOLS = 1024;
/** Names that can be read back: letters, digits, underscores; in a function's name also dots and hyphens. */
const FUNCTION_NAME = /^[A-Za-z_][\w.-]*$/;
const ARGUMENT_NAME = /^[A-Za-z_]\w*$/;

/**
 * @param tools  as they are given to the template: `{ type: "function", function: { name, parameters } }`, or
 *               `{ name, parameters }`, or one of them as a JSON text
 * @param only   the one function that may be called, and once
 * @throws ConstraintError naming the tool and what about it cannot be written
 */
export function toolCalls(
  tools: readonly unknown[],
  only: string | undefined,
  markers: CallMarkers,
  builder: GrammarBuilder,
): Expression {
  if (tools.length === 0 || tools.length > MAX_TOOLS) {
    throw new ConstraintError({ subject: "tools", expected: `1 to ${MAX_TOOLS} tools to call`, found: tools.length });
  }
  const calls = new Map<string, Expression>();
  tools.forEach((tool, i) => {
    const { name, written } = callOf(tool, `tools[${i}]`, builder);
    if (calls.has(name)) {
      throw new ConstraintError({ subject: `tools[${i}]`, expected: "each name once", found: `"${name}" twice` });
    }
    calls.set(name, written);
  });
  const chosen = only === undefined ? choice(...calls.values()) : calls.get(only);
  if (chosen === undefined) {
    throw new ConstraintError({
      subject: "toolChoice.name",
      expected: `one of the tools (${[...calls.keys()].join(", ")})`,
      found: shown(only),
    });
  }
  const others = only === undefined ? repeat(sequence(comma(pythonNotation(builder)), chosen)) : sequence();
  return sequence(
    builder.wholeToken(markers.start),
    text("["),
    chosen,
    others,
    text("]"),
    builder.wholeToken(markers.end),
  );
}

function callOf(tool: unknown, path: string, builder: GrammarBuilder): { name: string; written: Expression } {
  const { definition, subject } = definitionOf(tool, path);
  const { name, parameters = {} } = definition;
  if (typeof name !== "string" || !FUNCTION_NAME.test(name)) {
    throw new ConstraintError({
      subject: `${subject}.name`,
      expected: 'letters, digits, "_", "." and "-", beginning with a letter',
      found: shown(name),
    });
  }
  const where = `${subject}.parameters`;
  if (!isSchema(parameters)) {
    throw new ConstraintError({ subject: where, expected: "a schema of an object", found: shown(parameters) });
  }
  const notation = pythonNotation(builder);
  const grammar = new SchemaGrammar(parameters, where, builder, notation);
  const flat = grammar.flatten(parameters, where);
  if (
    typeof flat === "boolean" ||
    ["anyOf", "oneOf", "enum", "const"].some((keyword) => flat[keyword] !== undefined) ||
    !typesOf(flat, where).includes("object")
  ) {
    throw new ConstraintError({
      subject: where,
      expected: '"type": "object" with properties',
      found: shown(parameters),
    });
  }
  const members = grammar.members(flat, where, (argument) => {
    if (ARGUMENT_NAME.test(argument)) return text(`${argument}=`);
    throw new ConstraintError({
      subject: at(`${where}.properties`, argument),
      expected: 'a name of letters, digits and "_", as Python writes arguments',
      found: shown(argument),
    });
  });
  const written = builder.rule(`call ${name}`, () =>
    sequence(text(`${name}(`), grammar.inOrder(flat, where, members), text(")")),
  );
  return { name, written };
}

function definitionOf(tool: unknown, path: string): { definition: Schema; subject: string } {
  let json: Json;
  try {
    json = typeof tool === "string" ? JSON.parse(tool) : asJson(tool, path);
  } catch (cause) {
    if (cause instanceof ConstraintError) throw cause;
    throw new ConstraintError({ subject: path, expected: "an object, or one as JSON", found: shown(tool) }, { cause });
  }
  if (!isSchema(json)) throw new ConstraintError({ subject: path, expected: "an object", found: shown(json) });
  return isSchema(json.function)
    ? { definition: json.function, subject: `${path}.function` }
    : { definition: json, subject: path };
}
