// Numbers for a picture: rounded for the file, or invented where an example is needed.

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
