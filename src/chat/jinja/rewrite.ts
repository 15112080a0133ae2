// A parsed template rewritten: where the library writes values as JavaScript does, the Python way of jinja.ts is called
// instead, and what is gone through as a whole is charged to the budget.
import { CALLED, CHARGED, COMPARED } from "./budget.ts";

export interface Node {
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
  replace: "#replace",
  indent: "#indent",
};
const METHODS: Record<string, string> = {
  strip: "#trim",
  lstrip: "#lstrip",
  rstrip: "#rstrip",
  join: "#joined",
  replace: "#replace",
  split: "#split",
};
const SORTING = new Set(["sort", "dictsort"]);
/** Those that look at no more than a part of a value. */
const QUICK_FILTERS = new Set(["first", "last", "default", "safe"]);
const QUICK_METHODS = new Set(["get", "startswith", "endswith"]);
const OPERATORS: Record<string, string> = { "~": "#concatenate", "==": "#equal", "!=": "#unequal" };

/** Replaces, in place and from the leaves up, what would write a value the JavaScript way. */
export function rewrite(node: Node): Node {
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
    if (operator === "in" || operator === "not in") node.right = charged(node.right);
  }
  if (node.type === "MemberExpression" && (node.property as Node).type === "SliceExpression") {
    node.object = charged(node.object);
  }
  if (node.type === "TestExpression") node.operand = charged(node.operand);
  if (node.type === "SpreadExpression") node.argument = charged(node.argument);
  if (node.type === "CallExpression" && (node.callee as Node).type === "MemberExpression") {
    const callee = node.callee as Node;
    const { type, value: name } = callee.property as { type: string; value: string };
    const isNamed = !callee.computed || type === "StringLiteral";
    if (isNamed && Object.hasOwn(METHODS, name)) {
      return call(node, METHODS[name], [callee.object, ...(node.args as Node[])]);
    }
    callee[CALLED] = isNamed;
    if (!QUICK_METHODS.has(name)) callee.object = charged(callee.object, SORTING.has(name));
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
    if (!QUICK_FILTERS.has(name as string)) node.operand = charged(node.operand, SORTING.has(name as string));
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

const charged = (of: unknown, compared = false): Node => ({ type: CHARGED, of, [COMPARED]: compared });
