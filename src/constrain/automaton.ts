// A grammar at work. Its possible positions, each with the calls it may return to, make a state; states and the steps
// between them are found as they are needed and kept, so that most steps are one look into a table.
import { type Grammar, MAX_ALTERNATIVES, MAX_DEPTH } from "./grammar.ts";
import { EMPTY, Stacks } from "./stacks.ts";
import { tooManyAlternatives } from "./width.ts";

/** The state that nothing leads out of. */
export const DEAD = 1;
const UNKNOWN = 0;
const FIRST_STATE = 2;

/** A state of more positions sorts them by symbols. */
const WIDE = 64;
/** Entries of the table of steps, positions of all states, and stacks. */
const MAX_KEPT = 1 << 22;
/** Positions looked at for one mask. Beyond it, steps that are not known yet count as dead. */
const MAX_WORK = 1 << 18;

export class Automaton {
  readonly #grammar: Grammar;
  /** Symbols that no edge distinguishes share a class. */
  readonly #classOf: Uint16Array;
  readonly #classes: number;
  /** states × classes → state. */
  #steps = new Uint32Array(0);
  /** Of each state: position and the set of its stacks, alternating, by ascending positions. */
  #positions: Uint32Array[] = [];
  #positionCount = 0;
  #ends: boolean[] = [];
  #freedom: number[] = [];
  #states = new Map<string, number>();
  #stacks = new Stacks();
  /** Of states with many positions: what follows, by classes of symbols. */
  #sorted = new Map<number, number[][]>();
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
    const next = this.#targets(state, symbol);
    const found = next.length === 0 ? DEAD : this.#close(next);
    this.#steps[at] = found;
    return found;
  }

  /** Positions and stacks right after a symbol. */
  #targets(state: number, symbol: number): readonly number[] {
    const { offsets, low, high, to } = this.#grammar.symbols;
    const positions = this.#positions[state];
    const isWide = positions.length > 2 * WIDE;
    const known = this.#sorted.get(state);
    if (known !== undefined) return known[this.#classOf[symbol]];
    // Many positions are looked at once for all symbols, instead of once for each.
    const byClass: number[][] = Array.from({ length: isWide ? this.#classes : 0 }, () => []);
    const next: number[] = [];
    for (let i = 0; i < positions.length; i += 2) {
      const end = offsets[positions[i] + 1];
      for (let edge = offsets[positions[i]]; edge < end; edge++) {
        if (isWide) {
          const last = this.#classOf[high[edge]];
          for (let c = this.#classOf[low[edge]]; c <= last; c++) byClass[c].push(to[edge], positions[i + 1]);
        } else if (low[edge] <= symbol && symbol <= high[edge]) next.push(to[edge], positions[i + 1]);
      }
      this.#work += 1 + end - offsets[positions[i]];
    }
    if (!isWide) return next;
    this.#sorted.set(state, byClass);
    this.#positionCount += byClass.reduce((sum, { length }) => sum + length, 0);
    return byClass[this.#classOf[symbol]];
  }

  /** Begins a stretch of steps whose work is bounded on its own. */
  begin(): void {
    this.#work = 0;
  }

  /** Whether so much is known that it should be forgotten. */
  isFull(): boolean {
    const { length } = this.#positions;
    return length * this.#classes > MAX_KEPT || this.#positionCount > MAX_KEPT || this.#stacks.size > MAX_KEPT;
  }

  /** Forgets all states but one, and gives that its number from then on. */
  forgetAllBut(state: number): number {
    const kept = this.#positions[state];
    const isEnd = this.#ends[state];
    const freedom = this.#freedom[state];
    const before = this.#stacks;
    this.#clear();
    const copy = before.copier(this.#stacks);
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
    this.#positionCount = 0;
    this.#sorted = new Map();
    this.#stacks = new Stacks();
    this.#steps.fill(DEAD, 0, FIRST_STATE * this.#classes);
  }

  /** The state of all positions that can be reached from these without writing. */
  #close(from: readonly number[]): number {
    const { symbols, calls, free, ends, depths, freedom } = this.#grammar;
    const stacks = this.#stacks;
    const reached = new Map<number, number>();
    const waiting: number[] = [];
    let kept = 0;
    const add = (position: number, stack: number): void => {
      // From here on to the end, calls go no deeper than this.
      if (stacks.height(stack) + depths[position] > MAX_DEPTH) return;
      const known = reached.get(position);
      const all = known === undefined ? stack : stacks.union(known, stack);
      if (all === known) return;
      reached.set(position, all);
      waiting.push(position);
      if (known === undefined && symbols.offsets[position] < symbols.offsets[position + 1]) kept++;
    };
    for (let i = 0; i < from.length; i += 2) add(from[i], from[i + 1]);
    let isEnd = false;
    let most = 0;
    for (let i = 0; i < waiting.length; i++) {
      if (kept > MAX_ALTERNATIVES) tooManyAlternatives("responseFormat or tools");
      const position = waiting[i];
      const stack = reached.get(position) as number;
      if (freedom[position] > most) most = freedom[position];
      if (ends[position] === 1) {
        if (stack === EMPTY) isEnd = true;
        const frames = stacks.framesOf(stack);
        for (let frame = 0; frame < frames.length; frame += 2) add(frames[frame], frames[frame + 1]);
        this.#work += frames.length;
      }
      for (let edge = free.offsets[position]; edge < free.offsets[position + 1]; edge++) add(free.to[edge], stack);
      for (let edge = calls.offsets[position]; edge < calls.offsets[position + 1]; edge++) {
        // Neither what is called nor what comes after it may lead nowhere.
        if (stacks.height(stack) + depths[calls.to[edge]] > MAX_DEPTH) continue;
        add(calls.rule[edge], stacks.push(calls.to[edge], stack));
      }
      this.#work += 1 + free.offsets[position + 1] - free.offsets[position];
    }
    const positions: number[] = [];
    for (const position of [...reached.keys()].sort((a, b) => a - b)) {
      if (symbols.offsets[position] === symbols.offsets[position + 1]) continue;
      positions.push(position, reached.get(position) as number);
    }
    return this.#stateOf(positions, isEnd, most);
  }

  #stateOf(positions: readonly number[], isEnd: boolean, freedom: number): number {
    if (positions.length === 0 && !isEnd) return DEAD;
    const key = `${isEnd ? "." : ""}${positions.join()}`;
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    const state = this.#positions.push(Uint32Array.from(positions)) - 1;
    this.#positionCount += positions.length;
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
