// exp, sin and cos, made of + − × ÷ and operations on bits; the same expressions as src/float.ts, so the same bits.

/**
 * eˣ of four numbers: at most 1 ulp from the true value, 0 below −87.34, ∞ above 88.72. Cody and Waite, Cephes expf. Adding
 * n to the exponent of p multiplies p by 2ⁿ: p is near 1, and where the exponent would leave its range, x is outside these
 * bounds.
 */
@inline
export function expf4(x: v128): v128 {
  const shifter = f32x4.splat(12582912); // 1.5 · 2²³: adding it leaves the nearest integer in the low bits
  const shifted = f32x4.add(f32x4.mul(x, f32x4.splat(1.4426950408889634)), shifter);
  const n = f32x4.sub(shifted, shifter);
  let r = f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375)));
  r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(-2.1219444e-4)));
  let p = f32x4.splat(1.98756915e-4);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  p = f32x4.add(f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r), f32x4.splat(1));
  const y = i32x4.add(p, i32x4.shl(shifted, 23));
  const low = f32x4.gt(x, f32x4.splat(-87.33654022216797));
  const high = f32x4.gt(x, f32x4.splat(88.72283172607422));
  const bounded = v128.bitselect(f32x4.splat(Infinity), v128.and(y, low), high);
  return v128.or(bounded, f32x4.ne(x, x));
}

/** 1 / (1 + e⁻ˣ) of four numbers, each step rounded. */
@inline
export function sigmoid4(x: v128): v128 {
  const one = f32x4.splat(1);
  return f32x4.div(one, f32x4.add(one, expf4(f32x4.neg(x))));
}

/** sin on [−π/4, π/4] (fdlibm k_sin.c). */
@inline
function sinKernel(r: f64): f64 {
  const z = r * r;
  return (
    r +
    r *
      z *
      (-1.66666666666666324348e-1 +
        z *
          (8.33333333332248946124e-3 +
            z *
              (-1.98412698298579493134e-4 +
                z * (2.75573137070700676789e-6 + z * (-2.50507602534068634195e-8 + z * 1.58969099521155010221e-10)))))
  );
}

/** cos on [−π/4, π/4] (fdlibm k_cos.c). */
@inline
function cosKernel(r: f64): f64 {
  const z = r * r;
  return (
    1.0 -
    (0.5 * z -
      z *
        z *
        (4.16666666666666019037e-2 +
          z *
            (-1.38888888888741095749e-3 +
              z *
                (2.48015872894767294178e-5 +
                  z * (-2.75573143513906633035e-7 + z * (2.08757232129817482790e-9 + z * -1.13596475577881948265e-11))))))
  );
}

/** sin of x shifted by `quarters` quarter turns; |x| ≤ 2²⁰. π/2 in three parts and a tail (fdlibm e_rem_pio2.c). */
function sinQuarters(x: f64, quarters: i32): f64 {
  const n = x * 6.36619772367581382433e-1 + 6755399441055744.0 - 6755399441055744.0;
  const r =
    x -
    n * 1.57079632673412561417 -
    n * 6.07710050630396597660e-11 -
    n * 2.02226624871116645580e-21 -
    n * 8.47842766036889956997e-32;
  const quadrant = (<i32>n + quarters) & 3;
  const y = quadrant & 1 ? cosKernel(r) : sinKernel(r);
  return quadrant & 2 ? -y : y;
}

export function sin(x: f64): f64 {
  return sinQuarters(x, 0);
}

export function cos(x: f64): f64 {
  return sinQuarters(x, 1);
}
