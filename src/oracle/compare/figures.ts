// The figures of a comparison as people read them.

/** Two digits are what an error has to say. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : "∞";
  const isSmall = value !== 0 && Math.abs(value) < 1e-3;
  return isSmall || Math.abs(value) >= 1e6
    ? value.toExponential(1).replace(".0e", "e")
    : String(Number(value.toPrecision(2)));
}

/** Rounded down, so that not all is never said of less. */
export function percent(share: number): string {
  return `${Math.floor(share * 1000) / 10} %`;
}
