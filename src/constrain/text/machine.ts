// Deterministic automata over characters: of a regular expression, of a length, of all words but some, and of what two
// of them have in common. Strings, keys and numbers of a schema are each one such machine.

import { type Budget, spend } from "../budget.ts";
import { tooLarge } from "../error.ts";
import { ANY, type Characters, characters, complement, intersection, ORDINARY } from "./characters.ts";

/** State 0 is the first. Edges of one state have no character in common. From every state but 0 a word can be ended. */
export interface Machine {
  readonly edges: readonly (readonly { readonly on: Characters; readonly to: number }[])[];
  readonly accepting: readonly boolean[];
}

/** Of the budget, for two edges that are compared; four times that for a state. */
const STEPS = 64;
/** Of all words of one machine: as many as a grammar has states. */
const MAX_LETTERS = 1 << 18;
/** Of two machines' states. */
const MAX_PAIRS = 100_000;
/** More ordinary characters than any token has. */
export const ENDLESS = 0xfffe;

/** Of each state: how many characters may follow that are each any ordinary one. */
export function freedomOf({ edges }: Machine): number[] {
  const next = edges.map((out) => out.find(({ on }) => containsOrdinary(on))?.to);
  const freedom: number[] = new Array(edges.length);
  next.forEach((_, state) => {
    const path: number[] = [];
    const seen = new Set<number>();
    let at: number | undefined = state;
    for (; at !== undefined && freedom[at] === undefined && !seen.has(at); at = next[at]) {
      seen.add(at);
      path.push(at);
    }
    // A state that leads back to itself may go on forever.
    let left = at === undefined ? -1 : (freedom[at] ?? ENDLESS);
    for (const each of path.reverse()) {
      left = Math.min(left + 1, ENDLESS);
      freedom[each] = left;
    }
  });
  return freedom;
}

const containsOrdinary = (set: Characters): boolean =>
  ORDINARY.every(([low, high]) => set.some((range) => range[0] <= low && high <= range[1]));

/** Words of both. @throws ConstraintError when the machine would be too large */
export function both(a: Machine, b: Machine, subject: string, budget: Budget): Machine {
  const edges: { on: Characters; to: number }[][] = [];
  const accepting: boolean[] = [];
  const found = new Map<number, number>();
  const pairs: (readonly [number, number])[] = [];
  const stateOf = (i: number, j: number): number => {
    const key = i * b.edges.length + j;
    const known = found.get(key);
    if (known !== undefined) return known;
    if (pairs.length >= MAX_PAIRS)
      tooLarge(subject, `an automaton of at most ${MAX_PAIRS} states`, "Ask for shorter words.");
    found.set(key, pairs.length);
    accepting.push(a.accepting[i] && b.accepting[j]);
    return pairs.push([i, j]) - 1;
  };
  stateOf(0, 0);
  for (let state = 0; state < pairs.length; state++) {
    const [i, j] = pairs[state];
    const out: { on: Characters; to: number }[] = [];
    spend(budget, STEPS * (4 + a.edges[i].length * b.edges[j].length), subject);
    for (const x of a.edges[i]) {
      for (const y of b.edges[j]) {
        const on = intersection(x.on, y.on);
        if (on.length > 0) out.push({ on, to: stateOf(x.to, y.to) });
      }
    }
    edges.push(out);
  }
  return trimmed({ edges, accepting });
}

export function accepts({ edges, accepting }: Machine, word: string): boolean {
  let state = 0;
  for (const character of word) {
    const code = character.codePointAt(0) as number;
    const edge = edges[state].find(({ on }) => on.some(([low, high]) => low <= code && code <= high));
    if (edge === undefined) return false;
    state = edge.to;
  }
  return accepting[state];
}

/** Words of `min` to `max` characters. */
export function lengthMachine(min: number, max: number): Machine {
  const isBounded = max !== Number.POSITIVE_INFINITY;
  const states = (isBounded ? max : min) + 1;
  const edges = Array.from({ length: states }, (_, i) => {
    if (i + 1 < states) return [{ on: ANY, to: i + 1 }];
    return isBounded ? [] : [{ on: ANY, to: i }];
  });
  return { edges, accepting: Array.from({ length: states }, (_, i) => i >= min) };
}

/** These words. @throws ConstraintError when they are too long together */
export function wordsMachine(words: readonly string[], subject: string): Machine {
  const { tree, isWord } = wordTree(words, subject);
  return { edges: tree, accepting: isWord };
}

/** All words but these. */
export function allBut(words: readonly string[], subject: string): Machine {
  const { tree, isWord } = wordTree(words, subject);
  const other = tree.length;
  const edges = tree.map((children) => {
    const rest = complement(characters(...children.flatMap(({ on }) => on)));
    return [...children, { on: rest, to: other }];
  });
  return { edges: [...edges, [{ on: ANY, to: other }]], accepting: [...isWord.map((is) => !is), true] };
}

/** Words that begin alike share their beginning. */
function wordTree(
  words: readonly string[],
  subject: string,
): { tree: { on: Characters; to: number }[][]; isWord: boolean[] } {
  const tree: { on: Characters; to: number }[][] = [[]];
  const isWord = [false];
  let previous: number[] = [];
  const path = [0];
  // In this order, words that begin alike are neighbours.
  for (const word of [...words].sort()) {
    const codes = Array.from(word, (character) => character.codePointAt(0) as number);
    let shared = 0;
    while (shared < codes.length && codes[shared] === previous[shared]) shared++;
    path.length = shared + 1;
    if (tree.length + codes.length > MAX_LETTERS) {
      tooLarge(
        subject,
        `words of at most ${MAX_LETTERS} characters, without what they begin with alike`,
        "Ask for fewer.",
      );
    }
    for (const code of codes.slice(shared)) {
      const next = tree.push([]) - 1;
      isWord.push(false);
      tree[path[path.length - 1]].push({ on: [[code, code]], to: next });
      path.push(next);
    }
    isWord[path[path.length - 1]] = true;
    previous = codes;
  }
  return { tree, isWord };
}

/** Decimal integers, `-` before them or not, that `divisor` divides. Other characters are not its concern. */
export function multiplesOf(divisor: number): Machine {
  const digits = Array.from({ length: 10 }, (_, digit) => characters([0x30 + digit, 0x30 + digit]));
  const rest = complement(characters([0x30, 0x39]));
  return {
    edges: Array.from({ length: divisor }, (_, remainder) => [
      { on: rest, to: remainder },
      ...digits.map((on, digit) => ({ on, to: (remainder * 10 + digit) % divisor })),
    ]),
    accepting: Array.from({ length: divisor }, (_, remainder) => remainder === 0),
  };
}

/** Without the states that lead to no word. */
export function trimmed({ edges, accepting }: Machine): Machine {
  const before: number[][] = edges.map(() => []);
  edges.forEach((out, from) => {
    for (const { to } of out) before[to].push(from);
  });
  const isUseful = accepting.slice();
  const waiting = isUseful.flatMap((is, state) => (is ? [state] : []));
  for (let state = waiting.pop(); state !== undefined; state = waiting.pop()) {
    for (const from of before[state]) {
      if (isUseful[from]) continue;
      isUseful[from] = true;
      waiting.push(from);
    }
  }
  const kept = edges.flatMap((_, state) => (isUseful[state] || state === 0 ? [state] : []));
  const numbers = new Map(kept.map((state, i) => [state, i]));
  return {
    edges: kept.map((state) =>
      edges[state].flatMap(({ on, to }) => (isUseful[to] ? [{ on, to: numbers.get(to) as number }] : [])),
    ),
    accepting: kept.map((state) => accepting[state]),
  };
}
