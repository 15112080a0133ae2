// Jinja's filters that prompts have a use for, and tojson as Hugging Face has it.
import { itemOf } from "./access.ts";
import { calculate } from "./operators.ts";
import { type DumpOptions, dumps, str } from "./python-text.ts";
import { capitalize, replaceText, splitLines } from "./string-methods.ts";
import { applyTest } from "./tests.ts";
import { concatenate, join, mapText, strip, Text } from "./text.ts";
import {
  type Arguments,
  areEqual,
  bind,
  compare,
  Dict,
  Generator,
  isNumber,
  isTrue,
  iterate,
  List,
  lengthOf,
  numberOf,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

type Filter = (value: Value, args: Arguments) => Value;

/** @throws Error for a filter that there is not */
export function applyFilter(name: string, value: Value, args: Arguments): Value {
  const filter = Object.hasOwn(FILTERS, name) ? FILTERS[name] : undefined;
  if (filter === undefined) throw new Error(`| ${name}: expected one of ${Object.keys(FILTERS).join(", ")}`);
  return filter(value, args);
}

const otherwise: Filter = (value, args) => {
  const [fallback = new Text(""), evenIfFalse = false] = bind("default", args, ["default_value", "boolean"]);
  return value instanceof Undefined || (isTrue(evenIfFalse) && !isTrue(value)) ? fallback : value;
};
const count: Filter = (value) => BigInt(lengthOf(value));

const FILTERS: Readonly<Record<string, Filter>> = {
  default: otherwise,
  d: otherwise,
  length: count,
  count,
  string: (value) => str(value),
  safe: (value) => str(value),
  tojson: toJson,
  trim: (value, args) => {
    const [characters = null] = bind("trim", args, ["chars"]);
    return strip(str(value), characters === null ? undefined : str(characters).value);
  },
  upper: (value) => mapText(str(value), (plain) => plain.toUpperCase()),
  lower: (value) => mapText(str(value), (plain) => plain.toLowerCase()),
  capitalize: (value) => capitalize(str(value)),
  title: (value) => mapText(str(value), titled),
  replace: (value, args) => {
    const [old, by, most] = bind("replace", args, ["old", "new", "count"]);
    if (old === undefined || by === undefined) throw new Error("| replace: expected what to replace and by what");
    return replaceText(
      str(value),
      str(old),
      str(by),
      most === undefined || most === null ? -1 : integer("replace", most),
    );
  },
  indent: (value, args) => {
    const [width = 4n, first = false, blank = false] = bind("indent", args, ["width", "first", "blank"]);
    if (!(value instanceof Text)) throw new Error(`| indent: expected a string, found ${typeName(value)}`);
    return indent(
      value,
      width instanceof Text ? width : new Text(" ".repeat(integer("indent", width))),
      isTrue(first),
      isTrue(blank),
    );
  },
  join: (value, args) => {
    const [separator = new Text(""), attribute] = bind("join", args, ["d", "attribute"]);
    const items = iterate(value).map((item) => str(attribute === undefined ? item : deepMember(item, attribute)));
    return join(items, str(separator));
  },
  first: (value) => orUndefined(iterate(value)[0], "first of nothing"),
  last: (value) => {
    if (value instanceof Generator) throw new Error("| last: expected a list, found a generator; put | list before it");
    return orUndefined(iterate(value).at(-1), "last of nothing");
  },
  list: (value) => new List(iterate(value)),
  items: (value) => {
    if (value instanceof Undefined) return new Generator([]);
    if (!(value instanceof Dict)) throw new Error(`| items: expected a dict, found ${typeName(value)}`);
    return new Generator(value.entries().map((entry) => new List(entry, true)));
  },
  dictsort: (value, args) => {
    const [caseful = false, by = new Text("key"), reversed = false] = bind("dictsort", args, [
      "case_sensitive",
      "by",
      "reverse",
    ]);
    if (!(value instanceof Dict)) throw new Error(`| dictsort: expected a dict, found ${typeName(value)}`);
    const place = str(by).value === "value" ? 1 : 0;
    const entries = value.entries().map((entry) => new List(entry, true));
    return sorted(entries, (entry) => folded((entry as List).items[place], isTrue(caseful)), isTrue(reversed));
  },
  sort: (value, args) => {
    const [reversed = false, caseful = false, attribute = null] = bind("sort", args, [
      "reverse",
      "case_sensitive",
      "attribute",
    ]);
    const names = attribute instanceof Text ? attribute.value.split(",").map((name) => new Text(name)) : [attribute];
    const keyOf = (item: Value): Value => {
      if (attribute === null) return folded(item, isTrue(caseful));
      return new List(names.map((name) => folded(deepMember(item, name), isTrue(caseful))));
    };
    return sorted(iterate(value), keyOf, isTrue(reversed));
  },
  unique: (value, args) => {
    const [caseful = false, attribute = null] = bind("unique", args, ["case_sensitive", "attribute"]);
    const seen: Value[] = [];
    const firsts = iterate(value).filter((item) => {
      const key = folded(attribute === null ? item : deepMember(item, attribute), isTrue(caseful));
      if (seen.some((other) => areEqual(other, key))) return false;
      seen.push(key);
      return true;
    });
    return new Generator(firsts);
  },
  reverse: (value) => {
    if (value instanceof Text) return concatenate(value.characters().reverse());
    return new Generator([...iterate(value)].reverse());
  },
  min: (value, args) => extreme("min", value, args, -1),
  max: (value, args) => extreme("max", value, args, 1),
  sum: (value, args) => {
    const [attribute = null, start = 0n] = bind("sum", args, ["attribute", "start"]);
    const items = iterate(value).map((item) => (attribute === null ? item : deepMember(item, attribute)));
    return items.reduce((total, item) => calculate("+", total, item), start);
  },
  abs: (value) => {
    if (!isNumber(value)) throw new Error(`| abs: expected a number, found ${typeName(value)}`);
    const number = numberOf(value);
    return number < 0 ? -number : typeof number === "number" ? Math.abs(number) : number;
  },
  int: (value, args) => {
    const [fallback = 0n] = bind("int", args, ["default"]);
    if (value instanceof Undefined) throw new Error(`${value.subject} is undefined`);
    return toInteger(value) ?? fallback;
  },
  float: (value, args) => {
    const [fallback = 0] = bind("float", args, ["default"]);
    if (value instanceof Undefined) throw new Error(`${value.subject} is undefined`);
    if (isNumber(value)) return Number(numberOf(value));
    return (value instanceof Text ? numberIn(value.value) : undefined) ?? fallback;
  },
  map: (value, { positional, named }) => {
    const attribute = named.get("attribute");
    if (attribute !== undefined) {
      const fallback = named.get("default");
      const members = iterate(value).map((item) => {
        const member = deepMember(item, attribute);
        return member instanceof Undefined && fallback !== undefined ? fallback : member;
      });
      return new Generator(members);
    }
    const [name, ...rest] = positional;
    if (!(name instanceof Text)) throw new Error("| map: expected a filter's name or attribute=, found neither");
    return new Generator(iterate(value).map((item) => applyFilter(name.value, item, { positional: rest, named })));
  },
  select: (value, args) => chosen(value, args, false, true),
  reject: (value, args) => chosen(value, args, false, false),
  selectattr: (value, args) => chosen(value, args, true, true),
  rejectattr: (value, args) => chosen(value, args, true, false),
};

/** None is a value, too. */
const orUndefined = (value: Value | undefined, subject: string): Value =>
  value === undefined ? new Undefined(subject) : value;

/** Hugging Face's tojson: json.dumps with text outside ASCII kept, and nothing escaped for HTML. */
function toJson(value: Value, args: Arguments): Text {
  const [ensureAscii = false, indentation = null, separators = null, sortKeys = false] = bind("tojson", args, [
    "ensure_ascii",
    "indent",
    "separators",
    "sort_keys",
  ]);
  const options: DumpOptions = {
    ensureAscii: isTrue(ensureAscii),
    indent:
      indentation === null
        ? undefined
        : indentation instanceof Text
          ? indentation.value
          : " ".repeat(integer("tojson", indentation)),
    separators: separators === null ? undefined : pairOf(separators),
    sortKeys: isTrue(sortKeys),
  };
  return dumps(value, options);
}

function pairOf(separators: Value): [Text, Text] {
  const [item, key] = iterate(separators);
  if (item instanceof Text && key instanceof Text) return [item, key];
  throw new Error("| tojson: expected two strings as separators");
}

function integer(subject: string, value: Value): number {
  if (isNumber(value) && typeof value !== "number") return Math.min(1e6, Number(numberOf(value)));
  throw new Error(`| ${subject}: expected an integer, found ${typeName(value)}`);
}

/** Jinja's own rule, which is not str.title()'s. */
function titled(plain: string): string {
  const words = plain.split(/([-\s({[<]+)/);
  return words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase()).join("");
}

function indent(text: Text, width: Text, first: boolean, blank: boolean): Text {
  const lines = splitLines(concatenate([text, new Text("\n")]));
  const shown = lines.map((line, i) => {
    const isIndented = i === 0 ? first : blank || line.value !== "";
    return isIndented ? concatenate([width, line]) : line;
  });
  return join(shown, new Text("\n"));
}

/** A member by a path such as "function.name" or 0; as in Jinja, what is missing on the way is an error. */
function deepMember(item: Value, path: Value): Value {
  if (!(path instanceof Text)) return itemOf(item, path);
  return path.value.split(".").reduce((value, name) => {
    return itemOf(value, /^\d+$/.test(name) ? BigInt(name) : new Text(name));
  }, item);
}

/** Text that differs in case only is sorted and told apart as one, unless asked. */
const folded = (value: Value, caseful: boolean): Value =>
  value instanceof Text && !caseful ? mapText(value, (plain) => plain.toLowerCase()) : value;

function sorted(items: readonly Value[], keyOf: (item: Value) => Value, reversed: boolean): List {
  const keyed = items.map((item) => ({ item, key: keyOf(item) }));
  // Python's reverse keeps equal members in order.
  keyed.sort((a, b) => (reversed ? compare(b.key, a.key) : compare(a.key, b.key)));
  return new List(keyed.map(({ item }) => item));
}

function extreme(subject: string, value: Value, args: Arguments, sign: number): Value {
  const [caseful = false, attribute = null] = bind(subject, args, ["case_sensitive", "attribute"]);
  const keyOf = (item: Value): Value =>
    folded(attribute === null ? item : deepMember(item, attribute), isTrue(caseful));
  const items = iterate(value);
  if (items.length === 0) return new Undefined(`${subject} of nothing`);
  return items.reduce((best, item) => (compare(keyOf(item), keyOf(best)) * sign > 0 ? item : best));
}

function chosen(value: Value, { positional, named }: Arguments, byAttribute: boolean, wanted: boolean): Generator {
  const [attribute, ...others] = byAttribute ? positional : [null, ...positional];
  if (attribute === undefined) throw new Error("| selectattr: expected an attribute, found none");
  const [test, ...rest] = others;
  const members = iterate(value).filter((item) => {
    const member = byAttribute ? deepMember(item, attribute) : item;
    const isHeld =
      test === undefined ? isTrue(member) : applyTest(str(test).value, member, { positional: rest, named });
    return isHeld === wanted;
  });
  return new Generator(members);
}

function toInteger(value: Value): bigint | undefined {
  if (isNumber(value)) {
    const number = numberOf(value);
    return typeof number === "bigint" ? number : Number.isFinite(number) ? BigInt(Math.trunc(number)) : undefined;
  }
  if (!(value instanceof Text)) return undefined;
  const digits = strip(value, undefined).value.replace(/(?<=\d)_(?=\d)/g, "");
  if (/^[+-]?\d+$/.test(digits)) return BigInt(digits.replace(/^\+/, ""));
  const number = numberIn(value.value);
  return number === undefined || !Number.isFinite(number) ? undefined : BigInt(Math.trunc(number));
}

/** What Python's float() reads. */
function numberIn(plain: string): number | undefined {
  const digits = strip(new Text(plain), undefined).value.replace(/(?<=\d)_(?=\d)/g, "");
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(digits)) return Number(digits);
  const [, sign, word] = /^([+-]?)(inf|infinity|nan)$/i.exec(digits) ?? [];
  if (word === undefined) return undefined;
  if (word.toLowerCase() === "nan") return Number.NaN;
  return sign === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}
