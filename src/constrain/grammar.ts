// Grammars over bytes: built from expressions, kept as flat tables that can be sent to another thread.
import { ConstraintError } from "./error.ts";

/**
 * What may be written. A symbol is a byte, or 256 + k for the k-th token that is matched whole (`<|tool_call_start|>`).
 */
export type Expression =
  | { readonly kind: "symbols"; readonly low: number; readonly high: number }
  | { readonly kind: "sequence" | "choice"; readonly parts: readonly Expression[] }
  | { readonly kind: "repeat"; readonly of: Expression; readonly min: number; readonly max: number }
  /** An automaton whose edges are expressions; state 0 is the first. */
  | {
      readonly kind: "automaton";
      readonly edges: readonly (readonly { readonly on: Expression; readonly to: number }[])[];
      readonly accepting: readonly boolean[];
      /** Of each state: how many ordinary characters may follow, whichever they are (see freedomOf). */
      readonly freedom?: readonly number[];
    }
  | { readonly kind: "rule"; readonly rule: number };

/**
 * An automaton with calls: a state's edges are `offsets[state]` to `offsets[state + 1]` of their list. Everything here
 * can be structured-cloned.
 */
export interface Grammar {
  readonly first: number;
  /** Symbols `low` to `high` lead to `to`. */
  readonly symbols: { readonly offsets: Uint32Array; low: Uint16Array; high: Uint16Array; to: Uint32Array };
  /** The rule that begins at `rule` may be written here; `to` follows. */
  readonly calls: { readonly offsets: Uint32Array; rule: Uint32Array; to: Uint32Array };
  /** Steps that write nothing. */
  readonly free: { readonly offsets: Uint32Array; to: Uint32Array };
  /** 1 where a rule may end. */
  readonly ends: Uint8Array;
  /** Of each state: how many calls deep one has to go, at the least, to its rule's end. */
  readonly depths: Uint16Array;
  /** Of each state: how many ordinary characters may follow, whichever they are; 0 where that is not known. */
  readonly freedom: Uint16Array;
  /** Symbols from 256 on. */
  readonly wholeTokens: readonly number[];
}

const MAX_STATES = 1 << 18;
const MAX_EDGES = 1 << 20;
/** No value that is nested deeper than this can be written. */
export const MAX_DEPTH = 256;
const UNREACHABLE = 0xffff;

const encoder = new TextEncoder();

export const NOTHING: Expression = { kind: "sequence", parts: [] };
export const symbol = (symbol: number): Expression => ({ kind: "symbols", low: symbol, high: symbol });
export const symbols = (low: number, high: number): Expression => ({ kind: "symbols", low, high });
export const sequence = (...parts: Expression[]): Expression => ({ kind: "sequence", parts });
export const choice = (...parts: Expression[]): Expression => ({ kind: "choice", parts });
export const optional = (...parts: Expression[]): Expression => choice(NOTHING, sequence(...parts));
export const repeat = (of: Expression, min: number, max = Number.POSITIVE_INFINITY): Expression => ({
  kind: "repeat",
  of,
  min,
  max,
});
export const text = (text: string): Expression => sequence(...Array.from(encoder.encode(text), symbol));

/** Collects rules, which may name one another, and lays them out. */
export class GrammarBuilder {
  readonly #rules: Expression[] = [];
  /** Asked for, not defined yet: a queue, so that no nesting of rules can exhaust the stack. */
  readonly #waiting: (() => Expression)[] = [];
  readonly #named = new Map<string, number>();
  readonly #wholeTokens: number[] = [];
  readonly #subject: string;
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

  /** Counts states before they are laid out. @throws ConstraintError when there are too many */
  reserve(states: number): void {
    this.#reserved += states;
    if (this.#reserved > MAX_STATES) tooLarge(this.#subject);
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
      if (i === MAX_STATES) tooLarge(subject);
      this.#rules.push(this.#waiting[i]());
    }
    const layout = new Layout(subject);
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
      throw new ConstraintError(
        `${subject}: expected one that some text of finite length satisfies, found none. ` +
          "Look for requirements that contradict each other, or that need themselves.",
      );
    }
    checkLeftRecursion(grammar, subject);
    return grammar;
  }
}

/** States and edges as they come. */
class Layout {
  readonly ends: number[] = [];
  readonly #subject: string;
  readonly #symbols: [from: number, low: number, high: number, to: number][] = [];
  readonly #calls: [from: number, rule: number, to: number][] = [];
  readonly #free: [from: number, to: number][] = [];
  readonly #freedom: [state: number, characters: number][] = [];
  #count = 0;

  constructor(subject: string) {
    this.#subject = subject;
  }

  state(): number {
    if (this.#count === MAX_STATES) tooLarge(this.#subject);
    return this.#count++;
  }

  /** Writes `expression` between two states. No edge into `from` or out of `to` is added, so states can be shared. */
  emit(expression: Expression, from: number, to: number, rules: readonly number[]): void {
    if (this.#symbols.length + this.#calls.length + this.#free.length > MAX_EDGES) tooLarge(this.#subject);
    switch (expression.kind) {
      case "symbols":
        this.#symbols.push([from, expression.low, expression.high, to]);
        return;
      case "rule":
        this.#calls.push([from, rules[expression.rule], to]);
        return;
      case "sequence": {
        const { parts } = expression;
        if (parts.length === 0) this.#free.push([from, to]);
        let at = from;
        parts.forEach((part, i) => {
          const next = i === parts.length - 1 ? to : this.state();
          this.emit(part, at, next, rules);
          at = next;
        });
        return;
      }
      case "choice":
        for (const part of expression.parts) this.emit(part, from, to, rules);
        return;
      case "repeat": {
        const { of, min, max } = expression;
        let at = from;
        const step = (): void => {
          const next = this.state();
          this.emit(of, at, next, rules);
          at = next;
        };
        for (let i = 0; i < min; i++) step();
        if (max === Number.POSITIVE_INFINITY) {
          const loop = this.state();
          this.#free.push([at, loop], [loop, to]);
          this.emit(of, loop, loop, rules);
          return;
        }
        this.#free.push([at, to]);
        for (let i = min; i < max; i++) {
          step();
          this.#free.push([at, to]);
        }
        return;
      }
      case "automaton": {
        const states = expression.edges.map(() => this.state());
        expression.freedom?.forEach((characters, i) => {
          this.#freedom.push([states[i], characters]);
        });
        this.#free.push([from, states[0]]);
        expression.edges.forEach((edges, i) => {
          for (const edge of edges) this.emit(edge.on, states[i], states[edge.to], rules);
          if (expression.accepting[i]) this.#free.push([states[i], to]);
        });
        return;
      }
    }
  }

  tables(first: number, wholeTokens: readonly number[]): Grammar {
    const count = this.#count;
    const symbols = sorted(this.#symbols, count);
    const calls = sorted(this.#calls, count);
    const free = sorted(this.#free, count);
    const ends = new Uint8Array(count);
    for (const end of this.ends) ends[end] = 1;
    const freedom = new Uint16Array(count);
    for (const [state, characters] of this.#freedom) freedom[state] = characters;
    const grammar = {
      first,
      symbols: {
        offsets: symbols.offsets,
        low: Uint16Array.from(symbols.rows, ([, low]) => low),
        high: Uint16Array.from(symbols.rows, ([, , high]) => high),
        to: Uint32Array.from(symbols.rows, ([, , , to]) => to),
      },
      calls: {
        offsets: calls.offsets,
        rule: Uint32Array.from(calls.rows, ([, rule]) => rule),
        to: Uint32Array.from(calls.rows, ([, , to]) => to),
      },
      free: { offsets: free.offsets, to: Uint32Array.from(free.rows, ([, to]) => to) },
      ends,
      freedom,
      wholeTokens,
    };
    return { ...grammar, depths: this.#depths(count) };
  }

  /**
   * The least depth of every state: level by level, backwards from the ends. A call costs one more than its rule's
   * first state, so on level d the calls count whose rule was settled below d.
   */
  #depths(count: number): Uint16Array {
    const depths = new Uint16Array(count).fill(UNREACHABLE);
    const before: number[][] = Array.from({ length: count }, () => []);
    for (const [from, , , to] of this.#symbols) before[to].push(from);
    for (const [from, to] of this.#free) before[to].push(from);
    const callsOf = new Map<number, [from: number, to: number][]>();
    for (const [from, rule, to] of this.#calls) {
      const known = callsOf.get(rule);
      if (known === undefined) callsOf.set(rule, [[from, to]]);
      else known.push([from, to]);
    }
    const settle = (level: number, seeds: number[]): void => {
      const waiting = seeds.filter((state) => depths[state] === UNREACHABLE);
      for (const state of waiting) depths[state] = level;
      for (let state = waiting.pop(); state !== undefined; state = waiting.pop()) {
        for (const from of before[state]) {
          if (depths[from] !== UNREACHABLE) continue;
          depths[from] = level;
          waiting.push(from);
        }
      }
    };
    settle(0, this.ends);
    for (let level = 1; level <= MAX_DEPTH; level++) {
      let opened = false;
      for (const [rule, calls] of callsOf) {
        if (depths[rule] >= level) continue;
        opened = true;
        callsOf.delete(rule);
        for (const [from, to] of calls) before[to].push(from);
        // Ends that were settled before let their calls' states be settled now.
        settle(
          level,
          calls.filter(([, to]) => depths[to] <= level).map(([from]) => from),
        );
      }
      if (!opened) break;
    }
    return depths;
  }
}

function tooLarge(subject: string): never {
  throw new ConstraintError(
    `${subject}: expected a grammar of at most ${MAX_STATES} states and ${MAX_EDGES} edges, found a larger one. ` +
      "Ask for fewer repetitions, alternatives or properties.",
  );
}

/** Rows by their first column, and where each of `count` states' rows begin. */
function sorted<Row extends readonly number[]>(rows: readonly Row[], count: number) {
  const offsets = new Uint32Array(count + 1);
  for (const [from] of rows) offsets[from + 1]++;
  for (let i = 0; i < count; i++) offsets[i + 1] += offsets[i];
  const next = offsets.slice();
  const placed: Row[] = new Array(rows.length);
  for (const row of rows) placed[next[row[0]]++] = row;
  return { offsets, rows: placed };
}

/** A rule that calls itself before anything is written would be called without end. */
function checkLeftRecursion(grammar: Grammar, subject: string): void {
  const { calls, free, ends } = grammar;
  const count = ends.length;
  // Which rules may write nothing: needed to see what comes after a call at once.
  const isNullable = new Uint8Array(count);
  const leads = (state: number, visit: (to: number) => void, enter: (rule: number) => void): void => {
    for (let i = free.offsets[state]; i < free.offsets[state + 1]; i++) visit(free.to[i]);
    for (let i = calls.offsets[state]; i < calls.offsets[state + 1]; i++) {
      enter(calls.rule[i]);
      if (isNullable[calls.rule[i]] === 1) visit(calls.to[i]);
    }
  };
  const rules = [...new Set(calls.rule)];
  const around = (rule: number): { states: Set<number>; entered: Set<number> } => {
    const states = new Set([rule]);
    const entered = new Set<number>();
    for (const state of states) {
      leads(
        state,
        (to) => states.add(to),
        (to) => entered.add(to),
      );
    }
    return { states, entered };
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (const rule of rules) {
      if (isNullable[rule] === 1 || ![...around(rule).states].some((state) => ends[state] === 1)) continue;
      isNullable[rule] = 1;
      changed = true;
    }
  }
  // Rules that enter no other rule are taken away, again and again; what remains is in a circle, or enters one.
  const enteredBy = new Map<number, number[]>(rules.map((rule) => [rule, []]));
  const entering = new Map<number, number>();
  for (const rule of rules) {
    const { entered } = around(rule);
    entering.set(rule, entered.size);
    for (const other of entered) enteredBy.get(other)?.push(rule);
  }
  const harmless = rules.filter((rule) => entering.get(rule) === 0);
  for (const rule of harmless) {
    for (const other of enteredBy.get(rule) as number[]) {
      const left = (entering.get(other) as number) - 1;
      entering.set(other, left);
      if (left === 0) harmless.push(other);
    }
  }
  if (harmless.length === rules.length) return;
  throw new ConstraintError(
    `${subject}: expected every $ref to lead to a value, found one that leads back to itself before anything is ` +
      "written. Break the circle.",
  );
}
