// The values of a template, which are Python's: int is bigint, float is number, str is Text.
import { compareText, Text } from "./text.ts";

export type Value =
  | null
  | boolean
  | bigint
  | number
  | Text
  | List
  | Generator
  | Dict
  | Namespace
  | Callable
  | Undefined;

export class List {
  readonly items: readonly Value[];
  readonly isTuple: boolean;

  constructor(items: readonly Value[], isTuple = false) {
    this.items = items;
    this.isTuple = isTuple;
  }
}

/** What filters such as `select` and `map` give: true even when empty, and empty once it has been gone through. */
export class Generator {
  #items: readonly Value[];

  constructor(items: readonly Value[]) {
    this.#items = items;
  }

  take(): readonly Value[] {
    const items = this.#items;
    this.#items = [];
    return items;
  }
}

/** Python's dict: in order of insertion; 1, 1.0 and True are one key. */
export class Dict {
  readonly #members = new Map<string, readonly [key: Value, value: Value]>();

  constructor(members: Iterable<readonly [Value, Value]> = []) {
    for (const [key, value] of members) this.set(key, value);
  }

  get size(): number {
    return this.#members.size;
  }

  set(key: Value, value: Value): void {
    const hash = hashOf(key);
    this.#members.set(hash, [this.#members.get(hash)?.[0] ?? key, value]);
  }

  get(key: Value): Value | undefined {
    return this.#members.get(hashOf(key))?.[1];
  }

  entries(): (readonly [Value, Value])[] {
    return [...this.#members.values()];
  }
}

export const namedDict = (named: Iterable<readonly [string, Value]>): Dict =>
  new Dict(Array.from(named, ([name, value]) => [new Text(name), value] as const));

/** What `namespace()` makes, and `loop`: members without the methods of a dict. */
export class Namespace {
  readonly members: Map<string, Value>;
  readonly isAssignable: boolean;

  constructor(members: Map<string, Value>, isAssignable: boolean) {
    this.members = members;
    this.isAssignable = isAssignable;
  }
}

export interface Arguments {
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
}

export class Callable {
  readonly call: (args: Arguments) => Value;

  constructor(call: (args: Arguments) => Value) {
    this.call = call;
  }
}

/** What is not there: prints as nothing, is false and empty; anything else done with it is an error. */
export class Undefined {
  /** How the template names it. */
  readonly subject: string;

  constructor(subject: string) {
    this.subject = subject;
  }
}

/** Matches arguments to parameter names, as Python's calls do; what is not given is undefined. */
export function bind(subject: string, args: Arguments, names: readonly string[]): (Value | undefined)[] {
  if (args.positional.length > names.length) {
    throw new Error(`${subject}: expected at most ${names.length} arguments, found ${args.positional.length}`);
  }
  const bound: (Value | undefined)[] = names.map((_, i) => args.positional[i]);
  for (const [name, value] of args.named) {
    const i = names.indexOf(name);
    if (i < 0) throw new Error(`${subject}: expected ${names.join(", ") || "no arguments"}, found ${name}=`);
    if (bound[i] !== undefined) throw new Error(`${subject}: expected ${name} once, found it twice`);
    bound[i] = value;
  }
  return bound;
}

export function isTrue(value: Value): boolean {
  if (value === null || value instanceof Undefined) return false;
  if (value instanceof Text) return value.value !== "";
  if (value instanceof List) return value.items.length > 0;
  if (value instanceof Dict) return value.size > 0;
  return typeof value === "object" || Boolean(value);
}

/** int, float and bool, which is an int. */
export const isNumber = (value: Value | undefined): value is bigint | number | boolean =>
  typeof value === "bigint" || typeof value === "number" || typeof value === "boolean";

/** True and False as 1 and 0. */
export const numberOf = (value: bigint | number | boolean): bigint | number =>
  typeof value === "boolean" ? BigInt(value) : value;

export function areEqual(a: Value, b: Value): boolean {
  if (isNumber(a) && isNumber(b)) return compare(a, b) === 0;
  if (a instanceof Text && b instanceof Text) return a.value === b.value;
  if (a instanceof Undefined && b instanceof Undefined) return true;
  if (a instanceof List && b instanceof List) {
    if (a.isTuple !== b.isTuple || a.items.length !== b.items.length) return false;
    return a.items.every((item, i) => areEqual(item, b.items[i]));
  }
  if (a instanceof Dict && b instanceof Dict) {
    if (a.size !== b.size) return false;
    return a.entries().every(([key, value]) => {
      const other = b.get(key);
      return other !== undefined && areEqual(value, other);
    });
  }
  return a === b;
}

/** Below 0 when a < b. @throws Error for values that Python does not order */
export function compare(a: Value, b: Value): number {
  if (isNumber(a) && isNumber(b)) {
    // JavaScript, too, compares integers with floats by their exact values.
    const [x, y] = [numberOf(a), numberOf(b)];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.NaN;
    return x < y ? -1 : x > y ? 1 : 0;
  }
  if (a instanceof Text && b instanceof Text) return compareText(a.value, b.value);
  if (a instanceof List && b instanceof List && a.isTuple === b.isTuple) {
    for (let i = 0; i < a.items.length && i < b.items.length; i++) {
      if (!areEqual(a.items[i], b.items[i])) return compare(a.items[i], b.items[i]);
    }
    return a.items.length - b.items.length;
  }
  throw new Error(`expected two values that can be ordered, found ${typeName(a)} and ${typeName(b)}`);
}

/** What a loop over the value meets. */
export function iterate(value: Value): readonly Value[] {
  if (value instanceof List) return value.items;
  if (value instanceof Text) return value.characters();
  if (value instanceof Dict) return value.entries().map(([key]) => key);
  if (value instanceof Generator) return value.take();
  if (value instanceof Undefined) return [];
  throw new Error(`expected a list, a string or a dict to go through, found ${typeName(value)}`);
}

export function lengthOf(value: Value): number {
  if (value instanceof List) return value.items.length;
  if (value instanceof Dict) return value.size;
  if (value instanceof Undefined) return 0;
  if (value instanceof Text) {
    let length = 0;
    for (const _ of value.value) length++;
    return length;
  }
  throw new Error(`length: expected a list, a string or a dict, found ${typeName(value)}`);
}

/** Python's name of the type. */
export function typeName(value: Value): string {
  if (value === null) return "None";
  if (value instanceof Text) return "str";
  if (value instanceof List) return value.isTuple ? "tuple" : "list";
  if (value instanceof Dict) return "dict";
  if (value instanceof Namespace) return "namespace";
  if (value instanceof Callable) return "function";
  if (value instanceof Generator) return "generator";
  if (value instanceof Undefined) return `nothing (${value.subject} is undefined)`;
  if (typeof value === "bigint") return "int";
  return typeof value === "number" ? "float" : "bool";
}

function hashOf(key: Value): string {
  if (key instanceof Text) return `s${key.value}`;
  if (isNumber(key)) return typeof key === "number" && !Number.isInteger(key) ? `f${key}` : `n${BigInt(key)}`;
  if (key === null) return "None";
  if (key instanceof List && key.isTuple) return JSON.stringify(key.items.map(hashOf));
  throw new Error(`dict: expected a key that can be hashed, found ${typeName(key)}`);
}
