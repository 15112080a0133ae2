// Members of values: a.b, a["b"], a[0], a[1:]. Jinja lets the two notations fall back on each other.
import { dictMethod, listMethod } from "./collection-methods.ts";
import { stringMethod } from "./string-methods.ts";
import { concatenate, Text } from "./text.ts";
import { Callable, Dict, isNumber, List, Namespace, numberOf, typeName, Undefined, type Value } from "./values.ts";

/** a.name: a method first, as getattr() finds it, then the member: `schema.items` is a method whatever the schema has. */
export function attributeOf(object: Value, name: string): Value {
  const method = methodOf(object, name);
  if (method !== undefined) return method;
  const member = memberOf(object, new Text(name));
  return member === undefined ? missing(object, name) : member;
}

/** a[index]: the member first, then a method. */
export function itemOf(object: Value, index: Value): Value {
  const member = memberOf(object, index);
  if (member !== undefined) return member;
  const method = index instanceof Text ? methodOf(object, index.value) : undefined;
  if (method !== undefined) return method;
  return missing(object, index instanceof Text ? index.value : "[…]");
}

function missing(object: Value, name: string): Undefined {
  if (object instanceof Undefined) throw new Error(`${object.subject} is undefined`);
  return new Undefined(`${name} of ${typeName(object)}`);
}

function methodOf(object: Value, name: string): Value | undefined {
  if (object instanceof Namespace) return object.members.get(name);
  const method =
    object instanceof Text
      ? stringMethod(object, name)
      : object instanceof Dict
        ? dictMethod(object, name)
        : object instanceof List
          ? listMethod(object, name)
          : undefined;
  return method && new Callable(method);
}

function memberOf(object: Value, index: Value): Value | undefined {
  if (object instanceof Dict) return index instanceof List || index instanceof Dict ? undefined : object.get(index);
  if (!isNumber(index) || typeof index === "number") return undefined;
  const position = Number(numberOf(index));
  if (object instanceof List) return object.items.at(position);
  return object instanceof Text ? object.characters().at(position) : undefined;
}

/** Bounds as Python's slice() takes them: None where they are left out. */
export function sliceOf(object: Value, bounds: readonly Value[]): Value {
  if (object instanceof Undefined) throw new Error(`${object.subject} is undefined`);
  if (!(object instanceof Text || object instanceof List)) {
    throw new Error(`slice: expected a string or a list, found ${typeName(object)}`);
  }
  const [start, stop, step = 1] = bounds.map((bound) => {
    if (bound === null || bound === undefined) return undefined;
    if (isNumber(bound) && typeof bound !== "number") return Number(numberOf(bound));
    throw new Error(`slice: expected integers, found ${typeName(bound)}`);
  });
  if (step === 0) throw new Error("slice: expected a step, found 0");
  const items = object instanceof Text ? object.characters() : object.items;
  const chosen = indices(items.length, start, stop, step).map((i) => items[i]);
  return object instanceof Text ? concatenate(chosen as Text[]) : new List(chosen, object.isTuple);
}

function indices(length: number, start: number | undefined, stop: number | undefined, step: number): number[] {
  const [lowest, highest] = step > 0 ? [0, length] : [-1, length - 1];
  const place = (bound: number): number =>
    Math.min(highest, Math.max(lowest, bound < 0 ? Math.max(bound + length, lowest) : bound));
  const from = start === undefined ? (step > 0 ? lowest : highest) : place(start);
  const to = stop === undefined ? (step > 0 ? highest : lowest) : place(stop);
  const chosen: number[] = [];
  for (let i = from; step > 0 ? i < to : i > to; i += step) chosen.push(i);
  return chosen;
}
