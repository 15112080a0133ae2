// How far apart two runs may lie and still be called equal, by what they say of their arithmetic.
import type { AboutRun } from "../recorded/recorded-run.ts";

export interface RunTolerance {
  /** A point is within tolerance when no number is off by more than this times max(1, its largest number). */
  readonly factor: number;
  readonly reason: string;
}

/**
 * float32 on both sides: sums of up to some thousand products in another order. transformers itself differs by 1e-5
 * between one pass and token by token, and a float64 forward pass by up to 1.8e-5 from its float32; twice that.
 */
const FLOAT32 = { factor: 4e-5, reason: "float32 on both sides, sums in another order" };
/** A half has 11 bits: keys and values are off by up to 2⁻¹², and a few layers of attention add to that. */
const F16_CACHE = { factor: 5e-3, reason: "an f16 KV cache on one side or both" };
/** One scale for a head's numbers: off by up to max / 254, which is 16 times as much. */
const INT8_CACHE = { factor: 8e-2, reason: "an int8 KV cache on one side or both" };
/** Activations in 8 bits at every product of every layer, and then the experts that a rounding chooses. */
const INT8_MODE = { factor: 0.25, reason: "8-bit activations on one side or both" };

/** The widest that either run asks for. A run that says nothing is taken for float32. */
export function toleranceOf(a: AboutRun | undefined, b: AboutRun | undefined): RunTolerance {
  const runs = [a, b];
  const isSame = a !== undefined && b !== undefined && a.mode === b.mode && a.kvType === b.kvType;
  if (isSame && a.backend === b.backend) return FLOAT32; // rounding alike
  if (runs.some((run) => run?.mode === "int8")) return INT8_MODE;
  if (runs.some((run) => run?.kvType === "int8")) return INT8_CACHE;
  if (runs.some((run) => run?.kvType === "f16")) return F16_CACHE;
  return FLOAT32;
}
