// Jinja as Hugging Face runs it. @huggingface/jinja, which only this file knows, interprets; where it writes values as
// JavaScript does, the parsed template is rewritten to call the Python way of python-text.ts instead.
//
// What still differs from Python's jinja2. Refused, with an error: {% raw %}, {% with %}, {%+ and +%}, numbers such as 1e5,
// tests with arguments or of floats, tuples of none or one, keys that are no strings, chained comparisons, < between
// strings, arithmetic with booleans and with integers beyond 2⁵³, "a" * 3, and the rarer filters and methods (map by a
// filter, select, sum, min, reverse of strings; find, count, format, rsplit, splitlines, isdigit, removeprefix).
// Written otherwise: an attribute of what is undefined is undefined, "a" + 1 is "a1", 1 / 0 is inf, % takes the sign of
// its left side, pairs of items() and dictsort print as lists, title() goes wrong beyond ASCII, s[i] counts UTF-16
// units, true in [1] is false, macros see the variables of their caller, and what an iteration wrote before
// {% break %} or {% continue %} is lost.
//
// A hostile template is bounded in its ranges and in what one expression prints, not in time or in all it writes.
import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";
import { PythonFloat } from "./exact-json.ts";
import { type DumpOptions, dumps, type RuntimeValue, str } from "./python-text.ts";
import { strftime } from "./strftime.ts";

/** A parsed template: a function of its variables and of the time that `strftime_now` tells. */
export type JinjaTemplate = (variables: Readonly<Record<string, unknown>>, now: Date) => string;

/** What a template says through `raise_exception`. */
export class TemplateRaised extends Error {
  override readonly name = "TemplateRaised";
}

/** @throws SyntaxError and others from the library, without a line */
export function compileJinja(source: string): JinjaTemplate {
  const program = parse(
    tokenize(source.replaceAll(/\r\n?/g, "\n"), { trim_blocks: true, lstrip_blocks: true }),
  ) as unknown as Node;
  rewrite(program);
  return (variables, now) => {
    const environment = new Environment();
    const define = (name: string, value: RuntimeValue) => environment.setVariable(name, value as never);
    for (const [name, run] of Object.entries(PYTHON_WAY)) define(name, functionValue(run));
    for (const name of ["true", "True"]) define(name, runtimeValue(true));
    for (const name of ["false", "False"]) define(name, runtimeValue(false));
    for (const name of ["none", "None"]) define(name, runtimeValue(null));
    define("range", functionValue(range));
    define(
      "strftime_now",
      functionValue(([format]) => text(strftime(now, str(format)))),
    );
    define(
      "raise_exception",
      functionValue(([message]) => {
        throw new TemplateRaised(str(message));
      }),
    );
    for (const [name, value] of Object.entries(variables)) define(name, runtimeValue(value));
    return new Interpreter(environment).run(program as never).value as string;
  };
}

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

// Four times what a conversation may hold.
const MAX_CHARACTERS = 1 << 26;

function text(value: string): RuntimeValue {
  if (value.length <= MAX_CHARACTERS) return new StringValue(value);
  throw new Error(`expected at most ${MAX_CHARACTERS} characters, found ${value.length}`);
}

type TemplateFunction = (args: RuntimeValue[], scope: Environment) => RuntimeValue;
const functionValue = (run: TemplateFunction): RuntimeValue => new FunctionValue(run);
const list = (values: RuntimeValue[]): RuntimeValue => new ArrayValue(values);

/** JSON-like values as Python would hold them; members that are undefined are left out, as JSON.stringify does. */
function runtimeValue(value: unknown): RuntimeValue {
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
      if (Array.isArray(value)) return new ArrayValue(value.map(runtimeValue));
      return new ObjectValue(
        new Map(
          [...(value instanceof Map ? value : Object.entries(value))].flatMap(([key, member]) =>
            member === undefined ? [] : [[key, runtimeValue(member)]],
          ),
        ),
      );
    default:
      throw new Error(`expected a value that JSON can hold, found a ${typeof value}`);
  }
}

/** Positional arguments, then the keyword arguments by name. */
function splitArguments(args: RuntimeValue[]): [RuntimeValue[], Map<string, RuntimeValue>] {
  const last = args.at(-1);
  if (last?.type !== "KeywordArgumentsValue") return [args, new Map()];
  return [args.slice(0, -1), last.value as Map<string, RuntimeValue>];
}

// Python's str.strip() and Jinja's trim; JavaScript's trim() also takes U+FEFF and leaves U+001C to U+001F and U+0085.
const PYTHON_SPACE = "[\\t-\\r\\x1c-\\x1f \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const START = new RegExp(`^${PYTHON_SPACE}+`);
const END = new RegExp(`${PYTHON_SPACE}+$`);

/** Python's str.strip() and, with one side only, lstrip() and rstrip(); `characters` are those to strip. */
function strip([value, characters]: RuntimeValue[], { left = true, right = true } = {}): RuntimeValue {
  const plain = str(value);
  if (characters === undefined || characters.type === "NullValue") {
    const rest = left ? plain.replace(START, "") : plain;
    return text(right ? rest.replace(END, "") : rest);
  }
  const stripped = new Set(str(characters));
  const letters = Array.from(plain);
  const first = left ? letters.findIndex((letter) => !stripped.has(letter)) : 0;
  const last = right ? letters.findLastIndex((letter) => !stripped.has(letter)) : letters.length - 1;
  return text(first < 0 ? "" : letters.slice(first, last + 1).join(""));
}

/** Python's ==: numbers and booleans by value, lists and dicts by their members, else only within a type. */
function equals(a: RuntimeValue, b: RuntimeValue): boolean {
  if (isNumber(a) && isNumber(b)) return Number(a.value) === Number(b.value);
  if (a.type !== b.type) return false;
  if (Array.isArray(a.value)) {
    const [these, others] = [a.value, b.value] as RuntimeValue[][];
    return these.length === others.length && these.every((member, i) => equals(member, others[i]));
  }
  if (a.type !== "ObjectValue") return a.value === b.value;
  const [these, others] = [a.value, b.value] as Map<string, RuntimeValue>[];
  return (
    these.size === others.size && [...these].every(([key, member]) => equals(member, others.get(key) ?? UNDEFINED))
  );
}

const UNDEFINED = new UndefinedValue();
const isNumber = ({ type }: RuntimeValue): boolean => ["IntegerValue", "FloatValue", "BooleanValue"].includes(type);

/** The functions that rewritten templates call; a template cannot name them, as `#` is no letter. */
const PYTHON_WAY: Record<string, TemplateFunction> = {
  "#string": ([value]) => text(str(value)),
  "#concatenate": ([left, right]) => text(str(left) + str(right)),
  "#trim": (args) => {
    const [[value, characters], named] = splitArguments(args);
    return strip([value, characters ?? named.get("chars")]);
  },
  "#lstrip": (args) => strip(args, { right: false }),
  "#rstrip": (args) => strip(args, { left: false }),
  "#equal": ([left, right]) => new BooleanValue(equals(left, right)),
  "#unequal": ([left, right]) => new BooleanValue(!equals(left, right)),
  "#length": ([value]) => {
    if (value.type === "UndefinedValue") return new IntegerValue(0);
    if (value.type === "StringValue") return new IntegerValue(Array.from(str(value)).length);
    const { length, size } = value.value as { length?: number; size?: number };
    return new IntegerValue(length ?? size);
  },
  /** What a loop goes through: letters of a string, nothing of what is undefined. */
  "#members": ([value]) => {
    if (value.type === "UndefinedValue") return list([]);
    return value.type === "StringValue" ? list(Array.from(str(value), text)) : value;
  },
  /** One iteration, whose variables end with it. */
  "#iteration": (_, scope) => (scope.lookupVariable("caller").value as unknown as TemplateFunction)([], scope),
  "#joined": ([separator, members]) => PYTHON_WAY["#join"]([members, separator], probe),
  "#join": (args) => {
    const [[source, separator], named] = splitArguments(args);
    const attribute = named.get("attribute");
    const members = PYTHON_WAY["#members"]([source], probe).value as RuntimeValue[];
    if (!Array.isArray(members)) throw new Error(`join: expected a list, found ${source.type}`);
    const shown = members.map((member) => {
      if (attribute === undefined) return str(member);
      return str((member.value as Map<string, RuntimeValue>).get(str(attribute)) ?? new UndefinedValue());
    });
    return text(shown.join(str(separator ?? named.get("d") ?? text(""))));
  },
  "#tojson": (args) => {
    const [[value, ...positional], named] = splitArguments(args);
    const stated = (name: string, position: number) => {
      const option = named.get(name) ?? positional[position];
      return option === undefined || option.type === "NullValue" ? undefined : option.value;
    };
    const separators = stated("separators", 2) as RuntimeValue[] | undefined;
    const options: DumpOptions = {
      ensureAscii: stated("ensure_ascii", 0) === true,
      indent: stated("indent", 1) as number | undefined,
      separators: separators && [str(separators[0]), str(separators[1])],
      sortKeys: stated("sort_keys", 3) === true,
    };
    return text(dumps(value, options));
  },
};

// Jinja's sandbox, in which Hugging Face runs templates, ends longer ranges the same way.
const MAX_RANGE = 100_000;

function range(args: RuntimeValue[]): RuntimeValue {
  const numbers = args.map(({ value }) => Number(value));
  const [start, stop, step] = numbers.length === 1 ? [0, numbers[0], 1] : [numbers[0], numbers[1], numbers[2] ?? 1];
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= MAX_RANGE)) throw new Error(`range: expected at most ${MAX_RANGE} numbers, found ${length}`);
  return new ArrayValue(Array.from({ length }, (_, i) => new IntegerValue(start + i * step)));
}

interface Node {
  type: string;
  [key: string]: unknown;
}

const STATEMENTS = new Set([
  "Set",
  "If",
  "For",
  "Macro",
  "CallStatement",
  "FilterStatement",
  "Break",
  "Continue",
  "Comment",
]);
const FILTERS: Record<string, string> = {
  string: "#string",
  tojson: "#tojson",
  trim: "#trim",
  join: "#join",
  length: "#length",
  count: "#length",
};
const METHODS: Record<string, string> = { strip: "#trim", lstrip: "#lstrip", rstrip: "#rstrip", join: "#joined" };
const OPERATORS: Record<string, string> = { "~": "#concatenate", "==": "#equal", "!=": "#unequal" };

/** Replaces, in place and from the leaves up, what would write a value the JavaScript way. */
function rewrite(node: Node): Node {
  for (const [key, child] of Object.entries(node)) {
    if (Array.isArray(child)) {
      const isBlock = key === "body" || key === "alternate" || key === "defaultBlock";
      node[key] = child.map((member: Node) => (isBlock ? printed(rewrite(member)) : rewrite(member)));
    } else if (child instanceof Map) {
      node[key] = new Map([...child].map(([name, member]) => [rewrite(name), rewrite(member)]));
    } else if (isNode(child)) {
      node[key] = rewrite(child);
    }
  }
  if (node.type === "BinaryExpression") {
    const { value: operator } = node.operator as { value: string };
    if (Object.hasOwn(OPERATORS, operator)) return call(node, OPERATORS[operator], [node.left, node.right]);
  }
  if (node.type === "CallExpression" && (node.callee as Node).type === "MemberExpression") {
    const { object, property, computed } = node.callee as Node;
    const name = (property as Node).value as string;
    if (!computed && Object.hasOwn(METHODS, name)) {
      return call(node, METHODS[name], [object, ...(node.args as Node[])]);
    }
  }
  if (node.type === "For") {
    const source = node.iterable as Node;
    if (source.type === "SelectExpression") source.lhs = call(source, "#members", [source.lhs]);
    else node.iterable = call(source, "#members", [source]);
    const body = make(node, {
      type: "CallStatement",
      call: call(node, "#iteration", []),
      callerArgs: [],
      body: node.body,
    });
    node.body = [body];
  }
  if (node.type === "FilterExpression") {
    const filter = node.filter as Node;
    const named = filter.type === "CallExpression" ? (filter.callee as Node) : filter;
    if (named.value === "d") named.value = "default";
    const name = named.value;
    const replacement = Object.hasOwn(FILTERS, name as string) ? FILTERS[name as string] : undefined;
    if (replacement !== undefined) return call(node, replacement, [node.operand, ...((filter.args as Node[]) ?? [])]);
  }
  return node;
}

/** An expression in a block is printed: None as "None", True as "True". */
function printed(node: Node): Node {
  return STATEMENTS.has(node.type) || node.type === "StringLiteral" ? node : call(node, "#string", [node]);
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as Node).type === "string";
}

/** A node; it takes its prototype from another, so that the library knows it for one. */
function make(like: Node, members: { readonly type: string; readonly [key: string]: unknown }): Node {
  return Object.assign(Object.create(Object.getPrototypeOf(like)), members) as Node;
}

function call(like: Node, name: string, args: unknown[]): Node {
  const callee = make(like, { type: "Identifier", value: name });
  return make(like, { type: "CallExpression", callee, args });
}
