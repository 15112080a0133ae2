// Jinja as Hugging Face runs it: Python's values, an immutable sandbox, three functions of its own.
//
// Written here because what a stranger wrote must stay known through every operation on strings (text.ts), which needs
// string values of one's own; and because @huggingface/jinja 0.5.11 compares, scopes, indexes and strips as JavaScript
// does: "1" == 1, `set` in a loop outlives its turn, 😀 has length 2, lstrip('x') takes white space.
import { runTemplate } from "./interpreter.ts";
import { parse } from "./parser.ts";
import { str } from "./python-text.ts";
import { Scope } from "./scope.ts";
import { strftime } from "./strftime.ts";
import { Text } from "./text.ts";
import {
  type Arguments,
  bind,
  Callable,
  Dict,
  isNumber,
  iterate,
  List,
  Namespace,
  namedDict,
  numberOf,
  typeName,
  type Value,
} from "./values.ts";

/** A parsed template: a function of its variables and of the time that `strftime_now` tells. */
export type JinjaTemplate = (variables: Iterable<readonly [string, Value]>, now: Date) => Text;

/** What a template says through `raise_exception`. */
export class TemplateRaised extends Error {
  override readonly name = "TemplateRaised";
}

/**
 * @throws JinjaError naming the line, here and when the template runs
 * @source transformers 5.18.0, utils/chat_template_utils.py, _compile_jinja_template
 */
export function compileJinja(source: string): JinjaTemplate {
  const statements = parse(source);
  return (variables, now) => {
    const globals = new Scope();
    const define = (name: string, call: (args: Arguments) => Value): void => globals.set(name, new Callable(call));
    define("range", range);
    define("namespace", namespace);
    define("dict", (args) => new Dict(membersOf("dict", args)));
    define("strftime_now", (args) => {
      const [format] = bind("strftime_now", args, ["format"]);
      if (!(format instanceof Text)) throw new Error("strftime_now: expected a format, found none");
      return new Text(strftime(now, format.value));
    });
    define("raise_exception", (args) => {
      const [message = null] = bind("raise_exception", args, ["message"]);
      throw new TemplateRaised(str(message).value);
    });
    for (const [name, value] of variables) globals.set(name, value);
    return runTemplate(statements, globals);
  };
}

// Jinja's sandbox ends longer ranges the same way.
const MAX_RANGE = 100_000;

function range(args: Arguments): List {
  const numbers = bind("range", args, ["start", "stop", "step"])
    .filter((value) => value !== undefined)
    .map((value) => {
      if (isNumber(value) && typeof value !== "number") return Number(numberOf(value));
      throw new Error(`range: expected integers, found ${typeName(value)}`);
    });
  if (numbers.length === 0 || numbers[2] === 0) throw new Error("range: expected an end, and a step other than 0");
  const [start, stop, step = 1] = numbers.length === 1 ? [0, numbers[0]] : numbers;
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= MAX_RANGE)) throw new Error(`range: expected at most ${MAX_RANGE} numbers, found ${length}`);
  return new List(Array.from({ length }, (_, i) => BigInt(start + i * step)));
}

function namespace(args: Arguments): Namespace {
  const members = membersOf("namespace", args).map(([key, value]) => [str(key).value, value] as const);
  return new Namespace(new Map(members), true);
}

/** A dict or a list of pairs, then what is given by name. */
function membersOf(subject: string, { positional, named }: Arguments): (readonly [Value, Value])[] {
  if (positional.length > 1) throw new Error(`${subject}: expected at most one dict, found ${positional.length}`);
  const [first] = positional;
  const pairs = first === undefined ? [] : first instanceof Dict ? first.entries() : iterate(first).map(pairOf);
  return [...pairs, ...namedDict(named).entries()];
}

function pairOf(value: Value): [Value, Value] {
  const items = iterate(value);
  if (items.length !== 2) throw new Error(`dict: expected pairs, found ${items.length} values`);
  return [items[0], items[1]];
}
