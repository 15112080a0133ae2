// Tokens to statements; expressions are in expression-parser.ts.
import { createExpressionParser, type ExpressionParser } from "./expression-parser.ts";
import type { Expression, MacroBody, Parameter, Statement, Target } from "./nodes.ts";
import { Text } from "./text.ts";
import { JinjaError, type Token, tokenize } from "./tokens.ts";

const MAX_DEPTH = 200;

/**
 * The statements of a template: Jinja's, with Hugging Face's `generation`, `break` and `continue`. What needs other
 * templates (`extends`, `include`, `import`, `block`) is refused, as it is there.
 *
 * @throws JinjaError naming the line
 * @source jinja2 3.1.6, parser.py
 */
export function parse(source: string): readonly Statement[] {
  const tokens = tokenize(source);
  const expressions = createExpressionParser(tokens);
  const { peek, skip, expect, fail } = expressions;
  let loops = 0;
  let depth = 0;
  const statements = parseBlock([], { tag: "", line: 1 });
  return statements;

  /** Statements up to one of the tags in `ends`, whose name is then the current token. */
  function parseBlock(ends: readonly string[], opened: { tag: string; line: number }): Statement[] {
    if (++depth > MAX_DEPTH) fail(`at most ${MAX_DEPTH} blocks within one another`);
    const body: Statement[] = [];
    for (;;) {
      const token = peek();
      if (token === undefined) {
        if (ends.length === 0) return body;
        const { tag, line } = opened;
        throw new JinjaError(`expected {% end${tag} %} for this {% ${tag} %}, found none`, line);
      }
      if (token.kind === "data") {
        body.push({ kind: "data", line: token.line, text: new Text(token.value) });
        skip();
      } else if (token.kind === "open") {
        skip();
        body.push({ kind: "output", line: token.line, expression: expressions.parseTuple() });
        expect("close");
      } else {
        skip();
        const name = expect("name", undefined, "the name of a statement");
        if (ends.includes(name.value)) {
          depth--;
          return body;
        }
        body.push(parseStatement(name, ends, opened));
      }
    }
  }

  function parseStatement(name: Token, ends: readonly string[], opened: { tag: string; line: number }): Statement {
    const { line } = name;
    /** The body of this statement, and the name of the tag that ended it. */
    const bodyUntil = (...tags: string[]): [Statement[], string] => {
      expect("end");
      const body = parseBlock(tags, { tag: name.value, line });
      return [body, tokens[expressions.position() - 1].value];
    };
    const wholeBody = (): Statement[] => {
      const [body] = bodyUntil(`end${name.value}`);
      expect("end");
      return body;
    };
    switch (name.value) {
      case "if":
        return { kind: "if", line, ...parseIf(bodyUntil) };
      case "for":
        return { kind: "for", line, ...parseFor(bodyUntil) };
      case "set":
        return { kind: "set", line, ...parseSet(wholeBody) };
      case "macro": {
        const macro = expect("name", undefined, "the macro's name").value;
        const parameters = parseParameters(expressions);
        return { kind: "macro", line, name: macro, ...macroBody(parameters, wholeBody) };
      }
      case "call": {
        const parameters = peek()?.value === "(" ? parseParameters(expressions) : [];
        const call = expressions.parseExpression();
        if (call.kind !== "call") return fail("a call of a macro");
        return { kind: "call", line, call, ...macroBody(parameters, wholeBody) };
      }
      case "filter": {
        // Its filters are parsed before their operand, so that is filled in afterwards.
        const block: { kind: "block"; body: Statement[] } = { kind: "block", body: [] };
        const expression = expressions.parseFilters(block, true);
        block.body = wholeBody();
        return { kind: "output", line, expression };
      }
      case "generation":
        return { kind: "scope", line, values: [], body: wholeBody() };
      case "with":
        return { kind: "scope", line, values: parseAssignments(), body: wholeBody() };
      case "break":
      case "continue":
        if (loops === 0) throw new JinjaError(`expected {% ${name.value} %} within a loop, found it outside`, line);
        expect("end");
        return { kind: name.value, line };
      default:
        if (ends.length > 0 && (name.value.startsWith("end") || name.value.startsWith("el"))) {
          const found = `found {% ${name.value} %} in line ${line}`;
          throw new JinjaError(`expected {% end${opened.tag} %} for this {% ${opened.tag} %}, ${found}`, opened.line);
        }
        throw new JinjaError(`expected a statement of Jinja, found {% ${name.value} %}`, line);
    }
  }

  type BodyUntil = (...tags: string[]) => [Statement[], string];

  /** Whether a tag since the token at `from` mentions the name. */
  function mentions(name: string, from: number): boolean {
    return tokens.slice(from, expressions.position()).some(({ kind, value }) => kind === "name" && value === name);
  }

  function macroBody(parameters: Parameter[], wholeBody: () => Statement[]): MacroBody {
    const from = expressions.position();
    const body = wholeBody();
    return { parameters, body, usesVarargs: mentions("varargs", from), usesKwargs: mentions("kwargs", from) };
  }

  function parseIf(bodyUntil: BodyUntil) {
    const branches: { test: Expression; body: Statement[] }[] = [];
    for (;;) {
      const test = expressions.parseTuple({ withConditional: false });
      const [body, ended] = bodyUntil("elif", "else", "endif");
      branches.push({ test, body });
      if (ended === "elif") continue;
      const otherwise = ended === "else" ? bodyUntil("endif")[0] : [];
      expect("end");
      return { branches, otherwise };
    }
  }

  function parseFor(bodyUntil: BodyUntil) {
    const target = parseTarget();
    expect("name", "in");
    const iterable = expressions.parseTuple({ withConditional: false });
    const condition = peek()?.value === "if" && skip() ? expressions.parseExpression() : undefined;
    const from = expressions.position();
    loops++;
    const [body, ended] = bodyUntil("else", "endfor");
    loops--;
    const usesLoop = mentions("loop", from);
    const otherwise = ended === "else" ? bodyUntil("endfor")[0] : [];
    expect("end");
    return { target, iterable, condition, body, otherwise, usesLoop };
  }

  function parseSet(wholeBody: () => Statement[]): { target: Target; value: Expression } {
    const target = parseTarget();
    if (peek()?.value === "=") {
      skip();
      const value = expressions.parseTuple();
      expect("end");
      return { target, value };
    }
    const block: { kind: "block"; body: Statement[] } = { kind: "block", body: [] };
    const value = peek()?.value === "|" ? expressions.parseFilters(block) : block;
    block.body = wholeBody();
    return { target, value };
  }

  function parseAssignments(): [Target, Expression][] {
    const values: [Target, Expression][] = [];
    while (peek()?.kind !== "end") {
      if (values.length > 0) expect("operator", ",");
      const target = parseTarget(false);
      expect("operator", "=");
      values.push([target, expressions.parseExpression()]);
    }
    return values;
  }

  /** A name, a namespace's member, or several of them. */
  function parseTarget(severalAllowed = true): Target {
    const targets = [parseOneTarget(severalAllowed)];
    if (!severalAllowed || peek()?.value !== ",") return targets[0];
    while (peek()?.value === ",") {
      skip();
      if (peek()?.value === "in" || peek()?.value === "=") break;
      targets.push(parseOneTarget(true));
    }
    return { kind: "targets", targets };
  }

  function parseOneTarget(severalAllowed: boolean): Target {
    if (severalAllowed && peek()?.kind === "operator" && peek()?.value === "(") {
      skip();
      const inner = parseTarget();
      expect("operator", ")");
      return inner;
    }
    const { value: name } = expect("name", undefined, "a name to assign to");
    if (peek()?.value !== ".") return { kind: "name", name };
    skip();
    return { kind: "member", object: name, name: expect("name").value };
  }
}

function parseParameters({ peek, skip, expect, parseExpression }: ExpressionParser): Parameter[] {
  const parameters: Parameter[] = [];
  expect("operator", "(");
  while (peek()?.value !== ")") {
    if (parameters.length > 0) expect("operator", ",");
    const { value: name } = expect("name", undefined, "a parameter's name");
    const initial = peek()?.value === "=" && skip() ? parseExpression() : undefined;
    parameters.push({ name, initial });
  }
  expect("operator", ")");
  return parameters;
}
