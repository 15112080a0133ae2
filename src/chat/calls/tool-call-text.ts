// Tool calls written the way LFM2 writes them, as correct Python.
import { PythonFloat } from "../exact-json.ts";
import { type RuntimeValue, repr } from "../jinja/python-text.ts";

/** `<|tool_call_start|>[name(key='value', …), …]<|tool_call_end|>`; arguments as parseExactJson gives them. */
export function writeToolCalls(calls: readonly { readonly name: string; readonly arguments: unknown }[]): string {
  const written = calls.map(({ name, arguments: args }) => {
    const entries = membersOf(args as object);
    return `${name}(${entries.map(([key, value]) => `${key}=${repr(runtimeValue(value))}`).join(", ")})`;
  });
  return `<|tool_call_start|>[${written.join(", ")}]<|tool_call_end|>`;
}

/** Of an object, or of the Map that exact-json.ts makes of one whose order JavaScript would change. */
function membersOf(value: object): [string, unknown][] {
  return value instanceof Map ? [...value] : Object.entries(value);
}

function runtimeValue(value: unknown): RuntimeValue {
  if (value instanceof PythonFloat) return { type: "FloatValue", value: value.value };
  if (Array.isArray(value)) return { type: "ArrayValue", value: value.map(runtimeValue) };
  switch (typeof value) {
    case "string":
      return { type: "StringValue", value };
    case "bigint":
      return { type: "IntegerValue", value };
    case "number":
      return { type: Number.isInteger(value) ? "IntegerValue" : "FloatValue", value };
    case "boolean":
      return { type: "BooleanValue", value };
    case "object":
      if (value === null) return { type: "NullValue", value };
      return {
        type: "ObjectValue",
        value: new Map(membersOf(value).map(([key, member]) => [key, runtimeValue(member)])),
      };
    default:
      return { type: "UndefinedValue", value };
  }
}
