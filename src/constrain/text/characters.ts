// Sets of Unicode characters, as ranges of scalar values.

/** Ascending, apart, not adjacent, inclusive at both ends, without surrogates. */
export type Characters = readonly (readonly [low: number, high: number])[];

const LAST = 0x10ffff;
// What UTF-8 cannot write.
const SURROGATES = [0xd800, 0xdfff] as const;

export const ANY: Characters = [
  [0, SURROGATES[0] - 1],
  [SURROGATES[1] + 1, LAST],
];

/** What needs no escape in any kind of string: runs of these are let through at once. */
export const ORDINARY: Characters = [
  [0x20, 0x21],
  [0x23, 0x26],
  [0x28, 0x5b],
  [0x5d, SURROGATES[0] - 1],
  [SURROGATES[1] + 1, LAST],
];

/** Ranges in any order, possibly overlapping. */
export function characters(...ranges: readonly (readonly [number, number])[]): Characters {
  const merged: [number, number][] = [];
  for (const [low, high] of [...ranges].sort(([a], [b]) => a - b)) {
    const last = merged.at(-1);
    if (last !== undefined && low <= last[1] + 1) last[1] = Math.max(last[1], high);
    else merged.push([low, high]);
  }
  return intersection(merged, ANY);
}

export function intersection(a: Characters, b: Characters): Characters {
  if (a === b || (b.length === 1 && contains(b[0], a))) return a;
  if (a.length === 1 && contains(a[0], b)) return b;
  const common: [number, number][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const low = Math.max(a[i][0], b[j][0]);
    const high = Math.min(a[i][1], b[j][1]);
    if (low <= high) common.push([low, high]);
    if (a[i][1] < b[j][1]) i++;
    else j++;
  }
  return common;
}

/** Whether a range has all of a set. */
function contains([low, high]: readonly [number, number], set: Characters): boolean {
  return set.length > 0 && low <= set[0][0] && set[set.length - 1][1] <= high;
}

export function complement(set: Characters): Characters {
  const rest: [number, number][] = [];
  let next = 0;
  for (const [low, high] of set) {
    if (low > next) rest.push([next, low - 1]);
    next = high + 1;
  }
  if (next <= LAST) rest.push([next, LAST]);
  return intersection(rest, ANY);
}
