// The subset construction, within bounds: from a nondeterministic automaton over characters to a deterministic one.
import { type Budget, spend } from "../budget.ts";
import { tooLarge } from "../error.ts";
import { type Characters, characters } from "./characters.ts";
import type { Machine } from "./machine.ts";

/** A nondeterministic automaton, with edges that consume nothing, some only at the beginning or the end of a word. */
export interface Nodes {
  readonly steps: readonly (readonly { readonly on: Characters; readonly to: number }[])[];
  readonly free: readonly (readonly { readonly to: number; readonly only?: "start" | "end" }[])[];
}

/** A pattern may ask for exponentially many states, `(a|b)*a(a|b){20}` for one. */
const MAX_STATES = 20_000;
const MAX_EDGES = 200_000;
/** Of the budget, for each state and edge, beside the nodes that are looked at. */
const STEPS = 256;
const REMEDY = "Write a pattern with fewer alternatives and repetitions.";

/** Characters of one state that lead to the same nodes, and the sets that they are in. */
interface Cell {
  readonly on: Characters;
  readonly sets: readonly number[];
}

/** @throws ConstraintError when the machine, or the way to it, would take too much */
export function determine(
  { steps, free }: Nodes,
  first: number,
  last: number,
  subject: string,
  budget: Budget,
): Machine {
  const { sets, setOf } = distinctSets(steps);
  const hasSteps = Uint8Array.from(steps, ({ length }) => (length > 0 ? 1 : 0));
  const freeAtOnce = flat(free, ["start"]);
  const freeLater = flat(free, []);
  const endsLater = leadingTo(last, free, ["end"]);
  const endsAtOnce = leadingTo(last, free, ["start", "end"]);
  // A state is identified by those of its nodes that steps lead out of, as bits, and by whether a word may end in it.
  const words = Math.ceil((steps.length + 1) / 32);
  const members: Uint32Array[] = [];
  const accepting: boolean[] = [];
  const edges: { on: Characters; to: number }[][] = [];
  const byHash = new Map<number, number[]>();
  const cellsOf = new Map<string, readonly Cell[]>();
  const seen = new Int32Array(steps.length).fill(-1);
  const waiting = new Int32Array(steps.length);
  const bits = new Uint32Array(words);
  let round = 0;
  let edgeCount = 0;

  /** @param targets  lists of nodes; all that can be reached from them without a character is in the state */
  const stateOf = (targets: readonly (readonly number[])[], isFirst: boolean): number => {
    round++;
    bits.fill(0);
    let work = STEPS + words;
    let count = 0;
    let isEnd = false;
    for (const list of targets) {
      work += list.length;
      for (const node of list) {
        if (seen[node] !== round) waiting[count++] = node;
        seen[node] = round;
      }
    }
    const { offsets, to } = isFirst ? freeAtOnce : freeLater;
    const ends = isFirst ? endsAtOnce : endsLater;
    let hash = 0;
    for (let i = 0; i < count; i++) {
      const node = waiting[i];
      if (ends[node] === 1) isEnd = true;
      if (hasSteps[node] === 1) {
        bits[node >>> 5] |= 1 << (node & 31);
        hash = (hash + Math.imul(node + 1, 0x9e3779b1)) | 0;
      }
      for (let edge = offsets[node]; edge < offsets[node + 1]; edge++) {
        const next = to[edge];
        if (seen[next] !== round) waiting[count++] = next;
        seen[next] = round;
      }
      work += 1 + offsets[node + 1] - offsets[node];
    }
    spend(budget, work, subject);
    if (isEnd) bits[words - 1] |= 1 << 31;
    const alike = byHash.get(hash);
    const known = alike?.find((state) => equal(members[state], bits));
    if (known !== undefined) return known;
    if (members.length >= MAX_STATES) {
      tooLarge(subject, `an automaton of at most ${MAX_STATES} states`, REMEDY);
    }
    const state = members.push(bits.slice()) - 1;
    accepting.push(isEnd);
    if (alike === undefined) byHash.set(hash, [state]);
    else alike.push(state);
    return state;
  };

  /** Of the state at hand, by the set of characters that leads to them. */
  const targets: number[][] = sets.map(() => []);
  stateOf([[first]], true);
  for (let state = 0; state < members.length; state++) {
    const present: number[] = [];
    members[state].forEach((word, i) => {
      for (let left = i === words - 1 ? word & 0x7fffffff : word; left !== 0; left &= left - 1) {
        const node = 32 * i + 31 - Math.clz32(left & -left);
        const out = steps[node];
        for (let j = 0; j < out.length; j++) {
          const set = setOf[node][j];
          if (targets[set].length === 0) present.push(set);
          targets[set].push(out[j].to);
        }
      }
    });
    present.sort((a, b) => a - b);
    const key = present.join();
    const cells = cellsOf.get(key) ?? cellsBetween(present, sets);
    cellsOf.set(key, cells);
    const to = new Map<number, Characters>();
    for (const cell of cells) {
      const next = stateOf(
        cell.sets.map((set) => targets[set]),
        false,
      );
      const before = to.get(next);
      to.set(next, before === undefined ? cell.on : characters(...before, ...cell.on));
    }
    for (const set of present) targets[set].length = 0;
    edgeCount += to.size;
    if (edgeCount > MAX_EDGES) tooLarge(subject, `an automaton of at most ${MAX_EDGES} edges`, REMEDY);
    edges.push(Array.from(to, ([next, on]) => ({ on, to: next })));
  }
  return { edges, accepting };
}

const equal = (a: Uint32Array, b: Uint32Array): boolean => {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
};

/** The sets of characters that occur, each once, and which of them each step has. */
function distinctSets(steps: Nodes["steps"]): { sets: Characters[]; setOf: number[][] } {
  const sets: Characters[] = [];
  const byText = new Map<string, number>();
  const numbers = new Map<Characters, number>();
  const numberOf = (set: Characters): number => {
    const known = numbers.get(set);
    if (known !== undefined) return known;
    const text = set.join();
    const number = byText.get(text) ?? sets.push(set) - 1;
    byText.set(text, number);
    numbers.set(set, number);
    return number;
  };
  return { setOf: steps.map((all) => all.map(({ on }) => numberOf(on))), sets };
}

/** Where free edges lead, those of each node from `offsets[node]` to `offsets[node + 1]`. */
function flat(free: Nodes["free"], allowed: readonly string[]): { offsets: Uint32Array; to: Uint32Array } {
  const taken = free.map((edges) => edges.filter(({ only }) => only === undefined || allowed.includes(only)));
  const offsets = new Uint32Array(free.length + 1);
  taken.forEach((edges, node) => {
    offsets[node + 1] = offsets[node] + edges.length;
  });
  return { offsets, to: Uint32Array.from(taken.flat(), ({ to }) => to) };
}

/** 1 for each node that leads to `last` without a character, over free edges and those that `allowed` names. */
function leadingTo(last: number, free: Nodes["free"], allowed: readonly ("start" | "end")[]): Uint8Array {
  const before: number[][] = free.map(() => []);
  free.forEach((edges, from) => {
    for (const { to, only } of edges) if (only === undefined || allowed.includes(only)) before[to].push(from);
  });
  const leads = new Uint8Array(free.length);
  leads[last] = 1;
  const waiting = [last];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    for (const from of before[node]) {
      if (leads[from] === 1) continue;
      leads[from] = 1;
      waiting.push(from);
    }
  }
  return leads;
}

/** All characters of some sets, grouped by which of the sets they are in. */
function cellsBetween(present: readonly number[], sets: readonly Characters[]): Cell[] {
  const bounds = [...new Set(present.flatMap((set) => sets[set].flatMap(([low, high]) => [low, high + 1])))];
  bounds.sort((a, b) => a - b);
  const index = new Map(bounds.map((bound, i) => [bound, i]));
  const within: number[][] = bounds.map(() => []);
  for (const set of present) {
    for (const [low, high] of sets[set]) {
      const end = index.get(high + 1) as number;
      for (let i = index.get(low) as number; i < end; i++) within[i].push(set);
    }
  }
  const cells = new Map<string, { ranges: (readonly [number, number])[]; sets: number[] }>();
  within.forEach((list, i) => {
    if (list.length === 0) return;
    const range = [bounds[i], bounds[i + 1] - 1] as const;
    const key = list.join();
    const known = cells.get(key);
    if (known === undefined) cells.set(key, { ranges: [range], sets: list });
    else known.ranges.push(range);
  });
  return Array.from(cells.values(), ({ ranges, sets }) => ({ on: characters(...ranges), sets }));
}
