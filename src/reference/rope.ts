// Rotary position embedding over the halves of each head, as Hugging Face pairs them.
import { cos, sin } from "../float.ts";
import type { Rotation } from "../ops/ops.ts";
import { createTensor, type ReferenceAngles, type ReferenceTensor, rowOf } from "./tensor.ts";

export function angles(positions: Int32Array, { inverseFrequency, attentionFactor }: Rotation): ReferenceAngles {
  const half = inverseFrequency.length;
  const [cosines, sines] = [createTensor(positions.length, half), createTensor(positions.length, half)];
  for (const [t, position] of positions.entries()) {
    for (let j = 0; j < half; j++) {
      const angle = Math.fround(position * inverseFrequency[j]);
      cosines.data[t * half + j] = Math.fround(cos(angle)) * attentionFactor;
      sines.data[t * half + j] = Math.fround(sin(angle)) * attentionFactor;
    }
  }
  return { rows: positions.length, cosines, sines };
}

export function rope(x: ReferenceTensor, { cosines, sines }: ReferenceAngles): ReferenceTensor {
  const f = Math.fround;
  const y = createTensor(x.rows, x.cols);
  const half = cosines.cols;
  for (let t = 0; t < x.rows; t++) {
    const [from, to, c, s] = [rowOf(x, t), rowOf(y, t), rowOf(cosines, t), rowOf(sines, t)];
    for (let head = 0; head < x.cols; head += 2 * half) {
      for (let j = 0; j < half; j++) {
        const [a, b] = [head + j, head + j + half];
        to[a] = f(from[a] * c[j]) - f(from[b] * s[j]);
        to[b] = f(from[b] * c[j]) + f(from[a] * s[j]);
      }
    }
  }
  return y;
}
