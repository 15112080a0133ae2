// RMS norms: another eps, no weight, no norm at all.
import { byRow, weightOf, withRows } from "./columns.ts";
import { inParts, type Mistake } from "./mistake.ts";

/** A config has a power of ten; a fit to any number at all would be a fit to any mistake. */
const EPS = [0, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2];
const { bug } = inParts("norm", "final norm");
const { setting } = inParts("norm", "final norm", "attention");

function centred(row: Float32Array): Float32Array {
  const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
  return row.map((value) => value - mean);
}

export const normMistakes: readonly Mistake[] = [
  ...EPS.map((normEps) => setting("wrong-eps", (config) => `eps ${normEps} instead of ${config.normEps}`, { normEps })),
  inParts("norm").bug("missing-norm", "no norm", () => ({ rmsNorm: (x) => x })),
  inParts("final norm").bug("missing-final-norm", "no norm after the last layer", () => ({ rmsNorm: (x) => x })),
  bug("missing-norm-gain", "the norm's weight left out", (ops) => ({
    rmsNorm: (x, { cols }, eps) => ops.rmsNorm(x, weightOf(1, cols, new Float32Array(cols).fill(1)), eps),
  })),
  bug("norm-gain-plus-one", "1 added to the norm's weight", (ops) => ({
    rmsNorm: (x, w, eps) =>
      ops.rmsNorm(
        x,
        withRows(w, (row) => row.map((value) => value + 1)),
        eps,
      ),
  })),
  bug("layer-norm", "the mean subtracted, as LayerNorm does", (ops) => ({
    rmsNorm: (x, w, eps) => ops.rmsNorm(byRow(x, centred), w, eps),
  })),
];
