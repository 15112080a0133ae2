// Grammars put together from rules that may name one another.
import { type Budget, newBudget } from "./budget.ts";
import { ConstraintError } from "./error.ts";
import { type Expression, type Grammar, MAX_DEPTH, symbol } from "./grammar.ts";
import { Layout, MAX_STATES, tooManyStates } from "./layout.ts";
import { isLeftRecursive } from "./left-recursion.ts";
import { checkWidth } from "./width.ts";

/** Collects rules, which may name one another, and lays them out. */
export class GrammarBuilder {
  readonly #rules: Expression[] = [];
  /** Asked for, not defined yet: a queue, so that no nesting of rules can exhaust the stack. */
  readonly #waiting: (() => Expression)[] = [];
  readonly #named = new Map<string, number>();
  readonly #wholeTokens: number[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #subject: string;
  /** What may still be done for this grammar: shared by all who build a part of it. */
  readonly budget: Budget = newBudget();
  #reserved = 0;

  /** @param subject  what an error names: "schema" */
  constructor(subject: string) {
    this.#subject = subject;
  }

  /** The rule of a name. `define`, called later, says what it is; it may ask for the rule itself. */
  rule(name: string, define: () => Expression): Expression {
    const known = this.#named.get(name);
    if (known !== undefined) return { kind: "rule", rule: known };
    const rule = this.#waiting.push(define) - 1;
    this.#named.set(name, rule);
    return { kind: "rule", rule };
  }

  /** The number of a text, the same for equal ones. */
  numberOf(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.#numbers.size);
    return this.#numbers.size - 1;
  }

  /** Counts states before they are laid out. @throws ConstraintError when there are too many */
  reserve(states: number): void {
    this.#reserved += states;
    if (this.#reserved > MAX_STATES) tooManyStates(this.#subject);
  }

  /** A token that is matched whole. */
  wholeToken(id: number): Expression {
    const known = this.#wholeTokens.indexOf(id);
    return symbol(256 + (known >= 0 ? known : this.#wholeTokens.push(id) - 1));
  }

  /** @throws ConstraintError when there is nothing that could be written, or the grammar is too large */
  build(root: Expression): Grammar {
    const subject = this.#subject;
    for (let i = this.#rules.length; i < this.#waiting.length; i++) {
      if (i === MAX_STATES) tooManyStates(subject);
      this.#rules.push(this.#waiting[i]());
    }
    const layout = new Layout(subject, this.budget);
    const starts = this.#rules.map(() => layout.state());
    const place = (expression: Expression, from: number): void => {
      const end = layout.state();
      layout.ends.push(end);
      layout.emit(expression, from, end, starts);
    };
    const first = layout.state();
    place(root, first);
    this.#rules.forEach((rule, i) => {
      place(rule, starts[i]);
    });
    const grammar = layout.tables(first, this.#wholeTokens);
    if (grammar.depths[first] > MAX_DEPTH) {
      throw new ConstraintError({
        subject,
        expected: "one that some text of finite length satisfies",
        found: "none",
        remedy: "Look for requirements that contradict each other, or that need themselves.",
      });
    }
    if (isLeftRecursive(grammar)) {
      throw new ConstraintError({
        subject,
        expected: "every $ref to lead to a value",
        found: "one that leads back to itself before anything is written",
        remedy: "Break the circle.",
      });
    }
    checkWidth(grammar, subject);
    return grammar;
  }
}
