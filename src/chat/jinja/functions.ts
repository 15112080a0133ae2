// What rewritten templates call to have values written, compared and cut as Python does, within the budget.
import type { Budget } from "./budget.ts";
import { codePoints, PYTHON_SPACE, strip } from "./python-strip.ts";
import { type DumpOptions, dumps, nameOfType, type RuntimeValue, str } from "./python-text.ts";
import { boolean, integer, list, type TemplateFunction, text, UNDEFINED } from "./values.ts";

// Jinja's sandbox, in which Hugging Face runs templates, ends longer ranges the same way.
const MAX_RANGE = 100_000;
/** A loop makes an object for each member before it begins. */
const STEPS_PER_ITERATION = 8;

/** The functions by the names that rewriting gives them, which no template can write, since `#` is not a letter. */
export function pythonWay(budget: Budget): Record<string, TemplateFunction> {
  /** Python's str(), read as a whole. */
  const read = (value: RuntimeValue | undefined): string => {
    const written = str(value ?? UNDEFINED, budget);
    budget.characters(written.length);
    return written;
  };
  const trim =
    (sides: { left?: boolean; right?: boolean }): TemplateFunction =>
    (args) => {
      const [[value, stated], named] = splitArguments(args);
      const characters = stated ?? named.get("chars");
      const isStated = characters !== undefined && characters.type !== "NullValue";
      const stripped = isStated ? new Set(read(characters)) : PYTHON_SPACE;
      return text(strip(read(value), stripped, sides));
    };
  const members = (value: RuntimeValue): RuntimeValue => {
    if (value.type === "UndefinedValue") return list([]);
    const { length, size } = value.value as { length?: number; size?: number };
    budget.spend(STEPS_PER_ITERATION * (length ?? size ?? 0));
    return value.type === "StringValue" ? list(Array.from(value.value as string, text)) : value;
  };
  const join = (source: RuntimeValue, separator: RuntimeValue | undefined, attribute?: RuntimeValue): RuntimeValue => {
    const joined = members(source).value as RuntimeValue[];
    if (!Array.isArray(joined)) throw new Error(`join: expected a list, found ${nameOfType(source.type)}`);
    const key = attribute && read(attribute);
    const shown = joined.map((member) => {
      if (key === undefined) return str(member, budget);
      return str((member.value instanceof Map ? member.value.get(key) : undefined) ?? UNDEFINED, budget);
    });
    const between = str(separator ?? UNDEFINED, budget);
    budget.characters(shown.reduce((sum, { length }) => sum + length + between.length, 0));
    return text(shown.join(between));
  };

  return {
    "#string": ([value]) => text(str(value, budget)),
    "#concatenate": ([left, right]) => {
      const sides = [left, right].map((side) => str(side, budget));
      budget.characters(sides[0].length + sides[1].length);
      return text(sides.join(""));
    },
    "#trim": trim({}),
    "#lstrip": trim({ right: false }),
    "#rstrip": trim({ left: false }),
    "#equal": ([left, right]) => boolean(equals(left, right, budget)),
    "#unequal": ([left, right]) => boolean(!equals(left, right, budget)),
    "#length": ([value]) => {
      if (value.type === "UndefinedValue") return integer(0);
      if (value.type === "StringValue") return integer(codePoints(read(value)));
      const { length, size } = (value.value ?? {}) as { length?: number; size?: number };
      const count = length ?? size;
      if (count !== undefined) return integer(count);
      throw new Error(`length: expected a string, a list or a dict, found ${nameOfType(value.type)}`);
    },
    /** What a loop goes through: letters of a string, nothing of what is undefined. */
    "#members": ([value]) => members(value),
    /** One iteration, whose variables end with it. */
    "#iteration": (_, scope) => (scope.lookupVariable("caller").value as unknown as TemplateFunction)([], scope),
    "#joined": ([separator, source]) => join(source ?? UNDEFINED, separator),
    "#join": (args) => {
      const [[source, separator], named] = splitArguments(args);
      return join(source, separator ?? named.get("d"), named.get("attribute"));
    },
    "#replace": ([value, ...args], scope) => {
      const [[old, young]] = splitArguments(args);
      if (value.type === "StringValue" && old?.type === "StringValue" && young?.type === "StringValue") {
        const [whole, part, put] = [value, old, young].map(read);
        budget.characters(whole.length + occurrences(whole, part) * put.length);
      }
      return method(value, "replace")(args, scope);
    },
    "#split": ([value, ...args], scope) => {
      const separator = args[0]?.type === "StringValue" ? (args[0].value as string) : " ";
      if (value.type === "StringValue") budget.spend(occurrences(read(value), separator));
      return method(value, "split")(args, scope);
    },
    "#indent": (args) => {
      const [[value, ...positional], named] = splitArguments(args);
      const [width, first, blank] = ["width", "first", "blank"].map(
        (name, i) => (positional[i] ?? named.get(name))?.value,
      );
      const lines = read(value).split("\n");
      const count = typeof width === "string" ? width.length : Number(width ?? 4);
      budget.characters(lines.length * Math.max(0, count));
      const indentation = typeof width === "string" ? width : " ".repeat(Math.max(0, count));
      const indented = lines.map((line, i) => ((i === 0 ? first : blank || line !== "") ? indentation + line : line));
      return text(indented.join("\n"));
    },
    "#tojson": (args) => {
      const [[value, ...positional], named] = splitArguments(args);
      const stated = (name: string, position: number) => {
        const option = named.get(name) ?? positional[position];
        return option === undefined || option.type === "NullValue" ? undefined : option.value;
      };
      const separators = stated("separators", 2);
      const indent = stated("indent", 1);
      if (indent !== undefined && !Number.isInteger(indent)) {
        throw new Error("tojson: expected an integer as indent, found something else");
      }
      if (separators !== undefined && !(Array.isArray(separators) && separators.length === 2)) {
        throw new Error("tojson: expected two strings as separators, found something else");
      }
      const options: DumpOptions = {
        ensureAscii: stated("ensure_ascii", 0) === true,
        indent: indent === undefined ? undefined : Math.max(0, indent as number),
        separators: separators && [read(separators[0]), read(separators[1])],
        sortKeys: stated("sort_keys", 3) === true,
      };
      return text(dumps(value, options, budget));
    },
    range: (args) => {
      const numbers = args.map(({ value }) => Number(value));
      const [start, stop, step] = numbers.length === 1 ? [0, numbers[0], 1] : [numbers[0], numbers[1], numbers[2] ?? 1];
      const length = Math.max(0, Math.ceil((stop - start) / step));
      if (!(length <= MAX_RANGE)) throw new Error(`range: expected at most ${MAX_RANGE} numbers, found ${length}`);
      budget.spend(length);
      return list(Array.from({ length }, (_, i) => integer(start + i * step)));
    },
  };
}

/** Positional arguments, then the keyword arguments by name. */
function splitArguments(args: RuntimeValue[]): [RuntimeValue[], Map<string, RuntimeValue>] {
  const last = args.at(-1);
  if (last?.type !== "KeywordArgumentsValue") return [args, new Map()];
  return [args.slice(0, -1), last.value as Map<string, RuntimeValue>];
}

/** A method of the library's own strings. */
function method(value: RuntimeValue, name: string): TemplateFunction {
  const { builtins } = value as { builtins?: ReadonlyMap<string, RuntimeValue> };
  const found = value.type === "StringValue" ? builtins?.get(name) : undefined;
  if (found === undefined) throw new Error(`${name}: expected a string, found ${nameOfType(value.type)}`);
  return found.value as TemplateFunction;
}

/** How often a text holds another, at most; the empty one is everywhere. */
function occurrences(whole: string, part: string): number {
  if (part === "") return whole.length + 1;
  let count = 0;
  for (let at = whole.indexOf(part); at >= 0; at = whole.indexOf(part, at + part.length)) count++;
  return count;
}

/** Python's ==: numbers and booleans by value, lists and dicts by their members, else only within a type. */
function equals(a: RuntimeValue, b: RuntimeValue, budget: Budget): boolean {
  budget.spend(1);
  if (isNumber(a) && isNumber(b)) return Number(a.value) === Number(b.value);
  if (a.type !== b.type) return false;
  if (a.type === "StringValue") {
    budget.characters((a.value as string).length);
    return a.value === b.value;
  }
  if (Array.isArray(a.value)) {
    const [these, others] = [a.value, b.value] as RuntimeValue[][];
    return these.length === others.length && these.every((member, i) => equals(member, others[i], budget));
  }
  if (a.type !== "ObjectValue") return a.value === b.value;
  const [these, others] = [a.value, b.value] as Map<string, RuntimeValue>[];
  return (
    these.size === others.size &&
    [...these].every(([key, member]) => equals(member, others.get(key) ?? UNDEFINED, budget))
  );
}

const isNumber = ({ type }: RuntimeValue): boolean => ["IntegerValue", "FloatValue", "BooleanValue"].includes(type);
