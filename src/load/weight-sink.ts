// The way of a tensor's bytes from its file into a backend: as they are, quantized, or widened.

import { nonFinite } from "../blocks/finite.ts";
import { blockFormats, decodeRow, type FormatName, rowBytes } from "../blocks/formats.ts";
import type { TensorSink } from "../formats/stream-tensors.ts";
import type { PlacedWeight } from "../ops/backend.ts";
import { recodingSink } from "../quantize/at-load.ts";
import { WeightError } from "../wasm/backend.ts";
import type { FoundWeight } from "./find-weights.ts";

/**
 * Blocks go to the backend as they are, or quantized; vectors are few and small: they are gathered, then widened.
 * @returns a sink that throws WeightError for infinite weights and NaN
 */
export function weightSink({ spec, tensor, stored }: FoundWeight, placed: PlacedWeight): TensorSink {
  const held = stored.format as FormatName;
  const { granule, rooms } = placed;
  const write = (at: number, bytes: Uint8Array): void => {
    const found = placed.write(at, bytes);
    if (found >= 0) throw new WeightError(nonFinite(tensor, held, bytes, at, found));
  };
  if (spec.role !== "vector") {
    return held === tensor.format
      ? { tensor, granule, rooms, write }
      : { ...recodingSink(tensor, held, { granule, write }), rooms };
  }
  const format = blockFormats[tensor.format];
  const blocks = new Uint8Array(spec.rows * rowBytes(format, spec.cols));
  let missing = blocks.byteLength;
  return {
    tensor,
    rooms,
    write(at, bytes) {
      blocks.set(bytes, at);
      missing -= bytes.byteLength;
      if (missing > 0) return;
      const numbers = new Float32Array(spec.rows * spec.cols);
      decodeRow(format, blocks, 0, numbers, numbers.length);
      write(0, new Uint8Array(numbers.buffer));
    },
  };
}
