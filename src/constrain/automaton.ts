// A grammar at work. Its possible positions, each with the calls it will return to, make a state; states and the steps
// between them are found as they are needed and kept, so that most steps are one look into a table.
import { type Grammar, MAX_DEPTH } from "./grammar.ts";

/** The state that nothing leads out of. */
export const DEAD = 1;
const UNKNOWN = 0;
const FIRST_STATE = 2;

const EMPTY = 0;
/** Positions of one state. More are left out, the last ones first: each position leads to an end without the others. */
const MAX_POSITIONS = 4096;
/** Entries of the table of steps, and stacks. */
const MAX_STEPS = 1 << 22;
/** Positions looked at for one mask. Beyond it, steps that are not known yet count as dead. */
const MAX_WORK = 1 << 20;
/** Grammars have at most 2¹⁸ positions. */
const POSITIONS = 2 ** 18;

export class Automaton {
  readonly #grammar: Grammar;
  /** Symbols that no edge tells apart share a class. */
  readonly #classOf: Uint16Array;
  readonly #classes: number;
  /** states × classes → state. */
  #steps = new Uint32Array(0);
  /** Of each state: position and stack, alternating. */
  #positions: Uint32Array[] = [];
  #ends: boolean[] = [];
  #freedom: number[] = [];
  #states = new Map<string, number>();
  /** A stack is where to return to, and the stack below. */
  #returns: number[] = [];
  #below: number[] = [];
  #heights: number[] = [];
  #stacks = new Map<number, number>();
  #work = 0;

  constructor(grammar: Grammar) {
    this.#grammar = grammar;
    const { low, high } = grammar.symbols;
    const symbols = 256 + grammar.wholeTokens.length;
    const isFirst = new Uint8Array(symbols + 1);
    for (const symbol of low) isFirst[symbol] = 1;
    for (const symbol of high) isFirst[symbol + 1] = 1;
    this.#classOf = new Uint16Array(symbols);
    let last = 0;
    for (let symbol = 0; symbol < symbols; symbol++) {
      if (symbol > 0) last += isFirst[symbol];
      this.#classOf[symbol] = last;
    }
    this.#classes = last + 1;
    this.#clear();
  }

  /** The state before anything is written. */
  first(): number {
    return this.#close([this.#grammar.first, EMPTY]);
  }

  /** Whether what was written is complete. */
  isEnd(state: number): boolean {
    return this.#ends[state];
  }

  /** So many ordinary characters may follow, whichever they are. */
  freedom(state: number): number {
    return this.#freedom[state];
  }

  /** Whether something can follow. */
  goesOn(state: number): boolean {
    return this.#positions[state].length > 0;
  }

  step(state: number, symbol: number): number {
    const at = state * this.#classes + this.#classOf[symbol];
    const known = this.#steps[at];
    if (known !== UNKNOWN) return known;
    if (this.#work > MAX_WORK) return DEAD;
    const { offsets, low, high, to } = this.#grammar.symbols;
    const positions = this.#positions[state];
    const next: number[] = [];
    for (let i = 0; i < positions.length; i += 2) {
      const end = offsets[positions[i] + 1];
      for (let edge = offsets[positions[i]]; edge < end; edge++) {
        if (low[edge] <= symbol && symbol <= high[edge]) next.push(to[edge], positions[i + 1]);
      }
    }
    this.#work += positions.length;
    const found = next.length === 0 ? DEAD : this.#close(next);
    this.#steps[at] = found;
    return found;
  }

  /** Begins a stretch of steps whose work is bounded on its own. */
  begin(): void {
    this.#work = 0;
  }

  /** Whether so much is known that it should be forgotten. */
  isFull(): boolean {
    return this.#positions.length * this.#classes > MAX_STEPS || this.#returns.length > MAX_STEPS;
  }

  /** Forgets all states but one, and gives that its number from then on. */
  forgetAllBut(state: number): number {
    const kept = this.#positions[state];
    const isEnd = this.#ends[state];
    const freedom = this.#freedom[state];
    const [returns, below] = [this.#returns, this.#below];
    this.#clear();
    const copied = new Map([[EMPTY, EMPTY]]);
    const copy = (stack: number): number => {
      const path: number[] = [];
      let at = stack;
      for (; !copied.has(at); at = below[at]) path.push(at);
      let made = copied.get(at) as number;
      for (const each of path.reverse()) {
        made = this.#push(returns[each], made);
        copied.set(each, made);
      }
      return made;
    };
    return this.#stateOf(
      Array.from(kept, (value, i) => (i % 2 === 0 ? value : copy(value))),
      isEnd,
      freedom,
    );
  }

  #clear(): void {
    this.#steps = new Uint32Array(64 * this.#classes);
    this.#positions = [new Uint32Array(0), new Uint32Array(0)];
    this.#ends = [false, false];
    this.#freedom = [0, 0];
    this.#states = new Map();
    this.#returns = [0];
    this.#below = [0];
    this.#heights = [0];
    this.#stacks = new Map();
    this.#steps.fill(DEAD, 0, FIRST_STATE * this.#classes);
  }

  #push(to: number, stack: number): number {
    const key = stack * POSITIONS + to;
    const known = this.#stacks.get(key);
    if (known !== undefined) return known;
    this.#returns.push(to);
    this.#heights.push(this.#heights[stack] + 1);
    const made = this.#below.push(stack) - 1;
    this.#stacks.set(key, made);
    return made;
  }

  /** The state of all positions that can be reached from these without writing. */
  #close(from: readonly number[]): number {
    const { symbols, calls, free, ends, depths, freedom } = this.#grammar;
    const reached = new Set<number>();
    const waiting: number[] = [];
    const add = (position: number, stack: number): void => {
      // From here on to the end, calls go no deeper than this.
      if (this.#heights[stack] + depths[position] > MAX_DEPTH) return;
      const key = stack * POSITIONS + position;
      if (reached.has(key)) return;
      reached.add(key);
      waiting.push(position, stack);
    };
    for (let i = 0; i < from.length; i += 2) add(from[i], from[i + 1]);
    const kept: number[] = [];
    let isEnd = false;
    let most = 0;
    for (let i = 0; i < waiting.length && kept.length < 2 * MAX_POSITIONS; i += 2) {
      const position = waiting[i];
      const stack = waiting[i + 1];
      if (freedom[position] > most) most = freedom[position];
      if (symbols.offsets[position] < symbols.offsets[position + 1]) kept.push(position, stack);
      if (ends[position] === 1) {
        if (stack === EMPTY) isEnd = true;
        else add(this.#returns[stack], this.#below[stack]);
      }
      for (let edge = free.offsets[position]; edge < free.offsets[position + 1]; edge++) add(free.to[edge], stack);
      for (let edge = calls.offsets[position]; edge < calls.offsets[position + 1]; edge++) {
        // Neither what is called nor what comes after it may lead nowhere.
        if (this.#heights[stack] + depths[calls.to[edge]] > MAX_DEPTH) continue;
        add(calls.rule[edge], this.#push(calls.to[edge], stack));
      }
    }
    this.#work += waiting.length >> 1;
    return this.#stateOf(kept, isEnd, most);
  }

  #stateOf(positions: readonly number[], isEnd: boolean, freedom: number): number {
    if (positions.length === 0 && !isEnd) return DEAD;
    const key = `${isEnd ? "." : ""}${positions.join()}`;
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    const state = this.#positions.push(Uint32Array.from(positions)) - 1;
    this.#ends.push(isEnd);
    this.#freedom.push(freedom);
    this.#states.set(key, state);
    if ((state + 1) * this.#classes > this.#steps.length) {
      const larger = new Uint32Array(2 * this.#steps.length);
      larger.set(this.#steps);
      this.#steps = larger;
    }
    return state;
  }
}
