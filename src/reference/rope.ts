// Rotary position embedding over the halves of each head, as Hugging Face pairs them.
import { cos, sin } from "../float.ts";
import type { Rotation } from "../ops/ops.ts";
import { createTensor, type ReferenceTensor, rowOf } from "./tensor.ts";

export function rope(x: ReferenceTensor, rotation: Rotation, start: number): ReferenceTensor {
  const { inverseFrequency, attentionFactor } = rotation;
  const f = Math.fround;
  const y = createTensor(x.rows, x.cols);
  const half = inverseFrequency.length;
  for (let t = 0; t < x.rows; t++) {
    const from = rowOf(x, t);
    const to = rowOf(y, t);
    for (let j = 0; j < half; j++) {
      const angle = f((start + t) * inverseFrequency[j]);
      const c = f(f(cos(angle)) * attentionFactor);
      const s = f(f(sin(angle)) * attentionFactor);
      for (let a = j; a < x.cols; a += 2 * half) {
        const b = a + half;
        to[a] = f(from[a] * c) - f(from[b] * s);
        to[b] = f(from[b] * c) + f(from[a] * s);
      }
    }
  }
  return y;
}
