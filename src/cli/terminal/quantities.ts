// Numbers as people read them.

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

/** 8339930560 → "8.34 B". */
export function formatCount(count: number): string {
  const scale = SCALES.find(([unit]) => count >= unit);
  return scale === undefined ? String(count) : `${threeDigits(count / scale[0])} ${scale[2]}`;
}

/** 65536 → "65,536". */
export function formatInteger(value: number): string {
  return value.toLocaleString("en-US");
}

export function formatDuration(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${threeDigits(milliseconds / 1000)} s`;
}

/** Full only when it is. */
export function percent(done: number, total: number): string {
  return `${Math.floor((100 * done) / Math.max(1, total))} %`;
}

export function threeDigits(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toPrecision(3);
}
