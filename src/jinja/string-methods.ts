// Methods of str. Results are cut from the string they belong to, so that its marks stay where they are.
import { str } from "./python-text.ts";
import { concatenate, join, mapText, PYTHON_SPACE, strip, Text } from "./text.ts";
import { type Arguments, bind, isNumber, iterate, List, lengthOf, numberOf, typeName, type Value } from "./values.ts";

type Method = (text: Text, args: Arguments) => Value;

/** The method bound to the string; undefined for a name that str has not, or that templates have no use for. */
export function stringMethod(text: Text, name: string): ((args: Arguments) => Value) | undefined {
  if (!Object.hasOwn(METHODS, name)) return undefined;
  return (args) => METHODS[name](text, args);
}

const METHODS: Readonly<Record<string, Method>> = {
  upper: (text) => mapText(text, (plain) => plain.toUpperCase()),
  lower: (text) => mapText(text, (plain) => plain.toLowerCase()),
  casefold: (text) => mapText(text, (plain) => plain.toLowerCase().replaceAll("ß", "ss")),
  capitalize: (text) => capitalize(text),
  title: (text) => mapText(text, (plain) => plain.replace(/\p{Cased}+/gu, capitalized)),
  swapcase: (text) =>
    mapText(text, (plain) =>
      plain.replace(/\p{Cased}/gu, (letter) =>
        letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase(),
      ),
    ),
  strip: (text, args) => strip(text, stripped("strip", args)),
  lstrip: (text, args) => strip(text, stripped("lstrip", args), "left"),
  rstrip: (text, args) => strip(text, stripped("rstrip", args), "right"),
  split: (text, args) => new List(splitText(text, args, false)),
  rsplit: (text, args) => new List(splitText(text, args, true)),
  splitlines: (text, args) => {
    const [keepEnds] = bind("splitlines", args, ["keepends"]);
    return new List(splitLines(text, keepEnds === true));
  },
  partition: (text, args) => {
    const separator = textOf("partition", bind("partition", args, ["sep"])[0]);
    const at = text.value.indexOf(separator.value);
    if (at < 0) return new List([text, new Text(""), new Text("")], true);
    return new List([text.slice(0, at), separator, text.slice(at + separator.value.length)], true);
  },
  rpartition: (text, args) => {
    const separator = textOf("rpartition", bind("rpartition", args, ["sep"])[0]);
    const at = text.value.lastIndexOf(separator.value);
    if (at < 0) return new List([new Text(""), new Text(""), text], true);
    return new List([text.slice(0, at), separator, text.slice(at + separator.value.length)], true);
  },
  join: (text, args) => {
    const [list] = bind("join", args, ["iterable"]);
    if (list === undefined) throw new Error("join: expected a list, found nothing");
    return join(
      iterate(list).map((item) => textOf("join", item)),
      text,
    );
  },
  replace: (text, args) => {
    const [old, by, count] = bind("replace", args, ["old", "new", "count"]);
    return replaceText(text, textOf("replace", old), textOf("replace", by), integerOf("replace", count, -1));
  },
  startswith: (text, args) => begins(text, args, "startswith", (part) => text.value.startsWith(part)),
  endswith: (text, args) => begins(text, args, "endswith", (part) => text.value.endsWith(part)),
  removeprefix: (text, args) => {
    const prefix = textOf("removeprefix", bind("removeprefix", args, ["prefix"])[0]).value;
    return text.value.startsWith(prefix) ? text.slice(prefix.length) : text;
  },
  removesuffix: (text, args) => {
    const suffix = textOf("removesuffix", bind("removesuffix", args, ["suffix"])[0]).value;
    return text.value.endsWith(suffix) ? text.slice(0, text.value.length - suffix.length) : text;
  },
  find: (text, args) => place(text, text.value.indexOf(textOf("find", bind("find", args, ["sub"])[0]).value)),
  rfind: (text, args) => place(text, text.value.lastIndexOf(textOf("rfind", bind("rfind", args, ["sub"])[0]).value)),
  index: (text, args) => {
    const at = text.value.indexOf(textOf("index", bind("index", args, ["sub"])[0]).value);
    if (at < 0) throw new Error("index: expected a part of the string, found none");
    return place(text, at);
  },
  count: (text, args) => {
    const part = textOf("count", bind("count", args, ["sub"])[0]).value;
    return BigInt(part === "" ? lengthOf(text) + 1 : text.value.split(part).length - 1);
  },
  isspace: (text) => new RegExp(`^[${PYTHON_SPACE}]+$`).test(text.value),
  isdigit: (text) => /^\p{Nd}+$/u.test(text.value),
  isalpha: (text) => /^\p{L}+$/u.test(text.value),
  isalnum: (text) => /^[\p{L}\p{N}]+$/u.test(text.value),
  isupper: (text) => /\p{Cased}/u.test(text.value) && text.value === text.value.toUpperCase(),
  islower: (text) => /\p{Cased}/u.test(text.value) && text.value === text.value.toLowerCase(),
  zfill: (text, args) => {
    const missing = integerOf("zfill", bind("zfill", args, ["width"])[0], 0) - lengthOf(text);
    const signLength = /^[+-]/.test(text.value) ? 1 : 0;
    const zeros = new Text("0".repeat(Math.max(0, missing)));
    return concatenate([text.slice(0, signLength), zeros, text.slice(signLength)]);
  },
  format: formatText,
};

const capitalized = (word: string): string => {
  const [first = "", ...rest] = Array.from(word);
  return first.toUpperCase() + rest.join("").toLowerCase();
};

export const capitalize = (text: Text): Text => mapText(text, capitalized);

function textOf(subject: string, value: Value | undefined): Text {
  if (value instanceof Text) return value;
  throw new Error(`${subject}: expected a string, found ${value === undefined ? "nothing" : typeName(value)}`);
}

function integerOf(subject: string, value: Value | undefined, otherwise: number): number {
  if (value === undefined || value === null) return otherwise;
  if (isNumber(value) && typeof value !== "number") return Number(numberOf(value));
  throw new Error(`${subject}: expected an integer, found ${typeName(value)}`);
}

function stripped(subject: string, args: Arguments): string | undefined {
  const [characters = null] = bind(subject, args, ["chars"]);
  return characters === null ? undefined : textOf(subject, characters).value;
}

function begins(_: Text, args: Arguments, subject: string, test: (part: string) => boolean): boolean {
  const [part] = bind(subject, args, ["prefix"]);
  const parts = part instanceof List && part.isTuple ? part.items : [part];
  return parts.some((one) => test(textOf(subject, one).value));
}

/** A place in UTF-16 units as one in code points. */
const place = (text: Text, at: number): bigint => BigInt(at < 0 ? -1 : lengthOf(text.slice(0, at)));

const escapeForRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");

/** Where a separator is: [start, end). */
type Spot = readonly [number, number];

const spotsOf = (text: string, pattern: RegExp): Spot[] =>
  Array.from(text.matchAll(pattern), ({ 0: found, index }) => [index, index + found.length]);

/** The same, looked for from the end: "aaa" has "aa" at 1. */
function lastSpotsOf(text: string, separator: string): Spot[] {
  const spots: Spot[] = [];
  for (let end = text.length; end >= separator.length; ) {
    const start = text.lastIndexOf(separator, end - separator.length);
    if (start < 0) break;
    spots.unshift([start, start + separator.length]);
    end = start;
  }
  return spots;
}

/** What lies between the spots. */
function cut(text: Text, spots: readonly Spot[]): Text[] {
  const starts = [0, ...spots.map(([, end]) => end)];
  return starts.map((start, i) => text.slice(start, spots[i]?.[0] ?? text.value.length));
}

function splitText(text: Text, args: Arguments, fromEnd: boolean): Text[] {
  const subject = fromEnd ? "rsplit" : "split";
  const [separator = null, most] = bind(subject, args, ["sep", "maxsplit"]);
  const stated = integerOf(subject, most, -1);
  const chosen = (spots: Spot[]): Spot[] => {
    if (stated < 0) return spots;
    return fromEnd ? spots.slice(Math.max(0, spots.length - stated)) : spots.slice(0, stated);
  };
  if (separator === null) {
    const body = strip(text, undefined, fromEnd ? "right" : "left");
    const pieces = cut(body, chosen(spotsOf(body.value, new RegExp(`[${PYTHON_SPACE}]+`, "g"))));
    return pieces.filter(({ value }) => value !== "");
  }
  const by = textOf(subject, separator).value;
  if (by === "") throw new Error(`${subject}: expected a separator, found an empty string`);
  return cut(
    text,
    chosen(fromEnd ? lastSpotsOf(text.value, by) : spotsOf(text.value, new RegExp(escapeForRegExp(by), "g"))),
  );
}

/** Python's splitlines(); the end of the text ends no further line. */
export function splitLines(text: Text, keepEnds = false): Text[] {
  const lines: Text[] = [];
  let from = 0;
  for (const { 0: end, index } of text.value.matchAll(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/g)) {
    lines.push(text.slice(from, keepEnds ? index + end.length : index));
    from = index + end.length;
  }
  if (from < text.value.length) lines.push(text.slice(from));
  return lines;
}

/** At most `count` times; below 0 everywhere. Between all characters where `old` is empty. */
export function replaceText(text: Text, old: Text, by: Text, count: number): Text {
  const limit = count < 0 ? Number.POSITIVE_INFINITY : count;
  if (old.value !== "") {
    const spots = spotsOf(text.value, new RegExp(escapeForRegExp(old.value), "g"));
    return join(cut(text, spots.slice(0, limit)), by);
  }
  if (limit === 0) return text;
  const characters = text.characters();
  const parts = characters.flatMap((character, i) => (i < limit ? [by, character] : [character]));
  return concatenate(characters.length < limit ? [...parts, by] : parts);
}

/** str.format() with {}, {0} and {name}; no attributes, conversions or format codes. */
function formatText(text: Text, { positional, named }: Arguments): Text {
  const parts: Text[] = [];
  let from = 0;
  let next = 0;
  for (const { 0: field, 1: name, index } of text.value.matchAll(/\{\{|\}\}|\{([^{}]*)\}|[{}]/g)) {
    parts.push(text.slice(from, index));
    from = index + field.length;
    if (field === "{{" || field === "}}") parts.push(text.slice(index, index + 1));
    else {
      const value =
        name === "" ? positional[next++] : /^\d+$/.test(name ?? "!") ? positional[Number(name)] : named.get(name);
      if (value === undefined) throw new Error(`format: expected {}, {0} or {name} of an argument, found ${field}`);
      parts.push(str(value));
    }
  }
  return concatenate([...parts, text.slice(from)]);
}
