// Rules that call themselves before anything is written: following such a grammar would never return.
import type { Grammar } from "./grammar.ts";
import { rowsBy } from "./layout.ts";

/** Whether some rule leads back to its own beginning without a symbol in between. */
export function isLeftRecursive(grammar: Grammar): boolean {
  const { calls } = grammar;
  const component = componentsOf(grammar);
  // A call within a circle. Circles without one write nothing and call nothing.
  return component.some((number, state) => {
    for (let i = calls.offsets[state]; i < calls.offsets[state + 1]; i++) {
      if (component[calls.rule[i]] === number) return true;
    }
    return false;
  });
}

/** 1 for each state that leads to its rule's end without a symbol. */
function nullable({ calls, free, ends }: Grammar): Uint8Array {
  const found = new Uint8Array(ends.length);
  const waiting: number[] = [];
  const settle = (state: number): void => {
    if (found[state] === 1) return;
    found[state] = 1;
    waiting.push(state);
  };
  const fromFree = fromOf(free);
  const fromCalls = fromOf(calls);
  const freeTo = rowsBy(free.to, ends.length);
  const callsTo = rowsBy(calls.to, ends.length);
  const callsOf = rowsBy(calls.rule, ends.length);
  ends.forEach((isEnd, state) => {
    if (isEnd === 1) settle(state);
  });
  for (let state = waiting.pop(); state !== undefined; state = waiting.pop()) {
    for (let i = freeTo.offsets[state]; i < freeTo.offsets[state + 1]; i++) settle(fromFree[freeTo.order[i]]);
    for (let i = callsTo.offsets[state]; i < callsTo.offsets[state + 1]; i++) {
      const call = callsTo.order[i];
      if (found[calls.rule[call]] === 1) settle(fromCalls[call]);
    }
    for (let i = callsOf.offsets[state]; i < callsOf.offsets[state + 1]; i++) {
      const call = callsOf.order[i];
      if (found[calls.to[call]] === 1) settle(fromCalls[call]);
    }
  }
  return found;
}

/** Of each edge, the state it leads out of. */
function fromOf({ offsets, to }: { readonly offsets: Uint32Array; readonly to: Uint32Array }): Uint32Array {
  const from = new Uint32Array(to.length);
  for (let state = 0; state + 1 < offsets.length; state++) from.fill(state, offsets[state], offsets[state + 1]);
  return from;
}

/**
 * Of each state, a number it shares with the states it leads to and back from without a symbol, into rules and past them.
 *
 * @source Tarjan 1972, Depth-first search and linear graph algorithms; without recursion, as grammars may be long
 */
function componentsOf(grammar: Grammar): Uint32Array {
  const { calls, free, ends } = grammar;
  const isNullable = nullable(grammar);
  const count = ends.length;
  const component = new Uint32Array(count);
  const index = new Uint32Array(count);
  const lowest = new Uint32Array(count);
  /** How many of a state's edges were followed: free ones, then two for each call. */
  const followed = new Uint32Array(count);
  const open: number[] = [];
  let next = 1;
  const edgeOf = (state: number, i: number): number | undefined => {
    const freeCount = free.offsets[state + 1] - free.offsets[state];
    if (i < freeCount) return free.to[free.offsets[state] + i];
    const call = calls.offsets[state] + ((i - freeCount) >> 1);
    if (call >= calls.offsets[state + 1]) return undefined;
    if (((i - freeCount) & 1) === 0) return calls.rule[call];
    // Past a rule that may write nothing; otherwise nowhere.
    return isNullable[calls.rule[call]] === 1 ? calls.to[call] : state;
  };
  for (let start = 0; start < count; start++) {
    if (index[start] !== 0) continue;
    const path = [start];
    for (let state = path.at(-1); state !== undefined; state = path.at(-1)) {
      if (index[state] === 0) {
        index[state] = lowest[state] = next++;
        open.push(state);
      }
      const to = edgeOf(state, followed[state]);
      if (to === undefined) {
        path.pop();
        const parent = path.at(-1);
        if (parent !== undefined) lowest[parent] = Math.min(lowest[parent], lowest[state]);
        if (lowest[state] !== index[state]) continue;
        for (let member = open.pop(); member !== undefined; member = open.pop()) {
          component[member] = index[state];
          if (member === state) break;
        }
        continue;
      }
      followed[state]++;
      if (index[to] === 0) path.push(to);
      else if (component[to] === 0) lowest[state] = Math.min(lowest[state], index[to]);
    }
  }
  return component;
}
