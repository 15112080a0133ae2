// RoPE by other angles, or of other rows than q and k.
import { cos, pow, sin } from "../../float.ts";
import type { Angles, Rotation, Tensor } from "../../ops/ops.ts";
import { createTensor, type ReferenceAngles } from "../../reference/tensor.ts";
import { inParts, type Mistake, stepOf } from "./mistake.ts";

const { bug } = inParts("attention");

/** Position of a row, where its step begins at `begin`. */
function positioned(cause: string, says: string, position: (row: number, begin: number) => number): Mistake {
  return bug(cause, says, (ops, _, steps) => ({
    angles: (positions, rotation) =>
      ops.angles(
        positions.map((_, row) => position(row, stepOf(row, positions.length, steps).begin)),
        rotation,
      ),
  }));
}

function turned(cause: string, says: string, change: (frequency: Float32Array) => Float32Array): Mistake {
  return bug(cause, says, (ops) => ({
    angles: (positions, rotation) =>
      ops.angles(positions, { ...rotation, inverseFrequency: change(rotation.inverseFrequency) }),
  }));
}

/** The nearest bfloat16, ties to even. */
function bfloat16(x: number): number {
  const bits = new Uint32Array(Float32Array.of(x).buffer);
  bits[0] = (bits[0] + 0x7fff + ((bits[0] >>> 16) & 1)) & 0xffff0000;
  return new Float32Array(bits.buffer)[0];
}

function anglesInBf16(positions: Int32Array, { inverseFrequency, attentionFactor }: Rotation): ReferenceAngles {
  const half = inverseFrequency.length;
  const [cosines, sines] = [createTensor(positions.length, half), createTensor(positions.length, half)];
  for (let i = 0; i < cosines.data.length; i++) {
    const angle = bfloat16(Math.fround(positions[Math.floor(i / half)] * inverseFrequency[i % half]));
    [cosines.data[i], sines.data[i]] = [cos(angle) * attentionFactor, sin(angle) * attentionFactor];
  }
  return { rows: positions.length, cosines, sines };
}

export const rotationMistakes: readonly Mistake[] = [
  bug("rope-on-q-alone", "RoPE of q alone", (ops) => {
    let isKey = true;
    return {
      rope(x, angles) {
        isKey = !isKey;
        return isKey ? x : ops.rope(x, angles);
      },
    };
  }),
  bug("rope-on-v", "RoPE of v, too", (ops) => {
    let seen: Angles | undefined;
    return {
      rope(x, angles) {
        seen = angles;
        return ops.rope(x, angles);
      },
      attention: (q, k, v: Tensor, spans, headDim) => ops.attention(q, k, seen ? ops.rope(v, seen) : v, spans, headDim),
    };
  }),
  positioned("rope-reversed", "RoPE turned the other way", (row) => -row),
  positioned("rope-shifted", "positions one too high after the first step", (row, begin) => row + Number(begin > 0)),
  positioned("rope-counted-twice", "the positions before a step counted twice", (row, begin) => row + begin),
  positioned("rope-restarted", "positions that begin anew at every step", (row, begin) => row - begin),
  ...[2, 4, 8, 16, 32].map((factor) =>
    turned("wrong-rope-scaling", `positions divided by ${factor}`, (frequency) => frequency.map((f) => f / factor)),
  ),
  bug("rope-over-hidden", "frequencies of RoPE spread over hiddenSize instead of headDim", (ops, config) => ({
    angles: (positions, rotation) =>
      ops.angles(positions, {
        ...rotation,
        inverseFrequency: rotation.inverseFrequency.map(
          (_, j) => 1 / pow(config.ropeTheta, (2 * j) / config.hiddenSize),
        ),
      }),
  })),
  turned("partial-rope", "RoPE of the first half of the frequencies alone", (frequency) =>
    frequency.map((f, j) => (j < frequency.length / 2 ? f : 0)),
  ),
  bug("rope-bf16", "angles of RoPE in bfloat16", () => ({ angles: anglesInBf16 })),
];
