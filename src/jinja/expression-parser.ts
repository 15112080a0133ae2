// Tokens to expressions, one function for each level of precedence, as Jinja's own parser has them.
import type { ArgumentNodes, Expression } from "./nodes.ts";
import { Text } from "./text.ts";
import { JinjaError, type Token } from "./tokens.ts";

export interface ExpressionParser {
  peek(ahead?: number): Token | undefined;
  /** Always true, so that a condition can go on. */
  skip(): true;
  expect(kind: Token["kind"], value?: string, wanted?: string): Token;
  /** @throws JinjaError at the current token */
  fail(wanted: string): never;
  position(): number;
  parseExpression(): Expression;
  /** An expression, or several with commas between, which make a tuple. */
  parseTuple(options?: { readonly withConditional?: boolean; readonly isEnclosed?: boolean }): Expression;
  /** `| name(…) | …` behind the operand; `isBare` where the first has no bar before it. */
  parseFilters(operand: Expression, isBare?: boolean): Expression;
}

const CONSTANTS: Readonly<Record<string, null | boolean>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
};
const COMPARISONS = ["==", "!=", "<", "<=", ">", ">="];
const MAX_DEPTH = 200;

export function createExpressionParser(tokens: readonly Token[]): ExpressionParser {
  let at = 0;
  let depth = 0;

  const peek = (ahead = 0): Token | undefined => tokens[at + ahead];
  const skip = (): true => {
    at++;
    return true;
  };
  const isName = (value: string, ahead = 0): boolean => peek(ahead)?.kind === "name" && peek(ahead)?.value === value;
  const isOperator = (...values: string[]): boolean =>
    peek()?.kind === "operator" && values.includes(peek()?.value as string);
  const fail = (wanted: string): never => {
    const token = peek() ?? tokens.at(-1);
    const found = peek() === undefined ? "the end" : JSON.stringify(token?.value.slice(0, 40));
    throw new JinjaError(`expected ${wanted}, found ${found}`, token?.line ?? 1);
  };
  const SHOWN: Partial<Record<Token["kind"], string>> = { end: "%}", close: "}}", name: "a name" };
  const expect = (kind: Token["kind"], value?: string, wanted = value ?? SHOWN[kind] ?? kind): Token => {
    const token = peek();
    if (token === undefined || token.kind !== kind || (value !== undefined && token.value !== value)) {
      return fail(wanted);
    }
    at++;
    return token;
  };

  function parseExpression(): Expression {
    if (++depth > MAX_DEPTH) fail(`at most ${MAX_DEPTH} expressions within one another`);
    let expression = parseOr();
    while (isName("if")) {
      skip();
      const test = parseOr();
      const whenFalse = isName("else") && skip() ? parseExpression() : undefined;
      expression = { kind: "conditional", test, whenTrue: expression, whenFalse };
    }
    depth--;
    return expression;
  }

  /** A chain of left-associative operators. */
  const chain = (parseOperand: () => Expression, isNext: () => boolean) => (): Expression => {
    let left = parseOperand();
    while (isNext()) {
      const operator = (peek() as Token).value;
      skip();
      left = { kind: "binary", operator, left, right: parseOperand() };
    }
    return left;
  };
  const parsePower = chain(
    () => parseUnary(),
    () => isOperator("**"),
  );
  const parseProduct = chain(parsePower, () => isOperator("*", "/", "//", "%"));
  const parseSum = chain(parseConcatenation, () => isOperator("+", "-"));
  const parseAnd = chain(parseNot, () => isName("and"));
  const parseOr = chain(parseAnd, () => isName("or"));

  function parseNot(): Expression {
    if (!isName("not")) return parseComparison();
    skip();
    if (++depth > MAX_DEPTH) fail(`at most ${MAX_DEPTH} expressions within one another`);
    const operand = parseNot();
    depth--;
    return { kind: "unary", operator: "not", operand };
  }

  function parseComparison(): Expression {
    const first = parseSum();
    const rest: { operator: string; operand: Expression }[] = [];
    for (;;) {
      let operator: string;
      if (isOperator(...COMPARISONS) || isName("in")) operator = (peek() as Token).value;
      else if (isName("not") && isName("in", 1)) operator = "not in";
      else break;
      at += operator === "not in" ? 2 : 1;
      rest.push({ operator, operand: parseSum() });
    }
    return rest.length === 0 ? first : { kind: "compare", first, rest };
  }

  function parseConcatenation(): Expression {
    const parts = [parseProduct()];
    while (isOperator("~") && skip()) parts.push(parseProduct());
    return parts.length === 1 ? parts[0] : { kind: "concatenation", parts };
  }

  function parseUnary(withFilters = true): Expression {
    let expression: Expression;
    if (isOperator("-", "+")) {
      const operator = (peek() as Token).value as "-" | "+";
      skip();
      if (++depth > MAX_DEPTH) fail(`at most ${MAX_DEPTH} expressions within one another`);
      expression = { kind: "unary", operator, operand: parseUnary(false) };
      depth--;
    } else expression = parsePrimary();
    expression = parsePostfix(expression);
    return withFilters ? parseFiltersAndTests(expression) : expression;
  }

  function parsePrimary(): Expression {
    const token = peek();
    if (token === undefined) return fail("an expression");
    const { kind, value } = token;
    if (kind === "name") {
      skip();
      if (Object.hasOwn(CONSTANTS, value)) return { kind: "constant", value: CONSTANTS[value] };
      return { kind: "name", name: value };
    }
    if (kind === "string") {
      let text = "";
      while (peek()?.kind === "string") {
        text += peek()?.value;
        skip();
      }
      return { kind: "constant", value: new Text(text) };
    }
    if (kind === "integer" || kind === "float") {
      skip();
      const digits = value.replaceAll("_", "");
      return { kind: "constant", value: kind === "integer" ? BigInt(digits) : Number(digits) };
    }
    if (isOperator("(")) {
      skip();
      const inner = parseTuple({ isEnclosed: true });
      expect("operator", ")");
      return inner;
    }
    if (isOperator("[")) {
      skip();
      return { kind: "list", items: parseList("]"), isTuple: false };
    }
    if (isOperator("{")) {
      skip();
      return { kind: "dict", members: parseMembers() };
    }
    return fail("an expression");
  }

  function parseTuple({ withConditional = true, isEnclosed = false } = {}): Expression {
    const parseItem = withConditional ? parseExpression : parseOr;
    const items: Expression[] = [];
    let isTuple = false;
    while (!(peek()?.kind === "end" || peek()?.kind === "close" || isOperator(")", "=") || peek() === undefined)) {
      items.push(parseItem());
      if (!isOperator(",")) break;
      skip();
      isTuple = true;
    }
    if (items.length === 0 && !isEnclosed) return fail("an expression");
    return isTuple || items.length === 0 ? { kind: "list", items, isTuple: true } : items[0];
  }

  function parseList(close: string): Expression[] {
    const items: Expression[] = [];
    while (!isOperator(close)) {
      if (items.length > 0) expect("operator", ",");
      if (isOperator(close)) break;
      items.push(parseExpression());
    }
    skip();
    return items;
  }

  function parseMembers(): [Expression, Expression][] {
    const members: [Expression, Expression][] = [];
    while (!isOperator("}")) {
      if (members.length > 0) expect("operator", ",");
      if (isOperator("}")) break;
      const key = parseExpression();
      expect("operator", ":");
      members.push([key, parseExpression()]);
    }
    skip();
    return members;
  }

  function parsePostfix(start: Expression): Expression {
    let expression = start;
    for (;;) {
      if (isOperator(".")) {
        skip();
        const token = peek();
        if (token?.kind === "integer") {
          expression = { kind: "item", object: expression, index: { kind: "constant", value: BigInt(token.value) } };
          skip();
        } else expression = { kind: "attribute", object: expression, name: expect("name").value };
      } else if (isOperator("[")) {
        skip();
        expression = parseSubscript(expression);
      } else if (isOperator("(")) expression = { kind: "call", callee: expression, args: parseArguments() };
      else return expression;
    }
  }

  function parseSubscript(object: Expression): Expression {
    const bounds: (Expression | undefined)[] = [undefined];
    for (;;) {
      if (isOperator(":") && bounds.length < 3) {
        skip();
        bounds.push(undefined);
      } else if (isOperator("]") || bounds.at(-1) !== undefined) break;
      else bounds[bounds.length - 1] = parseExpression();
    }
    expect("operator", "]");
    if (bounds.length > 1) return { kind: "slice", object, bounds };
    return bounds[0] === undefined ? fail("an index") : { kind: "item", object, index: bounds[0] };
  }

  function parseFiltersAndTests(start: Expression): Expression {
    let expression = start;
    for (;;) {
      if (isOperator("|")) expression = parseFilters(expression);
      else if (isName("is")) expression = parseTest(expression);
      else if (isOperator("(")) expression = { kind: "call", callee: expression, args: parseArguments() };
      else return expression;
    }
  }

  function parseFilters(operand: Expression, isBare = false): Expression {
    let expression = operand;
    for (let bare = isBare; bare || isOperator("|"); bare = false) {
      if (!bare) skip();
      const name = expect("name", undefined, "a filter's name").value;
      const args = isOperator("(") ? parseArguments() : NO_ARGUMENTS;
      expression = { kind: "filter", operand: expression, name, args };
    }
    return expression;
  }

  function parseTest(operand: Expression): Expression {
    skip();
    const isNegated = isName("not") && skip();
    const name = expect("name", undefined, "a test's name").value;
    let args = NO_ARGUMENTS;
    const next = peek();
    if (isOperator("(")) args = parseArguments();
    else if (
      isOperator("[", "{") ||
      next?.kind === "string" ||
      next?.kind === "integer" ||
      next?.kind === "float" ||
      (next?.kind === "name" && !["else", "or", "and"].includes(next.value))
    ) {
      if (isName("is")) fail("one test at a time");
      args = { ...NO_ARGUMENTS, positional: [parsePostfix(parsePrimary())] };
    }
    return { kind: "test", operand, name, args, isNegated };
  }

  function parseArguments(): ArgumentNodes {
    expect("operator", "(");
    const positional: Expression[] = [];
    const named: [string, Expression][] = [];
    let spread: Expression | undefined;
    let namedSpread: Expression | undefined;
    for (let count = 0; !isOperator(")"); count++) {
      if (count > 0) expect("operator", ",");
      if (isOperator(")")) break;
      if (isOperator("*") && spread === undefined) {
        skip();
        spread = parseExpression();
      } else if (isOperator("**") && namedSpread === undefined) {
        skip();
        namedSpread = parseExpression();
      } else if (peek()?.kind === "name" && peek(1)?.kind === "operator" && peek(1)?.value === "=") {
        const name = expect("name").value;
        skip();
        named.push([name, parseExpression()]);
      } else if (named.length > 0 || spread !== undefined || namedSpread !== undefined) {
        fail("an argument with a name");
      } else positional.push(parseExpression());
    }
    skip();
    return { positional, named, spread, namedSpread };
  }

  return { peek, skip, expect, fail, position: () => at, parseExpression, parseTuple, parseFilters };
}

const NO_ARGUMENTS: ArgumentNodes = { positional: [], named: [], spread: undefined, namedSpread: undefined };
