// How far apart two runs may lie and still be called equal, by what they say they rounded.
import type { AboutRun, RecordedRun } from "../recorded/recorded-run.ts";

export interface RunTolerance {
  /** A point is within tolerance when no number is off by more than this times max(1, its largest number). */
  readonly factor: number;
  /** Or by more than this times the largest that is no outlier in its row, or times itself: see allowance.ts. */
  readonly minds?: "outliers";
  /** What one operation's result is rounded by, in part of it; undefined where operations are float32. */
  readonly ofResult?: number;
  readonly reason: string;
  /** What the runs round more coarsely than float32 does, and how to be held to float32; undefined where nothing is. */
  readonly wide?: WideTolerance;
}

export interface WideTolerance {
  /** "8-bit activations in A". */
  readonly rounding: string;
  /** An imperative: "Record A again with lfm2 trace, whose default is float32". */
  readonly remedy: string;
  /** A number that was asked for is what equal means. */
  readonly isEqual?: true;
}

/**
 * float32 on both sides: sums of up to some thousand products in another order. transformers itself differs by 1e-5
 * between one pass and token by token, and a float64 forward pass by up to 1.8e-5 from its float32; twice that.
 */
export const FLOAT32_FACTOR = 4e-5;
const FLOAT32: RunTolerance = { factor: FLOAT32_FACTOR, reason: "float32 on both sides, sums in another order" };
/** A half has 11 bits: keys and values are off by up to 2⁻¹², and a few layers of attention add to that. */
const F16_CACHE = 5e-3;
/** One scale for a head's numbers: off by up to max / 254, which is 16 times as much. */
const INT8_CACHE = 8e-2;
/** Activations in 8 bits at every product of every layer, and then the experts that a rounding chooses. */
const INT8_MODE = 0.25;

/** Arithmetic that a runtime may say it uses. */
export const precisions = ["f32", "bf16", "f16", "q8"] as const;
export type Precision = (typeof precisions)[number];

/**
 * Of arithmetic in 16 bits: transformers 5.18.0 in that dtype against its own float32, on the five models of
 * golden/transformers with 24 ids each, has its largest errors at 7.3 % (bfloat16) and 0.72 % (float16) of a point's
 * largest number, while no expert has flipped. A number's error is in part its own and for the rest spread over its row.
 * In 8 bits a block shares one scale, so that an outlier does hide what is beside it.
 */
const asked: Readonly<Record<Precision, RunTolerance>> = {
  f32: { factor: FLOAT32_FACTOR, reason: "float32 as asked for" },
  bf16: { ...byRequest(0.1, "bfloat16 arithmetic"), minds: "outliers", ofResult: 2 ** -8 },
  f16: { ...byRequest(0.0125, "float16 arithmetic"), minds: "outliers", ofResult: 2 ** -11 },
  q8: byRequest(INT8_MODE, "8-bit activations"),
};

function byRequest(factor: number, rounding: string): RunTolerance {
  return { factor, reason: `${rounding} as asked for`, wide: { rounding, remedy: "Leave --precision out" } };
}

/** As --tolerance has it, whatever the runs say. */
export function toleranceOfNumber(factor: number): RunTolerance {
  const reason = "as asked for";
  if (factor <= FLOAT32_FACTOR) return { factor, reason };
  return {
    factor,
    reason,
    wide: { rounding: "whatever --tolerance allows", remedy: "Leave --tolerance out", isEqual: true },
  };
}

/** A run that is said to be computed so, whatever it says itself. */
export function toleranceOfPrecision(precision: Precision): RunTolerance {
  return asked[precision];
}

/** The widest that either run asks for. A run that says nothing is taken for float32. */
export function toleranceOf(a: RecordedRun, b: RecordedRun): RunTolerance {
  if (roundAlike(a.about, b.about)) return FLOAT32;
  const widest = [...roundingsOf(a, b, "A"), ...roundingsOf(b, a, "B")].reduce<Rounding | undefined>(
    (most, one) => (most === undefined || one.factor > most.factor ? one : most),
    undefined,
  );
  if (widest === undefined) return FLOAT32;
  const { factor, rounding, remedy } = widest;
  return { factor, reason: rounding, wide: { rounding, remedy } };
}

interface Rounding extends WideTolerance {
  readonly factor: number;
}

function roundingsOf({ about, stored, inFloat32 }: RecordedRun, other: RecordedRun, label: "A" | "B"): Rounding[] {
  // A recording of ours may be made again, and against another program's in the same command.
  const again = `Record ${label} again with lfm2 trace, whose default is float32`;
  const anew = other.about === undefined ? `Leave ${label} to lfm2 compare -m MODEL ${other.name}` : again;
  const remedy = inFloat32 ?? anew;
  const found: Rounding[] = [];
  const add = (factor: number, what: string, how = remedy) =>
    found.push({ factor, rounding: `${what} in ${label}`, remedy: how });
  if (about?.mode === "int8" && hasIntegerProducts(about)) add(INT8_MODE, "8-bit activations");
  if (about?.kvType === "int8") add(INT8_CACHE, "an int8 KV cache");
  if (about?.kvType === "f16") add(F16_CACHE, "an f16 KV cache");
  const computed = `Write ${label}'s numbers as float32, or say --precision if it also computes so`;
  if (stored === "bf16") add(FLOAT32_FACTOR + 2 ** -8, "numbers stored as bfloat16", computed);
  if (stored === "f16") add(FLOAT32_FACTOR + 2 ** -11, "numbers stored as float16", computed);
  return found;
}

/** Block formats whose products int8 mode computes in 8 bits (assembly/packed/formats.ts); over others it is float32. */
export const INTEGER_PRODUCTS: readonly string[] = ["Q4_0", "Q8_0", "Q4_K", "Q5_K", "Q6_K"];

/** A run that does not say what its weights are may have any. */
function hasIntegerProducts({ blockFormats, quantize }: AboutRun): boolean {
  const formats = [...(blockFormats ?? INTEGER_PRODUCTS), ...(quantize === undefined ? [] : [quantize])];
  return formats.some((name) => INTEGER_PRODUCTS.includes(name.replace(/_[SM]$/, "")));
}

/** The same kernels on the same settings give the same bits, whatever they round. */
function roundAlike(a: AboutRun | undefined, b: AboutRun | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.mode === b.mode && a.kvType === b.kvType && a.backend === b.backend;
}
