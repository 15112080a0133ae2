// Finding infinite scales and weights, and NaN: all bits of their exponents are set.

/**
 * Index of the first of `count` blocks of `stride` bytes whose u16 at `offset` has all bits of `mask` set; -1 if none has.
 * If `stride` is 2 or 4, a block is one float, and sixteen bytes are examined at a time (`offset` is then 0 or 2).
 */
export function firstMasked(blocks: usize, stride: i32, count: i32, offset: i32, mask: i32): i32 {
  let i = 0;
  if (stride == 2) {
    const masks = i16x8.splat(<i16>mask);
    while (i + 8 <= count && !v128.any_true(i16x8.eq(v128.and(v128.load(blocks + (i << 1)), masks), masks))) i += 8;
  } else if (stride == 4) {
    const masks = i32x4.splat(mask << 16);
    while (i + 4 <= count && !v128.any_true(i32x4.eq(v128.and(v128.load(blocks + (i << 2)), masks), masks))) i += 4;
  }
  for (let at = blocks + i * stride + offset; i < count; i++) {
    if ((<i32>load<u16>(at) & mask) == mask) return i;
    at += stride;
  }
  return -1;
}
