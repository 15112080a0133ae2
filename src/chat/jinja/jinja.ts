// Jinja as Hugging Face runs it. @huggingface/jinja, which only this folder knows, interprets; where it writes
// values as JavaScript does, the parsed template is rewritten to call the Python way of python-text.ts instead. What a
// template may do is bounded by budget.ts.
//
// What still differs from Python's jinja2. Refused, with an error: {% raw %}, {% with %}, {%+ and +%}, numbers such as 1e5,
// tests with arguments or of floats, tuples of none or one, keys other than strings, chained comparisons, < between
// strings, arithmetic with booleans and with integers beyond 2⁵³, "a" * 3, and the rarer filters and methods (map by a
// filter, select, sum, min, and reverse, first and last of strings; find, count, format, rsplit, splitlines, isdigit,
// removeprefix).
// Written otherwise: "a" + 1 is "a1", 1 / 0 is inf, % takes the sign of its left side, pairs of items() and dictsort
// print as lists, title() goes wrong beyond ASCII, map and selectattr take attributes of what has none for undefined,
// true in [1] is false, macros see the variables of their caller, and what an iteration wrote before {% break %} or
// {% continue %} is lost.
import { Environment, parse, tokenize } from "@huggingface/jinja";
import { BoundedInterpreter, createBudget } from "./budget.ts";
import { pythonWay } from "./functions.ts";
import { OPTIONS } from "./lines.ts";
import { type RuntimeValue, str } from "./python-text.ts";
import { type Node, rewrite } from "./rewrite.ts";
import { strftime } from "./strftime.ts";
import { functionValue, runtimeValue, text, UNDEFINED } from "./values.ts";

/** A parsed template: a function of its variables and of the time that `strftime_now` formats. */
export type JinjaTemplate = (variables: Readonly<Record<string, unknown>>, now: Date) => string;

/** What a template says through `raise_exception`. */
export class TemplateRaised extends Error {
  override readonly name = "TemplateRaised";
}

const MAX_MESSAGE = 1000;

/** @throws SyntaxError and others from the library, without a line */
export function compileJinja(source: string): JinjaTemplate {
  // As in jinja2, before anything is trimmed.
  const lines = source.replaceAll(/\r\n?/g, "\n");
  const program = parse(tokenize(lines, OPTIONS)) as unknown as Node;
  rewrite(program);
  return (variables, now) => {
    const environment = new Environment();
    const budget = createBudget();
    const define = (name: string, value: RuntimeValue) => environment.setVariable(name, value as never);
    for (const [name, run] of Object.entries(pythonWay(budget))) define(name, functionValue(run));
    for (const name of ["true", "True"]) define(name, runtimeValue(true));
    for (const name of ["false", "False"]) define(name, runtimeValue(false));
    for (const name of ["none", "None"]) define(name, runtimeValue(null));
    define(
      "strftime_now",
      functionValue(([format]) => {
        const pattern = str(format ?? UNDEFINED, budget);
        budget.characters(10 * pattern.length);
        return text(strftime(now, pattern));
      }),
    );
    define(
      "raise_exception",
      functionValue(([message]) => {
        throw new TemplateRaised(str(message ?? UNDEFINED, budget).slice(0, MAX_MESSAGE));
      }),
    );
    for (const [name, value] of Object.entries(variables)) define(name, runtimeValue(value, budget.grant));
    return new BoundedInterpreter(environment, budget, UNDEFINED).evaluate(program, environment).value as string;
  };
}
