// Token ids to rows of the embedding matrix.
import { weightRow } from "./linear.ts";
import { createTensor, type ReferenceTensor, type ReferenceWeight, rowOf } from "./tensor.ts";

export function embed(ids: Int32Array, w: ReferenceWeight): ReferenceTensor {
  const y = createTensor(ids.length, w.cols);
  for (const [t, id] of ids.entries()) rowOf(y, t).set(weightRow(w, id));
  return y;
}
