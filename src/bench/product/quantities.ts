// Figures as tables show them.

/** 5120000000 → "5.12 GB"; powers of ten. */
export function bytesText(bytes: number): string {
  const [unit, suffix] = bytes >= 1e9 ? [1e9, "GB"] : bytes >= 1e6 ? [1e6, "MB"] : [1e3, "kB"];
  return `${threeDigits(bytes / unit)} ${suffix}`;
}

/** Three digits, and all of those before the point: 1234, 105, 46.2, 0.0312. */
export function threeDigits(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value === 0 ? "0" : value.toPrecision(3);
}

/** A share as a number of percent: 0.871 → "87.1". */
export function percentDigits(share: number): string {
  return threeDigits(100 * share);
}
