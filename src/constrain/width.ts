// How many ways a text may go on at once. None is ever left out: a format with too many is refused, at compile time if
// that can be seen, or else when the output gets there.
import { tooLarge } from "./error.ts";
import { type Grammar, MAX_ALTERNATIVES, MAX_DEPTH } from "./grammar.ts";

/** Edges that are looked at; what is left then shows while the output is written. */
const MAX_WORK = 1 << 22;

/** @throws ConstraintError where a single place of the grammar has too many alternatives before it */
export function checkWidth({ first, symbols, calls, free, depths }: Grammar, subject: string): void {
  const seen = new Int32Array(depths.length).fill(-1);
  const waiting = new Int32Array(depths.length);
  const isPlace = new Uint8Array(depths.length);
  isPlace[first] = 1;
  for (const to of symbols.to) isPlace[to] = 1;
  let work = 0;
  for (let place = 0; place < depths.length && work < MAX_WORK; place++) {
    if (isPlace[place] === 0) continue;
    let [count, width] = [0, 0];
    const add = (state: number): void => {
      if (seen[state] === place || depths[state] > MAX_DEPTH) return;
      seen[state] = place;
      waiting[count++] = state;
    };
    add(place);
    for (let i = 0; i < count; i++) {
      const state = waiting[i];
      if (symbols.offsets[state] < symbols.offsets[state + 1] && ++width > MAX_ALTERNATIVES) {
        tooManyAlternatives(subject);
      }
      for (let edge = free.offsets[state]; edge < free.offsets[state + 1]; edge++) add(free.to[edge]);
      for (let edge = calls.offsets[state]; edge < calls.offsets[state + 1]; edge++) {
        if (depths[calls.to[edge]] <= MAX_DEPTH) add(calls.rule[edge]);
      }
      work += 1 + free.offsets[state + 1] - free.offsets[state] + calls.offsets[state + 1] - calls.offsets[state];
    }
  }
}

export function tooManyAlternatives(subject: string): never {
  tooLarge(
    subject,
    `at most ${MAX_ALTERNATIVES} alternatives at any place of the output`,
    "Ask for fewer, or for one enum of values in place of many schemas.",
  );
}
