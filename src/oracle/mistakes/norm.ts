// RMS norms: another eps, no weight, no norm at all.
import { byRow, weightOf, withRows } from "./columns.ts";
import type { Mistake } from "./mistake.ts";

/** A config has a power of ten; a fit to any number at all would be a fit to any mistake. */
const EPS = [0, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2];
const parts = ["norm", "final norm"] as const;

export const normMistakes: readonly Mistake[] = [
  ...EPS.map(
    (normEps): Mistake => ({
      cause: "wrong-eps",
      says: (config) => `eps ${normEps} instead of ${config.normEps}`,
      parts: [...parts, "attention"],
      config: () => ({ normEps }),
    }),
  ),
  {
    cause: "missing-final-norm",
    says: "no norm after the last layer",
    parts: ["final norm"],
    ops: () => ({ rmsNorm: (x) => x }),
  },
  { cause: "missing-norm", says: "no norm", parts: ["norm"], ops: () => ({ rmsNorm: (x) => x }) },
  {
    cause: "missing-norm-gain",
    says: "the norm's weight left out",
    parts,
    ops: (ops) => ({
      rmsNorm: (x, { cols }, eps) => ops.rmsNorm(x, weightOf(1, cols, new Float32Array(cols).fill(1)), eps),
    }),
  },
  {
    cause: "norm-gain-plus-one",
    says: "1 added to the norm's weight",
    parts,
    ops: (ops) => ({
      rmsNorm: (x, w, eps) =>
        ops.rmsNorm(
          x,
          withRows(w, (row) => row.map((value) => value + 1)),
          eps,
        ),
    }),
  },
  {
    cause: "layer-norm",
    says: "the mean subtracted, as LayerNorm does",
    parts,
    ops: (ops) => ({
      rmsNorm: (x, w, eps) =>
        ops.rmsNorm(
          byRow(x, (row) => {
            const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
            return row.map((value) => value - mean);
          }),
          w,
          eps,
        ),
    }),
  },
];
