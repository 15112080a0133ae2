// Runs statements: what they write is collected as parts, marks included, and joined at the end of each block.
import { evaluate } from "./evaluator.ts";
import type { Expression, MacroBody, Statement, Target } from "./nodes.ts";
import { str } from "./python-text.ts";
import { Scope } from "./scope.ts";
import { concatenate, type Text } from "./text.ts";
import { JinjaError } from "./tokens.ts";
import {
  type Arguments,
  Callable,
  isTrue,
  iterate,
  List,
  Namespace,
  namedDict,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

/** One rendering. */
export interface Run {
  /** Of the statement that runs, for errors. */
  line: number;
  /** Statements and expressions that may still be evaluated. */
  stepsLeft: number;
  depth: number;
}

// A conversation of a thousand messages takes some 100,000. A template that takes longer would hang its caller.
const MAX_STEPS = 10_000_000;
const MAX_DEPTH = 200;

type Ending = "break" | "continue" | undefined;

/** @throws JinjaError naming the line */
export function runTemplate(statements: readonly Statement[], scope: Scope): Text {
  const run: Run = { line: 1, stepsLeft: MAX_STEPS, depth: 0 };
  try {
    return runBlock(run, statements, scope);
  } catch (error) {
    if (error instanceof JinjaError) throw error;
    throw new JinjaError((error as Error).message, run.line, { cause: error });
  }
}

/** What a block writes. */
export function runBlock(run: Run, body: readonly Statement[], scope: Scope): Text {
  const parts: Text[] = [];
  runStatements(run, body, scope, parts);
  return concatenate(parts);
}

/** Counts a step; a template from outside may be made to run for ever. */
export function step(run: Run): void {
  if (--run.stepsLeft < 0) throw new Error(`expected a template that ends, found none after ${MAX_STEPS} steps`);
}

function runStatements(run: Run, body: readonly Statement[], scope: Scope, parts: Text[]): Ending {
  for (const statement of body) {
    run.line = statement.line;
    const ending = runStatement(run, statement, scope, parts);
    if (ending !== undefined) return ending;
  }
  return undefined;
}

function runStatement(run: Run, statement: Statement, scope: Scope, parts: Text[]): Ending {
  step(run);
  switch (statement.kind) {
    case "data":
      parts.push(statement.text as Text);
      return undefined;
    case "output":
      parts.push(str(evaluate(run, statement.expression, scope)));
      return undefined;
    case "if": {
      const taken = statement.branches.find(({ test }) => isTrue(evaluate(run, test, scope)));
      return runStatements(run, taken?.body ?? statement.otherwise, scope, parts);
    }
    case "for":
      runLoop(run, statement, scope, parts);
      return undefined;
    case "set":
      assign(scope, statement.target, evaluate(run, statement.value, scope));
      return undefined;
    case "macro":
      scope.set(statement.name, createMacro(run, statement.name, statement, scope));
      return undefined;
    case "call": {
      const caller = createMacro(run, "caller", statement, scope);
      const { call } = statement;
      const named = [...call.args.named, ["caller", constant(caller)] as const];
      parts.push(str(evaluate(run, { ...call, args: { ...call.args, named } }, scope)));
      return undefined;
    }
    case "scope": {
      const inner = new Scope(scope);
      for (const [target, value] of statement.values) assign(inner, target, evaluate(run, value, scope));
      return runStatements(run, statement.body, inner, parts);
    }
    default:
      return statement.kind;
  }
}

const constant = (value: Value): Expression => ({ kind: "constant", value });

function runLoop(
  run: Run,
  { target, iterable, condition, body, otherwise, usesLoop }: Extract<Statement, { kind: "for" }>,
  scope: Scope,
  parts: Text[],
): void {
  const items = iterate(evaluate(run, iterable, scope)).filter((item) => {
    step(run);
    if (condition === undefined) return true;
    const inner = new Scope(scope);
    assign(inner, target, item);
    return isTrue(evaluate(run, condition, inner));
  });
  // As in Jinja, a turn that is broken off does not count here.
  let wholeTurns = 0;
  for (const [index, item] of items.entries()) {
    const inner = new Scope(scope);
    assign(inner, target, item);
    if (usesLoop) inner.set("loop", loopNamespace(items, index));
    const ending = runStatements(run, body, inner, parts);
    if (ending === "break") break;
    if (ending !== "continue") wholeTurns++;
  }
  if (wholeTurns === 0) runStatements(run, otherwise, new Scope(scope), parts);
}

function loopNamespace(items: readonly Value[], index: number): Namespace {
  const left = items.length - index;
  const numbers = { index: index + 1, index0: index, revindex: left, revindex0: left - 1, length: items.length };
  const members = new Map<string, Value>(Object.entries(numbers).map(([name, number]) => [name, BigInt(number)]));
  members.set("first", index === 0);
  members.set("last", left === 1);
  members.set("depth", 1n);
  members.set("depth0", 0n);
  members.set("previtem", index === 0 ? new Undefined("loop.previtem") : items[index - 1]);
  members.set("nextitem", left === 1 ? new Undefined("loop.nextitem") : items[index + 1]);
  const cycle = ({ positional }: Arguments): Value => {
    if (positional.length === 0) throw new Error("loop.cycle: expected values, found none");
    return positional[index % positional.length];
  };
  members.set("cycle", new Callable(cycle));
  return new Namespace(members, false);
}

function assign(scope: Scope, target: Target, value: Value): void {
  if (target.kind === "name") {
    scope.set(target.name, value);
    return;
  }
  if (target.kind === "member") {
    const object = scope.get(target.object);
    if (!(object instanceof Namespace && object.isAssignable)) {
      throw new Error(`${target.object}.${target.name}: expected a namespace to assign to, found ${typeName(object)}`);
    }
    object.members.set(target.name, value);
    return;
  }
  const items = iterate(value);
  if (items.length !== target.targets.length) {
    throw new Error(`expected ${target.targets.length} values to take apart, found ${items.length}`);
  }
  target.targets.forEach((inner, i) => {
    assign(scope, inner, items[i]);
  });
}

function createMacro(
  run: Run,
  name: string,
  { parameters, body, usesVarargs, usesKwargs }: MacroBody,
  scope: Scope,
): Callable {
  return new Callable(({ positional, named }) => {
    if (++run.depth > MAX_DEPTH)
      throw new Error(`macro ${name}: expected at most ${MAX_DEPTH} calls within one another`);
    const { line } = run;
    const inner = new Scope(scope);
    const rest = new Map(named);
    if (positional.length > parameters.length && !usesVarargs) {
      throw new Error(`macro ${name}: expected at most ${parameters.length} arguments, found ${positional.length}`);
    }
    const given = parameters.map((parameter, i) => {
      const value = i < positional.length ? positional[i] : rest.get(parameter.name);
      if (i >= positional.length) rest.delete(parameter.name);
      inner.set(parameter.name, value === undefined ? new Undefined(parameter.name) : value);
      return value;
    });
    parameters.forEach((parameter, i) => {
      if (given[i] === undefined && parameter.initial !== undefined) {
        inner.set(parameter.name, evaluate(run, parameter.initial, inner));
      }
    });
    inner.set("caller", rest.get("caller") ?? new Undefined("caller"));
    rest.delete("caller");
    if (usesVarargs) inner.set("varargs", new List(positional.slice(parameters.length), true));
    if (usesKwargs) inner.set("kwargs", namedDict(rest));
    else if (rest.size > 0) throw new Error(`macro ${name}: expected no argument ${[...rest.keys()][0]}, found one`);
    const written = runBlock(run, body, inner);
    run.depth--;
    run.line = line;
    return written;
  });
}
