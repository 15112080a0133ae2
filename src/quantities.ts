// Numbers as people read them, in text and in pictures.

const SCALES = [
  [1e9, "G", "B"],
  [1e6, "M", "M"],
  [1e3, "k", "k"],
] as const;

/** 6664960 → "6.66 MB"; powers of ten, as file managers count. */
export function formatBytes(bytes: number): string {
  const scale = SCALES.find(([unit]) => bytes >= unit);
  return scale === undefined ? `${bytes} B` : `${threeDigits(bytes / scale[0])} ${scale[1]}B`;
}

/** 125000000 → "0.13 GB": always in GB, for amounts that are compared with one another. */
export function formatGigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e10 ? 2 : 1)} GB`;
}

/** 8339930560 → "8.34 B", as parameters are counted. */
export function formatCount(count: number): string {
  const scale = SCALES.find(([unit]) => count >= unit);
  return scale === undefined ? String(count) : `${threeDigits(count / scale[0])} ${scale[2]}`;
}

/** 65536 → "65,536". */
export function formatInteger(value: number): string {
  return value.toLocaleString("en-US");
}

/** 350 → "350 ms", 1250 → "1.25 s". */
export function formatDuration(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${threeDigits(milliseconds / 1000)} s`;
}

/** Three digits, trailing zeros among them, and all of those before the point: 1234, 105, 46.0, 0.0312. */
export function threeDigits(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value === 0 ? "0" : value.toPrecision(3);
}

/** At most so many digits, without trailing zeros: 12.346, 46, 0.0012. */
export function shortest(value: number, digits: number): string {
  return String(Number(value.toPrecision(digits)));
}

/** An error or a tolerance, with an exponent where there would be many zeros: 0.5, 1.7e-5, inf. */
export function formatError(value: number, digits = 2): string {
  if (!Number.isFinite(value)) return String(value).replace("Infinity", "inf");
  const magnitude = Math.abs(value);
  const isPlain = magnitude === 0 || (magnitude >= 1e-3 && magnitude < 1e6);
  return isPlain ? shortest(value, digits) : value.toExponential(digits - 1).replace(/\.?0*e/, "e");
}

/** Rounded down, so that only all of it is 100 %. */
export function formatPercent(part: number, whole: number, decimals = 0): string {
  const scale = 10 ** decimals;
  return `${Math.floor((100 * scale * part) / whole) / scale} %`;
}

/** [2, 6, 10] → "2, 6, 10"; three or more in a row are joined: [0, 1, 2, 5] → "0–2, 5". Given: they ascend. */
export function formatRanges(values: readonly number[]): string {
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
