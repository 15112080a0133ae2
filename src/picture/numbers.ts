// Numbers for a picture: written for people, rounded for a file, and invented where an example is needed.

export function thousands(value: number): string {
  return value.toLocaleString("en-US");
}

/** 8339930560 → "8.34 B". */
export function short(value: number): string {
  const [unit, suffix] = value >= 1e9 ? [1e9, " B"] : value >= 1e6 ? [1e6, " M"] : value >= 1e3 ? [1e3, " k"] : [1, ""];
  return `${Number((value / unit).toPrecision(3))}${suffix}`;
}

/** [2, 6, 10] → "2, 6, 10"; three or more in a row are joined: [0, 1, 2, 5] → "0–2, 5". */
export function ranges(values: readonly number[]): string {
  const runs: [first: number, last: number][] = [];
  for (const value of values) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] === value - 1) run[1] = value;
    else runs.push([value, value]);
  }
  const shown = ([first, last]: [number, number]): string => {
    if (first === last) return String(first);
    return last === first + 1 ? `${first}, ${last}` : `${first}–${last}`;
  };
  return runs.map(shown).join(", ");
}

/** A hundredth of a pixel is enough. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** A number in [0, 1) that looks random and never changes. Source: the finalizer of MurmurHash3. */
export function shareOf(a: number, b: number): number {
  let x = Math.imul(a + 1, 0x9e3779b1) ^ Math.imul(b + 1, 0x85ebca77);
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
}
