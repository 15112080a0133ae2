// From expressions to the flat tables of a grammar: states, edges, and how far each state is from an end.
import { type Budget, spend } from "./budget.ts";
import { tooLarge } from "./error.ts";
import { type Expression, type Grammar, MAX_DEPTH } from "./grammar.ts";

export const MAX_STATES = 1 << 18;
const MAX_EDGES = 1 << 20;
const UNREACHABLE = 0xffff;
/** Of the budget, for each state and edge. */
const STEPS = 32;

/** States and edges as they come: each kind of edge is a list of columns, whose first is the state it leads out of. */
export class Layout {
  readonly ends: number[] = [];
  readonly #subject: string;
  readonly #budget: Budget;
  readonly #symbols = { from: [] as number[], low: [] as number[], high: [] as number[], to: [] as number[] };
  readonly #calls = { from: [] as number[], rule: [] as number[], to: [] as number[] };
  readonly #free = { from: [] as number[], to: [] as number[] };
  readonly #freedom = new Map<number, number>();
  #count = 0;

  constructor(subject: string, budget: Budget) {
    this.#subject = subject;
    this.#budget = budget;
  }

  state(): number {
    if (this.#count === MAX_STATES) tooManyStates(this.#subject);
    return this.#count++;
  }

  /** Writes `expression` between two states. No edge into `from` or out of `to` is added, so states can be shared. */
  emit(expression: Expression, from: number, to: number, rules: readonly number[]): void {
    spend(this.#budget, STEPS, this.#subject);
    const edges = this.#symbols.from.length + this.#calls.from.length + this.#free.from.length;
    if (edges > MAX_EDGES) tooManyStates(this.#subject);
    switch (expression.kind) {
      case "symbols":
        this.#symbols.from.push(from);
        this.#symbols.low.push(expression.low);
        this.#symbols.high.push(expression.high);
        this.#symbols.to.push(to);
        return;
      case "rule":
        this.#calls.from.push(from);
        this.#calls.rule.push(rules[expression.rule]);
        this.#calls.to.push(to);
        return;
      case "sequence": {
        const { parts } = expression;
        if (parts.length === 0) this.#jump(from, to);
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
        const loop = this.state();
        this.#jump(from, loop);
        this.#jump(loop, to);
        this.emit(expression.of, loop, loop, rules);
        return;
      }
      case "automaton": {
        const states = expression.edges.map(() => this.state());
        expression.freedom?.forEach((characters, i) => {
          if (characters > 0) this.#freedom.set(states[i], characters);
        });
        this.#jump(from, states[0]);
        expression.edges.forEach((edges, i) => {
          for (const edge of edges) this.emit(edge.on, states[i], states[edge.to], rules);
          if (expression.accepting[i]) this.#jump(states[i], to);
        });
        return;
      }
    }
  }

  #jump(from: number, to: number): void {
    this.#free.from.push(from);
    this.#free.to.push(to);
  }

  tables(first: number, wholeTokens: readonly number[]): Grammar {
    const count = this.#count;
    const symbols = rowsBy(this.#symbols.from, count);
    const calls = rowsBy(this.#calls.from, count);
    const free = rowsBy(this.#free.from, count);
    const ends = new Uint8Array(count);
    for (const end of this.ends) ends[end] = 1;
    const freedom = new Uint16Array(count);
    for (const [state, characters] of this.#freedom) freedom[state] = characters;
    const grammar = {
      first,
      symbols: {
        offsets: symbols.offsets,
        low: Uint16Array.from(symbols.order, (row) => this.#symbols.low[row]),
        high: Uint16Array.from(symbols.order, (row) => this.#symbols.high[row]),
        to: Uint32Array.from(symbols.order, (row) => this.#symbols.to[row]),
      },
      calls: {
        offsets: calls.offsets,
        rule: Uint32Array.from(calls.order, (row) => this.#calls.rule[row]),
        to: Uint32Array.from(calls.order, (row) => this.#calls.to[row]),
      },
      free: { offsets: free.offsets, to: Uint32Array.from(free.order, (row) => this.#free.to[row]) },
      ends,
      freedom,
      wholeTokens,
    };
    return { ...grammar, depths: this.#depths(count) };
  }

  /**
   * The least depth of every state: level by level, backwards from the ends. A call costs one more than its rule's
   * first state, so on level d the calls count whose rule was settled on level d − 1.
   */
  #depths(count: number): Uint16Array {
    const depths = new Uint16Array(count).fill(UNREACHABLE);
    const [symbols, free] = [this.#symbols, this.#free];
    const bySymbols = rowsBy(symbols.to, count);
    const byFree = rowsBy(free.to, count);
    const callsOf = rowsBy(this.#calls.rule, count);
    const callsTo = rowsBy(this.#calls.to, count);
    // What is found at a level, and what calls it opens on the next.
    const waiting: number[] = [];
    let opened: number[] = [];
    const isOpen = new Uint8Array(this.#calls.from.length);
    let level = 0;
    const settle = (state: number): void => {
      if (depths[state] !== UNREACHABLE) return;
      depths[state] = level;
      waiting.push(state);
    };
    for (const end of this.ends) settle(end);
    for (; level <= MAX_DEPTH; level++) {
      for (const call of opened) {
        isOpen[call] = 1;
        if (depths[this.#calls.to[call]] <= level) settle(this.#calls.from[call]);
      }
      opened = [];
      for (let state = waiting.pop(); state !== undefined; state = waiting.pop()) {
        for (let i = bySymbols.offsets[state]; i < bySymbols.offsets[state + 1]; i++)
          settle(symbols.from[bySymbols.order[i]]);
        for (let i = byFree.offsets[state]; i < byFree.offsets[state + 1]; i++) settle(free.from[byFree.order[i]]);
        for (let i = callsTo.offsets[state]; i < callsTo.offsets[state + 1]; i++) {
          const call = callsTo.order[i];
          if (isOpen[call] === 1) settle(this.#calls.from[call]);
        }
        for (let i = callsOf.offsets[state]; i < callsOf.offsets[state + 1]; i++) opened.push(callsOf.order[i]);
      }
      if (opened.length === 0) break;
    }
    return depths;
  }
}

export function tooManyStates(subject: string): never {
  tooLarge(
    subject,
    `a grammar of at most ${MAX_STATES} states and ${MAX_EDGES} edges`,
    "Ask for fewer repetitions, alternatives or properties.",
  );
}

/** Rows in the order of a column of states: those of `state` are `order[offsets[state]]` to `order[offsets[state + 1]]`. */
export function rowsBy(column: ArrayLike<number>, count: number): { offsets: Uint32Array; order: Uint32Array } {
  const offsets = new Uint32Array(count + 1);
  for (let row = 0; row < column.length; row++) offsets[column[row] + 1]++;
  for (let i = 0; i < count; i++) offsets[i + 1] += offsets[i];
  const next = offsets.slice();
  const order = new Uint32Array(column.length);
  for (let row = 0; row < column.length; row++) order[next[column[row]]++] = row;
  return { offsets, order };
}
