// linear with a different matrix for each choice of each token.
import { dot, weightRow } from "./linear.ts";
import { createTensor, type ReferenceExpertIds, type ReferenceTensor, type ReferenceWeight, rowOf } from "./tensor.ts";

export function expertLinear(
  x: ReferenceTensor,
  w: ReferenceWeight,
  { ids, rows, k }: ReferenceExpertIds,
): ReferenceTensor {
  const y = createTensor(rows * k, w.rows);
  const perChoice = x.rows === rows * k; // else one row of x serves all k choices of its token
  for (let expert = 0; expert < w.experts; expert++) {
    if (!ids.includes(expert)) continue;
    for (let r = 0; r < w.rows; r++) {
      const row = weightRow(w, r, expert);
      for (let choice = 0; choice < ids.length; choice++) {
        if (ids[choice] !== expert) continue;
        y.data[choice * w.rows + r] = dot(row, rowOf(x, perChoice ? choice : Math.floor(choice / k)));
      }
    }
  }
  return y;
}
