// Which random numbers a seed gives: xoshiro128**, its state expanded from the seed by SplitMix64. Integer arithmetic
// modulo 2³² and 2⁶⁴ only, so every engine draws the same numbers.

/** Any safe integer, or any bigint; taken modulo 2⁶⁴, so −1 and 2⁶⁴ − 1 are the same seed. */
export type Seed = number | bigint;

/** Two's-complement arithmetic of C's uint64_t. */
const u64 = (x: bigint): bigint => BigInt.asUintN(64, x);

/**
 * SplitMix64: consecutive 64-bit numbers from a 64-bit seed.
 *
 * @source Sebastiano Vigna, splitmix64.c (https://prng.di.unimi.it/splitmix64.c), public domain
 */
export function splitMix64(seed: bigint): () => bigint {
  let x = u64(seed);
  return () => {
    x = u64(x + 0x9e3779b97f4a7c15n);
    let z = x;
    z = u64((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = u64((z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  };
}

const rotateLeft = (x: number, by: number): number => (x << by) | (x >>> (32 - by));

/**
 * xoshiro128**: consecutive 32-bit numbers from a state of four 32-bit words, not all zero.
 *
 * @source Blackman and Vigna, xoshiro128starstar.c (https://prng.di.unimi.it/xoshiro128starstar.c), public domain
 */
export function xoshiro128(state: readonly [number, number, number, number]): () => number {
  let [s0, s1, s2, s3] = state;
  return () => {
    const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    const t = s1 << 9;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= t;
    s3 = rotateLeft(s3, 11);
    return result;
  };
}

/** The four state words of a seed: two outputs of SplitMix64, low half first (as Rust's rand_xoshiro does). */
export function expandSeed(seed: Seed): [number, number, number, number] {
  const next = splitMix64(BigInt(seed));
  const a = next();
  const b = next();
  const low = (x: bigint) => Number(x & 0xffffffffn);
  return [low(a), low(a >> 32n), low(b), low(b >> 32n)];
}

/**
 * Numbers in [0, 1), each a multiple of 2⁻⁵³: the high 27 bits of one output, then the high 26 bits of the next.
 *
 * @param seed  checked by validateSampling
 */
export function createRandom(seed: Seed): () => number {
  const next = xoshiro128(expandSeed(seed));
  return () => {
    const high = next() >>> 5;
    const low = next() >>> 6;
    return (high * 67108864 + low) / 9007199254740992; // (high · 2²⁶ + low) / 2⁵³
  };
}

/** A random seed: 53 bits from the platform's generator, so that it prints and repeats as a number. */
export function freshSeed(): number {
  const [a, b] = crypto.getRandomValues(new Uint32Array(2));
  return (a >>> 5) * 67108864 + (b >>> 6);
}
