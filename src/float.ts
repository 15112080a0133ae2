// exp, log, pow, sin, cos from + − × ÷ and bits alone: JavaScript's own differ between engines in the last bits.
// assembly/float.ts holds the same expressions for the kernels; both give the same bits.
// biome-ignore-all lint/correctness/noPrecisionLoss: the digits are those of fdlibm and Cephes, to be found there.
// biome-ignore-all lint/suspicious/noApproximativeNumericConstant: log2 e stands as in the twin in assembly/.

const view = new DataView(new ArrayBuffer(8));
const bitsF32 = new Int32Array(1);
const asF32 = new Float32Array(bitsF32.buffer);
const f = Math.fround;

/** 2ⁿ for −1022 ≤ n ≤ 1023, in this order: putting each together from its bits takes longer than the rest of an exp. */
const POWERS = Float64Array.from({ length: 2046 }, (_, i) => {
  view.setInt32(0, (i + 1) << 20);
  return view.getFloat64(0);
});

/** 2ⁿ for −1022 ≤ n ≤ 1023, as a double. */
function pow2(n: number): number {
  return POWERS[n + 1022];
}

/** 2ⁿ for −126 ≤ n ≤ 127, as a float. */
function pow2f(n: number): number {
  bitsF32[0] = (n + 127) << 23;
  return asF32[0];
}

// Adding and subtracting 1.5 · 2ᵐ rounds to the nearest integer, ties to even.
const ROUND_F32 = 12582912; // 1.5 · 2²³
const ROUND_F64 = 6755399441055744; // 1.5 · 2⁵²

/**
 * eˣ in float32; less than 1 ulp from the true value, 0 below −87.34 (no subnormal results), ∞ above 88.72.
 *
 * x = n·ln 2 + r with |r| ≤ ln 2 / 2 and ln 2 in two parts (Cody and Waite), then a polynomial of degree 6 in r.
 */
export function expf(x: number): number {
  if (!(x > -87.33654022216797)) return Number.isNaN(x) ? x : 0;
  if (x > 88.72283172607422) return Number.POSITIVE_INFINITY;
  const n = f(f(f(x * f(1.4426950408889634)) + ROUND_F32) - ROUND_F32);
  let r = f(x - f(n * f(0.693359375)));
  r = f(r - f(n * f(-2.1219444e-4)));
  // Cephes expf coefficients: eʳ = 1 + r + r² · p(r)
  let p = f(1.98756915e-4);
  p = f(f(p * r) + f(1.3981999507e-3));
  p = f(f(p * r) + f(8.3334519073e-3));
  p = f(f(p * r) + f(4.1665795894e-2));
  p = f(f(p * r) + f(1.6666665459e-1));
  p = f(f(p * r) + f(5.0000001201e-1));
  p = f(f(f(p * f(r * r)) + r) + 1);
  // n reaches 128, one past the largest exponent, so the scale is applied in two halves.
  const half = n >> 1;
  return f(f(p * pow2f(half)) * pow2f(n - half));
}

/** eˣ in float64; less than 1 ulp from the true value; 0 below −708.39 (no subnormal results), ∞ above 709.78. */
export function exp(x: number): number {
  if (!(x > -708.39)) return Number.isNaN(x) ? x : 0;
  if (x > 709.782712893384) return Number.POSITIVE_INFINITY;
  const n = x * 1.4426950408889634 + ROUND_F64 - ROUND_F64;
  // ln 2 in two parts (fdlibm): n · LN2_HI is exact.
  const hi = x - n * 6.9314718036912381649e-1;
  const lo = n * 1.90821492927058770002e-10;
  const r = hi - lo;
  // fdlibm e_exp.c: r − r²·P(r²) gives eʳ through a rational form.
  const t = r * r;
  const c =
    r -
    t *
      (1.66666666666666019037e-1 +
        t *
          (-2.77777777770155933842e-3 +
            t * (6.61375632143793436117e-5 + t * (-1.6533902205465251539e-6 + t * 4.13813679705723846039e-8))));
  const y = 1 - (lo - (r * c) / (2 - c) - hi);
  const half = n >> 1;
  return y * pow2(half) * pow2(n - half);
}

/** Natural logarithm in float64, less than 1 ulp from the true value. NaN below 0, −∞ at 0. Subnormal arguments count as they are. */
export function log(x: number): number {
  if (!(x > 0)) return x === 0 ? Number.NEGATIVE_INFINITY : Number.NaN;
  if (x === Number.POSITIVE_INFINITY) return x;
  let k = 0;
  if (x < 2.2250738585072014e-308) {
    k = -54;
    x *= 18014398509481984;
  }
  view.setFloat64(0, x);
  let high = view.getInt32(0);
  k += (high >> 20) - 1023;
  high &= 0xfffff;
  // Mantissa to [√½, √2): fdlibm e_log.c.
  const i = (high + 0x95f64) & 0x100000;
  view.setInt32(0, high | (i ^ 0x3ff00000));
  k += i >> 20;
  const m = view.getFloat64(0) - 1;
  const s = m / (2 + m);
  const z = s * s;
  const w = z * z;
  const t1 = w * (3.999999999940941908e-1 + w * (2.222219843214978396e-1 + w * 1.531383769920937332e-1));
  const t2 =
    z *
    (6.66666666666673513e-1 +
      w * (2.857142874366239149e-1 + w * (1.818357216161805012e-1 + w * 1.479819860511658591e-1)));
  const r = t1 + t2;
  const half = 0.5 * m * m;
  return k * 6.9314718036912381649e-1 - (half - (s * (half + r) + k * 1.90821492927058770002e-10) - m);
}

/** xʸ in float64 for x > 0, as exp(y · log x): less than 2 · (1 + |y · log x|) ulp from the true value. */
export function pow(x: number, y: number): number {
  return exp(y * log(x));
}

// π/2 in three parts of 33 bits each and a tail (fdlibm e_rem_pio2.c): n · part is exact for |n| < 2²⁰.
const PIO2_1 = 1.57079632673412561417;
const PIO2_2 = 6.0771005063039659766e-11;
const PIO2_3 = 2.0222662487111664558e-21;
const PIO2_3T = 8.47842766036889956997e-32;

/** sin on [−π/4, π/4] (fdlibm k_sin.c). */
function sinKernel(r: number): number {
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
function cosKernel(r: number): number {
  const z = r * r;
  return (
    1 -
    (0.5 * z -
      z *
        z *
        (4.16666666666666019037e-2 +
          z *
            (-1.38888888888741095749e-3 +
              z *
                (2.48015872894767294178e-5 +
                  z *
                    (-2.75573143513906633035e-7 + z * (2.0875723212981748279e-9 + z * -1.13596475577881948265e-11))))))
  );
}

/** sin of x shifted by `quarters` quarter turns; |x| ≤ 2²⁰; less than 2.5 ulp and 2⁻⁵² from the true value. */
function sinQuarters(x: number, quarters: number): number {
  const n = x * 6.36619772367581382433e-1 + ROUND_F64 - ROUND_F64;
  const r = x - n * PIO2_1 - n * PIO2_2 - n * PIO2_3 - n * PIO2_3T;
  const quadrant = (n + quarters) & 3;
  const y = quadrant & 1 ? cosKernel(r) : sinKernel(r);
  return quadrant & 2 ? -y : y;
}

/** sin x in float64 for |x| ≤ 2²⁰ radians (a million positions); less than 2.5 ulp and 2⁻⁵² from the true value. */
export function sin(x: number): number {
  return sinQuarters(x, 0);
}

/** cos x in float64 for |x| ≤ 2²⁰ radians; less than 2.5 ulp and 2⁻⁵² from the true value. */
export function cos(x: number): number {
  return sinQuarters(x, 1);
}
