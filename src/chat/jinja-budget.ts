// How much work a template may make: every step of the interpreter is counted, and so is what it reads and writes, so
// that a hostile template ends with the same error on every engine before it takes the memory.
import { type Environment, Interpreter } from "@huggingface/jinja";
import type { RuntimeValue } from "./python-text.ts";

/** Twice what a conversation may hold. */
export const MAX_CHARACTERS = 1 << 25;
// A step takes about 0.2 µs. A template takes some 100 for each message.
const LEAST_STEPS = 1_000_000;
const STEPS_PER_VALUE = 100;
const MAX_DEPTH = 1000;

/** A template makes more work than its conversation can be worth. */
export class TemplateBudgetError extends Error {
  override readonly name = "TemplateBudgetError";
}

export interface Budget {
  /** More may be done: the conversation has one more value, of so many characters. */
  grant(characters: number): void;
  /** So many steps are about to be done. @throws TemplateBudgetError when no more are left */
  spend(steps: number): void;
  /** So many characters are about to be read or written at once. @throws TemplateBudgetError */
  characters(count: number): void;
}

export function createBudget(): Budget {
  let limit = LEAST_STEPS;
  let left = limit;
  const spend = (steps: number): void => {
    left -= steps;
    if (left >= 0) return;
    throw new TemplateBudgetError(`expected at most ${limit} steps for this conversation, found more`);
  };
  return {
    grant(characters) {
      const more = STEPS_PER_VALUE + Math.ceil(characters / 4);
      limit += more;
      left += more;
    },
    spend,
    characters(count) {
      if (!(count <= MAX_CHARACTERS)) {
        throw new TemplateBudgetError(`expected at most ${MAX_CHARACTERS} characters, found ${count}`);
      }
      spend(count >> 5);
    },
  };
}

/** A node that rewriting puts around an expression whose whole value is about to be gone through. */
export const CHARGED = "Charged";

type Node = Readonly<Record<string, unknown>> | undefined;

/** What is used of the library; its own types do not resolve under NodeNext. */
type LibraryInterpreter = new (
  scope: Environment,
) => {
  evaluate(node: Node, scope: Environment): RuntimeValue | undefined;
};

/**
 * A mark that rewriting puts on what names a method that is called there and then. The library's own methods of strings
 * know no bounds, so they cannot be had in another way.
 */
export const CALLED = "isCalled";

/** The library's interpreter within a budget. */
export class BoundedInterpreter extends (Interpreter as unknown as LibraryInterpreter) {
  readonly #budget: Budget;
  readonly #undefined: RuntimeValue;
  #depth = 0;

  /** @param undefinedValue  what stands for a value that the library leaves out, such as the first of none */
  constructor(environment: Environment, budget: Budget, undefinedValue: RuntimeValue) {
    super(environment);
    this.#budget = budget;
    this.#undefined = undefinedValue;
  }

  override evaluate(node: Node, scope: Environment): RuntimeValue {
    this.#budget.spend(1);
    if (this.#depth >= MAX_DEPTH) {
      throw new TemplateBudgetError(`expected at most ${MAX_DEPTH} levels of nesting, found more`);
    }
    this.#depth++;
    try {
      const charged = node?.type === CHARGED;
      const inner = charged ? (node.of as Node) : node;
      const value = super.evaluate(inner, scope) ?? this.#undefined;
      if (charged || makesValues(inner)) charge(value, this.#budget);
      if (value.type === "FunctionValue" && isUncalledMethod(inner)) {
        throw new Error("expected a method to be called where it is named, found one that is not");
      }
      return value;
    } finally {
      this.#depth--;
    }
  }
}

const MAKERS = new Set(["StringLiteral", "BinaryExpression", "FilterExpression", "CallExpression", "For"]);

/** Whether what the node gives was not there before. */
function makesValues(node: Node): boolean {
  return MAKERS.has(node?.type as string) || (node?.property as Node)?.type === "SliceExpression";
}

const isUncalledMethod = (node: Node): boolean => node?.type === "MemberExpression" && node[CALLED] !== true;

function charge({ type, value }: RuntimeValue, budget: Budget): void {
  if (type === "StringValue") budget.characters((value as string).length);
  else if (type === "ArrayValue" || type === "TupleValue") budget.spend((value as unknown[]).length);
  else if (type === "ObjectValue" || type === "NamespaceValue") budget.spend((value as Map<string, unknown>).size);
}
