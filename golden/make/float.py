"""Values of exp, log, pow, sin and cos to about 30 digits, for src/float.ts and its twin in assembly/.

usage: float.py golden/float/values.json        needs: Python 3.9 or newer, nothing else
"""
import json, math, platform, random, struct, sys
from decimal import Decimal as D, getcontext

getcontext().prec = 120
rng = random.Random(23)


def pi():
    """Machin: π = 16 atan(1/5) − 4 atan(1/239)."""
    def atan_inverse(n):
        term = total = D(1) / n
        k = 1
        while abs(term) > D(10) ** -118:
            term /= -n * n
            k += 2
            total += term / k
        return total
    return 16 * atan_inverse(5) - 4 * atan_inverse(239)


PI = pi()


def sin(x):
    """Taylor series after reduction to [−π/4, π/4]; the quarter turns choose sine or cosine and the sign."""
    n = int((x / (PI / 2)).to_integral_value())
    r = x - n * (PI / 2)
    first = n % 2  # an odd number of quarter turns makes it a cosine
    term, k, total = (D(1), 0, D(1)) if first else (r, 1, r)
    while term and abs(term) > D(10) ** -118 * abs(total):
        term *= -r * r / ((k + 1) * (k + 2))
        k += 2
        total += term
    return -total if n % 4 >= 2 else total


def cos(x):
    return sin(x + PI / 2)


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def split(value):
    """A double next to the value, and the rest: together about 32 digits."""
    high = float(value)
    return [high, float(value - D(high))]


def steps(x, count):
    """x and its neighbours among the doubles."""
    below = above = x
    found = [x]
    for _ in range(count):
        below, above = math.nextafter(below, -math.inf), math.nextafter(above, math.inf)
        found += [below, above]
    return found


def uniform(low, high, count):
    return [rng.uniform(low, high) for _ in range(count)]


def log_uniform(low, high, count):
    return [2.0 ** rng.uniform(low, high) for _ in range(count)]


LN2 = math.log(2)
exp_edges = [0.0, -0.0, 1.0, -1.0] + [s * 2.0 ** -k for k in range(1, 60, 4) for s in (1, -1)]
half_ln2 = [s * (k + 0.5) * LN2 for k in range(0, 120, 6) for s in (1, -1)]  # where the reduction changes n
inputs = {
    "expf": sorted({f32(x) for x in exp_edges + half_ln2 + uniform(-87.33, 88.72, 160) + uniform(-3, 3, 40) + uniform(-20, 0, 40)
                    + [-87.33654022216797 + 7.7e-6, 88.72283172607422, 88.7, -87.3] if -87.3365402 < x <= 88.7228318}),
    "exp": sorted(set(exp_edges + half_ln2 + uniform(-708.3, 709.7, 140) + uniform(-50, 0, 60) + uniform(-1, 1, 30)
                      + [-708.3899999999999, -708.38, 709.782712893384, 709.78, 709.0])),
    "log": sorted(set(steps(1.0, 20) + [1 + s * 2.0 ** -k for k in range(2, 50, 2) for s in (1, -1)] + steps(math.sqrt(0.5), 3)
                      + steps(math.sqrt(2), 3) + [2.0 ** k for k in range(-1074, 1024, 61)] + log_uniform(-1074, -1022, 20)
                      + log_uniform(-1022, 1023, 80) + uniform(0.5, 2, 60) + [sys.float_info.max, sys.float_info.min, 5e-324, math.e])),
    "sin": sorted(set([0.0, 5e-324, 1e-300, 1e-8, 2.0 ** -27, 2.0 ** 20, -(2.0 ** 20), 128000.0, -128000.0]
                      + [s * 2.0 ** -k for k in range(0, 40, 4) for s in (1, -1)]
                      # Next to multiples of a quarter turn, up to 128,000 radians and up to 2²⁰.
                      + [float(k * PI / 2) for k in list(range(1, 40)) + [rng.randint(40, 81487) for _ in range(60)]
                         + [rng.randint(81487, 667543) for _ in range(30)]]
                      + [float((k + D("0.5")) * PI / 2) for k in [rng.randint(0, 667543) for _ in range(30)]]
                      + [float(rng.randint(0, 127999)) for _ in range(40)] + uniform(-128000, 128000, 40) + uniform(-4, 4, 30))),
}
inputs["cos"] = inputs["sin"]
# RoPE's frequencies theta^(−2i/d), and powers at large.
powers = [(theta, -2 * i / d) for theta, d in ((1e6, 64), (5e6, 64), (1e6, 32)) for i in range(0, d // 2)]
powers += [(2.0 ** rng.uniform(-20, 20), rng.uniform(-20, 20)) for _ in range(200)] + [(x, 1.0) for x in uniform(0.5, 2, 10)]
powers += [(10.0, float(k)) for k in range(-300, 301, 60)]

functions = {"expf": D.exp, "exp": D.exp, "log": D.ln, "sin": sin, "cos": cos}
values = {name: [[x, *split(f(D(x)))] for x in inputs[name]] for name, f in functions.items()}
values["pow"] = [[x, y, *split((D(y) * D(x).ln()).exp())] for x, y in powers]
made_by = f"Python {platform.python_version()} decimal, {getcontext().prec} digits"
with open(sys.argv[1], "w") as file:
    json.dump({"made_by": made_by, "columns": "arguments, the nearest double, what that lacks", **values}, file)
print({name: len(rows) for name, rows in values.items()})
