// A guess without a second model: what followed the last ids where they stood before, in the prompt or in the answer.

/** Ids that may come next, the likeliest way on; none where there is nothing to go by. A draft model would be another. */
export type Proposer = (ids: readonly number[]) => readonly number[];

/** Fewer ids in common say little of what follows, and more than the most say no more than that. */
const FEWEST = 2;
const MOST = 8;
/** Ids that a guess holds at most. */
const LENGTH = 16;

/** Of the places where the last ids stood before, the one with the most of them, of equal ones the latest. */
export function promptLookup(ids: readonly number[]): readonly number[] {
  const { length } = ids;
  let best = 0;
  let shared = FEWEST - 1;
  for (let end = length - 1; end >= FEWEST && shared < MOST; end--) {
    let same = 0;
    while (same < MOST && same < end && ids[end - 1 - same] === ids[length - 1 - same]) same++;
    if (same <= shared) continue;
    shared = same;
    best = end;
  }
  return best === 0 ? [] : ids.slice(best, best + LENGTH);
}
