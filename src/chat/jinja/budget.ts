// How much work a template may make: every step of the interpreter is counted, and so is what it reads and writes, so
// that a hostile template ends with the same error on every engine before it takes the memory.
import { type Environment, Interpreter } from "@huggingface/jinja";
import type { RuntimeValue } from "./python-text.ts";
import { text } from "./values.ts";

/** Twice what a conversation may hold. */
export const MAX_CHARACTERS = 1 << 25;
// A step takes about 0.2 µs. A template takes some 100 for each message.
const LEAST_STEPS = 1_000_000;
const STEPS_PER_VALUE = 100;
const CHARACTERS_PER_STEP = 32;
const MAX_DEPTH = 1000;

/** A template does more work than its conversation is worth. */
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
      spend(Math.floor(count / CHARACTERS_PER_STEP));
    },
  };
}

/** A node that rewriting puts around an expression whose whole value is about to be gone through. */
export const CHARGED = "Charged";
/** A mark on such a node: what is gone through is compared, each member with others. */
export const COMPARED = "isCompared";

/** A name is looked up in one scope after another; so many scopes count as one step. */
const NAMES_PER_STEP = 16;
/** The library throws and catches an error for a name that no scope has. */
const STEPS_PER_UNDEFINED = 16;

type Node = Readonly<Record<string, unknown>> | undefined;

/** What is used of the library; its own types do not resolve under NodeNext. */
type LibraryInterpreter = new (
  scope: Environment,
) => {
  evaluate(node: Node, scope: Environment): RuntimeValue | undefined;
  evaluateMemberExpression(node: NonNullable<Node>, scope: Environment): RuntimeValue;
};

/**
 * A mark that rewriting puts on a method that is called where it is named. The library's own string methods are unbounded,
 * so a template can get at them in no other way.
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
    if (node?.type === EVALUATED) return node.value as RuntimeValue;
    this.#budget.spend(1);
    if (this.#depth >= MAX_DEPTH) {
      throw new TemplateBudgetError(`expected at most ${MAX_DEPTH} levels of nesting, found more`);
    }
    // Scopes are at most as many as the levels of nesting.
    if (node?.type === "Identifier") this.#budget.spend(Math.floor(this.#depth / NAMES_PER_STEP));
    this.#depth++;
    try {
      const charged = node?.type === CHARGED;
      const inner = charged ? (node.of as Node) : node;
      const value = super.evaluate(inner, scope) ?? this.#undefined;
      if (charged || makesValues(inner)) charge(value, this.#budget);
      if (node?.[COMPARED] === true) chargeComparing(value, this.#budget);
      if (value.type === "UndefinedValue" && inner?.type === "Identifier") this.#budget.spend(STEPS_PER_UNDEFINED);
      if (value.type === "FunctionValue" && isUncalledMethod(inner)) {
        throw new Error("expected a method to be called where it is named, found one that is not");
      }
      return value;
    } finally {
      this.#depth--;
    }
  }

  override evaluateMemberExpression(node: NonNullable<Node>, scope: Environment): RuntimeValue {
    const object = this.evaluate(node.object as Node, scope);
    if (object.type === "UndefinedValue") {
      throw new Error("expected a value to take a member of, found something undefined");
    }
    const property = node.property as Node;
    if (object.type !== "StringValue" || !node.computed || property?.type === "SliceExpression") {
      return super.evaluateMemberExpression({ ...node, object: evaluated(object) }, scope);
    }
    const key = this.evaluate(property, scope);
    if (key.type !== "IntegerValue") {
      const known = { ...node, object: evaluated(object), property: evaluated(key) };
      return super.evaluateMemberExpression(known, scope);
    }
    const letter = letterAt(object.value as string, Number(key.value), this.#budget);
    return letter === undefined ? this.#undefined : text(letter);
  }
}

/** A node for what has been evaluated before the library asks for it. */
const EVALUATED = "Evaluated";
const evaluated = (value: RuntimeValue): Node => ({ type: EVALUATED, value });

/** A letter of a string by its number, negative from the end: all of a code point, which may be two units. */
function letterAt(value: string, index: number, budget: Budget): string | undefined {
  budget.characters(Math.min(value.length, Math.abs(index)));
  const units = Array.from(index < 0 ? value.slice(2 * index) : value.slice(0, 2 * index + 2));
  return units.at(index);
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

/** Sorting compares each member with some log2(n) others, as a whole and in lower case. */
function chargeComparing({ value }: RuntimeValue, budget: Budget): void {
  const members = Array.isArray(value) ? value : value instanceof Map ? [...value].flat() : [];
  const rounds = 2 * Math.ceil(Math.log2(members.length + 1));
  budget.spend(rounds * members.length);
  for (const member of members) budget.spend(Math.ceil((rounds * charactersIn(member)) / CHARACTERS_PER_STEP));
}

/** Of a string, or of the strings that a dict holds: a list may be sorted by any of them. */
function charactersIn(member: string | RuntimeValue): number {
  const value = typeof member === "string" ? member : member.value;
  if (typeof value === "string") return value.length;
  if (!(value instanceof Map)) return 0;
  return [...value.values()].reduce((sum, { value }) => sum + (typeof value === "string" ? value.length : 0), 0);
}
