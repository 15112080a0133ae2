// Evaluates expressions the way Python does.
import { attributeOf, itemOf, sliceOf } from "./access.ts";
import { applyFilter } from "./filters.ts";
import { type Run, runBlock, step } from "./interpreter.ts";
import type { ArgumentNodes, Expression } from "./nodes.ts";
import { calculate, holds } from "./operators.ts";
import { str } from "./python-text.ts";
import { Scope } from "./scope.ts";
import { applyTest } from "./tests.ts";
import { concatenate, Text } from "./text.ts";
import {
  type Arguments,
  Callable,
  Dict,
  isNumber,
  isTrue,
  iterate,
  List,
  numberOf,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

export function evaluate(run: Run, node: Expression, scope: Scope): Value {
  step(run);
  const value = (inner: Expression): Value => evaluate(run, inner, scope);
  switch (node.kind) {
    case "constant":
      return node.value;
    case "name":
      return scope.get(node.name);
    case "attribute":
      return attributeOf(value(node.object), node.name);
    case "item":
      return itemOf(value(node.object), value(node.index));
    case "slice":
      return sliceOf(
        value(node.object),
        node.bounds.map((bound) => (bound === undefined ? null : value(bound))),
      );
    case "call": {
      const callee = value(node.callee);
      const args = argumentsOf(node.args, value);
      if (callee instanceof Callable) return callee.call(args);
      if (callee instanceof Undefined) throw new Error(`${callee.subject} is undefined`);
      throw new Error(`expected a function to call, found ${typeName(callee)}`);
    }
    case "filter":
      return applyFilter(node.name, value(node.operand), argumentsOf(node.args, value));
    case "test":
      return applyTest(node.name, value(node.operand), argumentsOf(node.args, value)) !== node.isNegated;
    case "unary": {
      const operand = value(node.operand);
      if (node.operator === "not") return !isTrue(operand);
      if (!isNumber(operand)) throw new Error(`${node.operator}: expected a number, found ${typeName(operand)}`);
      const number = numberOf(operand);
      return node.operator === "-" ? -number : number;
    }
    case "binary": {
      const left = value(node.left);
      if (node.operator === "and") return isTrue(left) ? value(node.right) : left;
      if (node.operator === "or") return isTrue(left) ? left : value(node.right);
      return calculate(node.operator, left, value(node.right));
    }
    case "compare": {
      let left = value(node.first);
      return node.rest.every(({ operator, operand }) => {
        const right = value(operand);
        const isHeld = holds(operator, left, right);
        left = right;
        return isHeld;
      });
    }
    case "conditional":
      if (isTrue(value(node.test))) return value(node.whenTrue);
      return node.whenFalse === undefined ? new Undefined("a conditional without else") : value(node.whenFalse);
    case "concatenation":
      return concatenate(node.parts.map((part) => str(value(part))));
    case "list":
      return new List(node.items.map(value), node.isTuple);
    case "dict":
      return new Dict(node.members.map(([key, member]) => [value(key), value(member)]));
    case "block":
      return runBlock(run, node.body, new Scope(scope));
  }
}

function argumentsOf(nodes: ArgumentNodes, value: (node: Expression) => Value): Arguments {
  const positional = nodes.positional.map(value);
  if (nodes.spread !== undefined) positional.push(...iterate(value(nodes.spread)));
  const named = new Map(nodes.named.map(([name, node]) => [name, value(node)]));
  if (nodes.namedSpread !== undefined) {
    const spread = value(nodes.namedSpread);
    if (!(spread instanceof Dict)) throw new Error(`**: expected a dict, found ${typeName(spread)}`);
    for (const [key, member] of spread.entries()) {
      if (!(key instanceof Text)) throw new Error(`**: expected names, found ${typeName(key)}`);
      named.set(key.value, member);
    }
  }
  return { positional, named };
}
