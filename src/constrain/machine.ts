// Deterministic automata over characters: of a regular expression, of a length, of all words but some, and of what two
// of them have in common. Strings, keys and numbers of a schema are each one such machine.
import { ANY, type Characters, characters, complement, intersection, ORDINARY } from "./characters.ts";
import { ConstraintError } from "./error.ts";
import type { Regex } from "./regex.ts";

/** State 0 is the first. Edges of one state have no character in common. From every state but 0 a word can be ended. */
export interface Machine {
  readonly edges: readonly (readonly { readonly on: Characters; readonly to: number }[])[];
  readonly accepting: readonly boolean[];
}

/** A pattern may ask for exponentially many states, `(a|b)*a(a|b){20}` for one. */
const MAX_STATES = 20_000;
const MAX_EDGES = 200_000;
const MAX_PAIRS = 100_000;
/** Of the nondeterministic automaton, once its repetitions are written out. */
const MAX_PARTS = 10_000;

/** Nodes of the nondeterministic automaton, with edges that consume nothing. */
interface Nodes {
  readonly steps: { on: Characters; to: number }[][];
  readonly free: { to: number; only?: "start" | "end" }[][];
}

/**
 * @param whole  whether a word has to match from its beginning to its end, or somewhere, as `RegExp.test` has it
 * @throws ConstraintError when the machine would be too large
 */
export function regexMachine(regex: Regex, subject: string, { whole }: { readonly whole: boolean }): Machine {
  const parts = sizeOf(regex);
  if (parts > MAX_PARTS) {
    tooLarge(subject, `${MAX_PARTS} parts once its repetitions are written out`, "Repeat less.");
  }
  const nodes: Nodes = { steps: [], free: [] };
  const node = (): number => {
    nodes.free.push([]);
    return nodes.steps.push([]) - 1;
  };
  const emit = (piece: Regex, from: number): number => {
    switch (piece.kind) {
      case "characters": {
        const to = node();
        nodes.steps[from].push({ on: piece.set, to });
        return to;
      }
      case "start":
      case "end": {
        const to = node();
        nodes.free[from].push({ to, only: piece.kind });
        return to;
      }
      case "sequence":
        return piece.parts.reduce((at, part) => emit(part, at), from);
      case "choice": {
        const to = node();
        for (const part of piece.parts) nodes.free[emit(part, from)].push({ to });
        return to;
      }
      case "repeat": {
        let at = from;
        for (let i = 0; i < piece.min; i++) at = emit(piece.of, at);
        if (piece.max === Number.POSITIVE_INFINITY) {
          const loop = node();
          nodes.free[at].push({ to: loop });
          nodes.free[emit(piece.of, loop)].push({ to: loop });
          return loop;
        }
        const to = node();
        nodes.free[at].push({ to });
        for (let i = piece.min; i < piece.max; i++) {
          at = emit(piece.of, at);
          nodes.free[at].push({ to });
        }
        return to;
      }
    }
  };
  const first = node();
  if (!whole) nodes.steps[first].push({ on: ANY, to: first });
  const begin = node();
  nodes.free[first].push({ to: begin });
  const last = emit(regex, begin);
  if (!whole) nodes.steps[last].push({ on: ANY, to: last });
  return determine(nodes, first, last, subject);
}

function sizeOf(regex: Regex): number {
  if (regex.kind === "repeat") {
    const times = regex.max === Number.POSITIVE_INFINITY ? regex.min + 1 : Math.max(1, regex.max);
    return 1 + times * sizeOf(regex.of);
  }
  if (regex.kind === "sequence" || regex.kind === "choice") {
    return regex.parts.reduce((sum, part) => sum + sizeOf(part), 1);
  }
  return 1;
}

/** The subset construction. */
function determine(nodes: Nodes, first: number, last: number, subject: string): Machine {
  const closure = (from: Iterable<number>, allowed: { start: boolean; end: boolean }): Set<number> => {
    const reached = new Set(from);
    for (const at of reached) {
      for (const { to, only } of nodes.free[at]) if (only === undefined || allowed[only]) reached.add(to);
    }
    return reached;
  };
  const edges: { on: Characters; to: number }[][] = [];
  const accepting: boolean[] = [];
  const found = new Map<string, number>();
  const waiting: { members: Set<number>; isFirst: boolean }[] = [];
  let edgeCount = 0;

  const stateOf = (from: Iterable<number>, isFirst: boolean): number => {
    const members = closure(from, { start: isFirst, end: false });
    // `^` holds in the first state only, so a state that looks the same is another one.
    const key = (isFirst ? "^" : "") + [...members].sort((a, b) => a - b).join();
    const known = found.get(key);
    if (known !== undefined) return known;
    if (waiting.length >= MAX_STATES)
      tooLarge(subject, `${MAX_STATES} states`, "Write a pattern with fewer alternatives.");
    found.set(key, waiting.length);
    accepting.push(closure(members, { start: isFirst, end: true }).has(last));
    return waiting.push({ members, isFirst }) - 1;
  };
  stateOf([first], true);
  for (let state = 0; state < waiting.length; state++) {
    const steps = [...waiting[state].members].flatMap((node) => nodes.steps[node]);
    const to = new Map<number, (readonly [number, number])[]>();
    for (const { range, targets } of cells(steps)) {
      const next = stateOf(targets, false);
      const ranges = to.get(next);
      if (ranges === undefined) to.set(next, [range]);
      else ranges.push(range);
    }
    edgeCount += to.size;
    if (edgeCount > MAX_EDGES) tooLarge(subject, `${MAX_EDGES} edges`, "Write a pattern with fewer alternatives.");
    edges.push(Array.from(to, ([next, ranges]) => ({ on: characters(...ranges), to: next })));
  }
  return trimmed({ edges, accepting });
}

/** Without the states that lead to no word. */
function trimmed({ edges, accepting }: Machine): Machine {
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

/** Cuts the steps' characters into ranges that each lead to one set of nodes. */
function cells(
  steps: readonly { readonly on: Characters; readonly to: number }[],
): { range: readonly [number, number]; targets: number[] }[] {
  const bounds = [...new Set(steps.flatMap(({ on }) => on.flatMap(([low, high]) => [low, high + 1])))].sort(
    (a, b) => a - b,
  );
  const index = new Map(bounds.map((bound, i) => [bound, i]));
  const targets: Set<number>[] = bounds.map(() => new Set());
  for (const { on, to } of steps) {
    for (const [low, high] of on) {
      const end = index.get(high + 1) as number;
      for (let i = index.get(low) as number; i < end; i++) targets[i].add(to);
    }
  }
  return targets.flatMap((set, i) =>
    set.size === 0 ? [] : [{ range: [bounds[i], bounds[i + 1] - 1] as const, targets: [...set] }],
  );
}

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
    // What leads back to itself goes on without end.
    let left = at === undefined ? -1 : (freedom[at] ?? ENDLESS);
    for (const each of path.reverse()) {
      left = Math.min(left + 1, ENDLESS);
      freedom[each] = left;
    }
  });
  return freedom;
}

const containsOrdinary = (set: Characters): boolean => intersection(set, ORDINARY).join() === ORDINARY.join();

/** Words of both. @throws ConstraintError when the machine would be too large */
export function both(a: Machine, b: Machine, subject: string): Machine {
  const edges: { on: Characters; to: number }[][] = [];
  const accepting: boolean[] = [];
  const found = new Map<number, number>();
  const pairs: (readonly [number, number])[] = [];
  const stateOf = (i: number, j: number): number => {
    const key = i * b.edges.length + j;
    const known = found.get(key);
    if (known !== undefined) return known;
    if (pairs.length >= MAX_PAIRS) tooLarge(subject, `${MAX_PAIRS} states`, "Ask for shorter words.");
    found.set(key, pairs.length);
    accepting.push(a.accepting[i] && b.accepting[j]);
    return pairs.push([i, j]) - 1;
  };
  stateOf(0, 0);
  for (let state = 0; state < pairs.length; state++) {
    const [i, j] = pairs[state];
    const out: { on: Characters; to: number }[] = [];
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

/** These words. */
export function wordsMachine(words: readonly string[]): Machine {
  const { tree, isWord } = wordTree(words);
  return {
    edges: tree.map((children) => Array.from(children, ([code, to]) => ({ on: characters([code, code]), to }))),
    accepting: isWord,
  };
}

/** All words but these. */
export function allBut(words: readonly string[]): Machine {
  const { tree, isWord } = wordTree(words);
  const other = tree.length;
  const edges = tree.map((children) => {
    const codes = characters(...Array.from(children.keys(), (code) => [code, code] as const));
    const known = Array.from(children, ([code, to]) => ({ on: characters([code, code]), to }));
    return [...known, { on: complement(codes), to: other }];
  });
  return { edges: [...edges, [{ on: ANY, to: other }]], accepting: [...isWord.map((is) => !is), true] };
}

/** Words that begin alike share their beginning. */
function wordTree(words: readonly string[]): { tree: Map<number, number>[]; isWord: boolean[] } {
  const tree = [new Map<number, number>()];
  const isWord = [false];
  for (const word of words) {
    let at = 0;
    for (const character of word) {
      const code = character.codePointAt(0) as number;
      const next = tree[at].get(code) ?? tree.push(new Map()) - 1;
      tree[at].set(code, next);
      isWord[next] ??= false;
      at = next;
    }
    isWord[at] = true;
  }
  return { tree, isWord };
}

/** Decimal integers, `-` before them or not, that `divisor` divides. Other characters are not its concern. */
export function multiplesOf(divisor: number): Machine {
  const digits = characters([0x30, 0x39]);
  const rest = complement(digits);
  return {
    edges: Array.from({ length: divisor }, (_, remainder) => [
      { on: rest, to: remainder },
      ...Array.from({ length: 10 }, (_, digit) => ({
        on: characters([0x30 + digit, 0x30 + digit]),
        to: (remainder * 10 + digit) % divisor,
      })),
    ]),
    accepting: Array.from({ length: divisor }, (_, remainder) => remainder === 0),
  };
}

function tooLarge(subject: string, expected: string, remedy: string): never {
  throw new ConstraintError(`${subject}: expected an automaton of at most ${expected}, found a larger one. ${remedy}`);
}
