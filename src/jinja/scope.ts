// Names and what they stand for. A loop's turn, a macro's run and a `with` block each have a scope of their own.
// Names are looked up when they are used. Jinja binds them when it compiles, which differs in one case: a variable that
// the template itself sets only after a loop or macro has read it is undefined there, never the caller's of that name.
import { Undefined, type Value } from "./values.ts";

export class Scope {
  readonly #names = new Map<string, Value>();
  readonly #outer: Scope | undefined;

  constructor(outer?: Scope) {
    this.#outer = outer;
  }

  /** Assignment never reaches an outer scope; templates use a namespace for that. */
  set(name: string, value: Value): void {
    this.#names.set(name, value);
  }

  get(name: string): Value {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.#outer) {
      const value = scope.#names.get(name);
      if (value !== undefined) return value;
    }
    return new Undefined(name);
  }
}
