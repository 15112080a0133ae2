// The interpreter's values, and values from outside made into them.
import { Environment } from "@huggingface/jinja";
import { PythonFloat } from "../exact-json.ts";
import type { RuntimeValue } from "./python-text.ts";

// The library exports no value classes, but makes values of all of them.
type ValueClass = new (value?: unknown) => RuntimeValue;
const probe = new Environment();
const classOf = (name: string, value: unknown): ValueClass => probe.set(name, value).constructor as ValueClass;
const StringValue = classOf("string", "");
const IntegerValue = classOf("integer", 0);
const FloatValue = classOf("float", 0.5);
const BooleanValue = classOf("boolean", true);
const NullValue = classOf("null", null);
const UndefinedValue = classOf("undefined", undefined);
const ArrayValue = classOf("array", []);
const ObjectValue = classOf("object", {});
const FunctionValue = classOf("function", () => null);

export type TemplateFunction = (args: RuntimeValue[], scope: Environment) => RuntimeValue;
export const functionValue = (run: TemplateFunction): RuntimeValue => new FunctionValue(run);
export const text = (value: string): RuntimeValue => new StringValue(value);
export const integer = (value: number): RuntimeValue => new IntegerValue(value);
export const boolean = (value: boolean): RuntimeValue => new BooleanValue(value);
export const list = (values: RuntimeValue[]): RuntimeValue => new ArrayValue(values);
export const UNDEFINED: RuntimeValue = new UndefinedValue();

/**
 * JSON-like values as Python would hold them; members that are undefined are left out, as JSON.stringify does.
 *
 * @param seen  called with every value's number of characters
 */
export function runtimeValue(value: unknown, seen: (characters: number) => void = () => {}): RuntimeValue {
  seen(typeof value === "string" ? value.length : 0);
  const inner = (member: unknown): RuntimeValue => runtimeValue(member, seen);
  switch (typeof value) {
    case "string":
      return text(value);
    case "number":
      return Number.isInteger(value) ? new IntegerValue(value) : new FloatValue(value);
    case "bigint":
      return new IntegerValue(value);
    case "boolean":
      return new BooleanValue(value);
    case "undefined":
      return new UndefinedValue();
    case "object":
      if (value === null) return new NullValue();
      if (value instanceof PythonFloat) return new FloatValue(value.value);
      if (Array.isArray(value)) return new ArrayValue(value.map(inner));
      return new ObjectValue(
        new Map(
          [...(value instanceof Map ? value : Object.entries(value))].flatMap(([key, member]) =>
            member === undefined ? [] : [[key, inner(member)]],
          ),
        ),
      );
    default:
      throw new Error(`expected a value that JSON can hold, found a ${typeof value}`);
  }
}
