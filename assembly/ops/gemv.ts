// y = W · x for one token: packed weights (packed.ts) times int8 activations (q8.ts), 8 rows at a time.
//
// Decode reads every weight once, so this runs as fast as memory does, if two things are seen to: each worker walks its
// rows as two streams, which keeps more cache lines in flight, and a loop body stays small enough for its registers.
import { groupBytes, headBytes, loadScales, Q4_0, Q4_K, Q5_K, Q6_K, Q8_0, stripBytes } from "../formats/packed";
import { dot, dotHigh, dotLow, FOUR, four, odd, Q, RECORD, RELAXED } from "../q8";

// A constant vector is built anew wherever it is used; one that comes from a mutable global stays in a register.
export let NIBBLE_MASK: i32 = 0x0f0f0f0f;
export let WORD_NIBBLE_MASK: i32 = 0x000f000f;
export let FIFTH_MASK: i32 = 0x10101010;
export let HIGH_MASK: i32 = 0x30303030;
export let SCALE_MASK: i32 = 0x8fffe000;

/**
 * y[r] = Σ W[r, c] · x[c] for r in [begin, end), both multiples of 8.
 *
 * y  f32[rows]        w  packed strips of 8 rows        x  cols / 32 records
 *
 * Integers are exact within a group of 32 columns (16 in Q6_K); then, group by group, left to right, in float32:
 *   Q4_0, Q8_0   y += (d · scale) · Σ
 *   Q4_K, Q5_K   y += (d · scale) · (s · Σ) − (dmin · scale) · (m · sum)
 *   Q6_K         y += (d · scale) · (s · Σ) for columns 0 … 15, then for 16 … 31
 */
export function gemv(format: i32, y: usize, w: usize, x: usize, cols: i32, begin: i32, end: i32): void {
  const strip = <usize>stripBytes(format, cols);
  const strips = (end - begin) >> 3;
  const half = (strips + 1) >> 1;
  w += <usize>(begin >> 3) * strip;
  y += <usize>begin << 2;
  for (let s = 0; s < half; s++) {
    // With an odd number of strips the last step does one of them twice.
    const t = min(s + half, strips - 1);
    const w1 = w + <usize>s * strip;
    const w2 = w + <usize>t * strip;
    const y1 = y + (<usize>s << 5);
    const y2 = y + (<usize>t << 5);
    if (format == Q4_0) gemvQ4_0(y1, y2, w1, w2, x, cols);
    else if (format == Q8_0) gemvQ8_0(y1, y2, w1, w2, x, cols);
    else if (format == Q4_K) gemvQ4_K(Q4_K, y1, y2, w1, w2, x, cols);
    else if (format == Q5_K) gemvQ4_K(Q5_K, y1, y2, w1, w2, x, cols);
    else gemvQ6_K(y1, y2, w1, w2, x, cols);
  }
}

/** What loadScales leaves out. */
@inline
export function twoTo112(): v128 {
  return f32x4.splat(reinterpret<f32>(0x77800000));
}

/** acc + (d · scale) · Σ for four rows. */
@inline
function add(acc: v128, d: v128, scale: v128, sum: v128): v128 {
  return f32x4.add(acc, f32x4.mul(f32x4.mul(d, scale), f32x4.convert_i32x4_s(sum)));
}

function gemvQ4_0(y1: usize, y2: usize, w1: usize, w2: usize, x: usize, cols: i32): void {
  const mask = i32x4.splat(RELAXED ? NIBBLE_MASK : WORD_NIBBLE_MASK);
  const scales = i32x4.splat(SCALE_MASK);
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (let i = 0; i < cols; i += 32) {
    // Σ (q − 8) · x = Σ q · x − 8 · sum
    let s = i32x4.shl(i32x4.neg(v128.load32_splat(x, 4)), 3);
    let t = s;
    let u = s;
    let v = s;
    let at1 = w1;
    let at2 = w2;
    let q = x + Q;
    for (let k = 0; k < 4; k++) {
      const low = four(q);
      const lowOdd = odd(q);
      const high = four(q + 4 * FOUR);
      const highOdd = odd(q + 4 * FOUR);
      let m = v128.load(at1, 16);
      let n = v128.load(at1, 32);
      s = dotLow(low, lowOdd, m, mask, s);
      t = dotLow(low, lowOdd, n, mask, t);
      s = dotHigh(high, highOdd, m, mask, s);
      t = dotHigh(high, highOdd, n, mask, t);
      m = v128.load(at2, 16);
      n = v128.load(at2, 32);
      u = dotLow(low, lowOdd, m, mask, u);
      v = dotLow(low, lowOdd, n, mask, v);
      u = dotHigh(high, highOdd, m, mask, u);
      v = dotHigh(high, highOdd, n, mask, v);
      at1 += 32;
      at2 += 32;
      q += FOUR;
    }
    const scale = f32x4.mul(v128.load32_splat(x), twoTo112());
    a = add(a, loadScales(w1, scales), scale, s);
    b = add(b, loadScales(w1 + 8, scales), scale, t);
    c = add(c, loadScales(w2, scales), scale, u);
    d = add(d, loadScales(w2 + 8, scales), scale, v);
    w1 += 144;
    w2 += 144;
    x += RECORD;
  }
  v128.store(y1, a, 0);
  v128.store(y1, b, 16);
  v128.store(y2, c, 0);
  v128.store(y2, d, 16);
}

function gemvQ8_0(y1: usize, y2: usize, w1: usize, w2: usize, x: usize, cols: i32): void {
  const mask = i32x4.splat(RELAXED ? NIBBLE_MASK : WORD_NIBBLE_MASK);
  const scales = i32x4.splat(SCALE_MASK);
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (let i = 0; i < cols; i += 32) {
    // A byte is 16 · high + low + −128: both nibbles fit a 7-bit operand, whatever the byte, so −128 is no exception.
    let s = i32x4.shl(i32x4.neg(v128.load32_splat(x, 4)), 3);
    let t = s;
    let u = s;
    let v = s;
    let sLow = i32x4.splat(0);
    let tLow = sLow;
    let uLow = sLow;
    let vLow = sLow;
    let at1 = w1;
    let at2 = w2;
    let q = x + Q;
    for (let g = 0; g < 8; g++) {
      const even = four(q);
      const odds = odd(q);
      let m = v128.load(at1, 16);
      sLow = dotLow(even, odds, m, mask, sLow);
      s = dotHigh(even, odds, m, mask, s);
      m = v128.load(at1, 32);
      tLow = dotLow(even, odds, m, mask, tLow);
      t = dotHigh(even, odds, m, mask, t);
      m = v128.load(at2, 16);
      uLow = dotLow(even, odds, m, mask, uLow);
      u = dotHigh(even, odds, m, mask, u);
      m = v128.load(at2, 32);
      vLow = dotLow(even, odds, m, mask, vLow);
      v = dotHigh(even, odds, m, mask, v);
      at1 += 32;
      at2 += 32;
      q += FOUR;
    }
    const scale = f32x4.mul(v128.load32_splat(x), twoTo112());
    a = add(a, loadScales(w1, scales), scale, i32x4.add(i32x4.shl(s, 4), sLow));
    b = add(b, loadScales(w1 + 8, scales), scale, i32x4.add(i32x4.shl(t, 4), tLow));
    c = add(c, loadScales(w2, scales), scale, i32x4.add(i32x4.shl(u, 4), uLow));
    d = add(d, loadScales(w2 + 8, scales), scale, i32x4.add(i32x4.shl(v, 4), vLow));
    w1 += 272;
    w2 += 272;
    x += RECORD;
  }
  v128.store(y1, a, 0);
  v128.store(y1, b, 16);
  v128.store(y2, c, 0);
  v128.store(y2, d, 16);
}

/** Four bytes as int32. */
@inline
export function unsignedBytes(address: usize): v128 {
  return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(address)));
}

@inline
export function signedBytes(address: usize): v128 {
  return i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(address)));
}

/** acc + (d · scale) · (s · Σ) − (dmin · scale) · (m · sum) for rows 4 · half … of a group. */
@inline
function addAffine(acc: v128, head: usize, group: usize, half: i32, x: usize, sum: v128): v128 {
  const scale = v128.load32_splat(x);
  const d = f32x4.mul(v128.load(head + (half << 4)), scale);
  const dmin = f32x4.mul(v128.load(head + 32 + (half << 4)), scale);
  const scaled = i32x4.mul(unsignedBytes(group + (half << 2)), sum);
  const minima = i32x4.mul(unsignedBytes(group + 8 + (half << 2)), v128.load32_splat(x, 4));
  return f32x4.add(
    acc,
    f32x4.sub(f32x4.mul(d, f32x4.convert_i32x4_s(scaled)), f32x4.mul(dmin, f32x4.convert_i32x4_s(minima))),
  );
}

/** Q4_K, and Q5_K, which adds a fifth bit to each nibble. */
@inline
function gemvQ4_K(format: i32, y1: usize, y2: usize, w1: usize, w2: usize, x: usize, cols: i32): void {
  const mask = i32x4.splat(NIBBLE_MASK);
  const fifth = i32x4.splat(FIFTH_MASK);
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (let i = 0; i < cols; i += 256) {
    const head1 = w1;
    const head2 = w2;
    w1 += headBytes(format);
    w2 += headBytes(format);
    for (let j = 0; j < 8; j++) {
      let s = i32x4.splat(0);
      let t = s;
      let u = s;
      let v = s;
      let at1 = w1;
      let at2 = w2;
      let q = x + Q;
      for (let k = 0; k < 4; k++) {
        const low = four(q);
        const lowOdd = odd(q);
        const high = four(q + 4 * FOUR);
        const highOdd = odd(q + 4 * FOUR);
        let m = v128.load(at1, 16);
        s = dot(low, lowOdd, lowFive(format, m, w1, 144, k, mask, fifth), s);
        s = dot(high, highOdd, highFive(format, m, w1, 144, k, mask, fifth), s);
        m = v128.load(at1, 32);
        t = dot(low, lowOdd, lowFive(format, m, w1, 160, k, mask, fifth), t);
        t = dot(high, highOdd, highFive(format, m, w1, 160, k, mask, fifth), t);
        m = v128.load(at2, 16);
        u = dot(low, lowOdd, lowFive(format, m, w2, 144, k, mask, fifth), u);
        u = dot(high, highOdd, highFive(format, m, w2, 144, k, mask, fifth), u);
        m = v128.load(at2, 32);
        v = dot(low, lowOdd, lowFive(format, m, w2, 160, k, mask, fifth), v);
        v = dot(high, highOdd, highFive(format, m, w2, 160, k, mask, fifth), v);
        at1 += 32;
        at2 += 32;
        q += FOUR;
      }
      a = addAffine(a, head1, w1, 0, x, s);
      b = addAffine(b, head1, w1, 1, x, t);
      c = addAffine(c, head2, w2, 0, x, u);
      d = addAffine(d, head2, w2, 1, x, v);
      w1 += groupBytes(format);
      w2 += groupBytes(format);
      x += RECORD;
    }
  }
  v128.store(y1, a, 0);
  v128.store(y1, b, 16);
  v128.store(y2, c, 0);
  v128.store(y2, d, 16);
}

/** Columns 4k … 4k + 3 of four rows: the low nibbles of `m`, in Q5_K with bit k of the byte at `bits` on top. */
@inline
export function lowFive(format: i32, m: v128, group: usize, bits: i32, k: i32, mask: v128, fifth: v128): v128 {
  const q = v128.and(m, mask);
  return format == Q4_K ? q : v128.or(q, v128.and(i16x8.shl(v128.load(group + bits), 4 - k), fifth));
}

/** Columns 16 + 4k …: the high nibbles, with bit 4 + k. */
@inline
export function highFive(format: i32, m: v128, group: usize, bits: i32, k: i32, mask: v128, fifth: v128): v128 {
  const q = v128.and(i16x8.shr_u(m, 4), mask);
  return format == Q4_K ? q : v128.or(q, v128.and(i16x8.shr_u(v128.load(group + bits), k), fifth));
}

function gemvQ6_K(y1: usize, y2: usize, w1: usize, w2: usize, x: usize, cols: i32): void {
  const mask = i32x4.splat(NIBBLE_MASK);
  const pair = i32x4.splat(HIGH_MASK);
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (let i = 0; i < cols; i += 256) {
    const head1 = w1;
    const head2 = w2;
    w1 += headBytes(Q6_K);
    w2 += headBytes(Q6_K);
    for (let j = 0; j < 8; j++) {
      // Σ (q − 32) · x = Σ q · x − 32 · sum, for each half of the columns
      let s = i32x4.shl(i32x4.neg(v128.load32_splat(x, 8)), 5);
      let t = s;
      let u = s;
      let v = s;
      let sHigh = i32x4.shl(i32x4.neg(v128.load32_splat(x, 12)), 5);
      let tHigh = sHigh;
      let uHigh = sHigh;
      let vHigh = sHigh;
      let at1 = w1;
      let at2 = w2;
      let q = x + Q;
      // Two k at a time: each uses half of a byte of high bits, with shifts that are constants.
      for (let p = 0; p < 64; p += 32) {
        let h = v128.load(w1 + p, 144);
        s = dot(four(q), odd(q), evenLow(v128.load(at1, 16), h, mask, pair), s);
        s = dot(four(q + FOUR), odd(q + FOUR), oddLow(v128.load(at1, 48), h, mask, pair), s);
        sHigh = dot(four(q + 4 * FOUR), odd(q + 4 * FOUR), evenHigh(v128.load(at1, 16), h, mask, pair), sHigh);
        sHigh = dot(four(q + 5 * FOUR), odd(q + 5 * FOUR), oddHigh(v128.load(at1, 48), h, mask, pair), sHigh);
        h = v128.load(w1 + p, 160);
        t = dot(four(q), odd(q), evenLow(v128.load(at1, 32), h, mask, pair), t);
        t = dot(four(q + FOUR), odd(q + FOUR), oddLow(v128.load(at1, 64), h, mask, pair), t);
        tHigh = dot(four(q + 4 * FOUR), odd(q + 4 * FOUR), evenHigh(v128.load(at1, 32), h, mask, pair), tHigh);
        tHigh = dot(four(q + 5 * FOUR), odd(q + 5 * FOUR), oddHigh(v128.load(at1, 64), h, mask, pair), tHigh);
        h = v128.load(w2 + p, 144);
        u = dot(four(q), odd(q), evenLow(v128.load(at2, 16), h, mask, pair), u);
        u = dot(four(q + FOUR), odd(q + FOUR), oddLow(v128.load(at2, 48), h, mask, pair), u);
        uHigh = dot(four(q + 4 * FOUR), odd(q + 4 * FOUR), evenHigh(v128.load(at2, 16), h, mask, pair), uHigh);
        uHigh = dot(four(q + 5 * FOUR), odd(q + 5 * FOUR), oddHigh(v128.load(at2, 48), h, mask, pair), uHigh);
        h = v128.load(w2 + p, 160);
        v = dot(four(q), odd(q), evenLow(v128.load(at2, 32), h, mask, pair), v);
        v = dot(four(q + FOUR), odd(q + FOUR), oddLow(v128.load(at2, 64), h, mask, pair), v);
        vHigh = dot(four(q + 4 * FOUR), odd(q + 4 * FOUR), evenHigh(v128.load(at2, 32), h, mask, pair), vHigh);
        vHigh = dot(four(q + 5 * FOUR), odd(q + 5 * FOUR), oddHigh(v128.load(at2, 64), h, mask, pair), vHigh);
        at1 += 64;
        at2 += 64;
        q += 2 * FOUR;
      }
      a = addSix(a, head1, w1, 0, x, s, sHigh);
      b = addSix(b, head1, w1, 1, x, t, tHigh);
      c = addSix(c, head2, w2, 0, x, u, uHigh);
      d = addSix(d, head2, w2, 1, x, v, vHigh);
      w1 += 208;
      w2 += 208;
      x += RECORD;
    }
  }
  v128.store(y1, a, 0);
  v128.store(y1, b, 16);
  v128.store(y2, c, 0);
  v128.store(y2, d, 16);
}

/** Columns 4k … of four rows for an even k: nibbles of `m` under bits 0, 1 of `h`; then the high columns, bits 2, 3. */
@inline
export function evenLow(m: v128, h: v128, mask: v128, pair: v128): v128 {
  return v128.or(v128.and(m, mask), v128.and(i16x8.shl(h, 4), pair));
}

@inline
export function evenHigh(m: v128, h: v128, mask: v128, pair: v128): v128 {
  return v128.or(v128.and(i16x8.shr_u(m, 4), mask), v128.and(i16x8.shl(h, 2), pair));
}

/** The same for an odd k: bits 4, 5 and 6, 7. */
@inline
export function oddLow(m: v128, h: v128, mask: v128, pair: v128): v128 {
  return v128.or(v128.and(m, mask), v128.and(h, pair));
}

@inline
export function oddHigh(m: v128, h: v128, mask: v128, pair: v128): v128 {
  return v128.or(v128.and(i16x8.shr_u(m, 4), mask), v128.and(i16x8.shr_u(h, 2), pair));
}

@inline
function addSix(acc: v128, head: usize, group: usize, half: i32, x: usize, low: v128, high: v128): v128 {
  const d = f32x4.mul(v128.load(head + (half << 4)), v128.load32_splat(x));
  const first = i32x4.mul(signedBytes(group + (half << 2)), low);
  const second = i32x4.mul(signedBytes(group + 8 + (half << 2)), high);
  acc = f32x4.add(acc, f32x4.mul(d, f32x4.convert_i32x4_s(first)));
  return f32x4.add(acc, f32x4.mul(d, f32x4.convert_i32x4_s(second)));
}
