// Weights that are quantized on their way into a backend: the same mix and the same blocks as in a file.

import { blockFormats, type FormatName, rowBytes } from "../blocks/formats.ts";
import type { StoredTensor } from "../formats/checkpoint.ts";
import type { QuantizationType } from "../formats/gguf/file-types.ts";
import { createRecoder } from "../formats/recode.ts";
import type { TensorSink } from "../formats/stream-tensors.ts";
import { mixOf } from "./mix.ts";

/** The format to hold each matrix in. What a file has quantized already stays as it is. */
export function formatsAtLoad(
  type: QuantizationType | undefined,
  tensors: Iterable<StoredTensor>,
): (tensor: StoredTensor) => FormatName {
  if (type === undefined) return ({ format }) => format;
  const mix = mixOf(type, tensors);
  return ({ name, format }) => {
    const isFloat = blockFormats[format].blockLength === 1;
    return isFloat ? (mix.get(name) ?? format) : format;
  };
}

/** Takes the tensor's rows as the file has them and hands them on as blocks of `format`, `granule` bytes or more at once. */
export function recodingSink(
  tensor: StoredTensor,
  format: FormatName,
  { granule, write }: Required<Omit<TensorSink, "tensor" | "rooms">>,
): TensorSink {
  const cols = tensor.shape[tensor.shape.length - 1];
  const before = rowBytes(blockFormats[tensor.format], cols);
  const after = rowBytes(blockFormats[format], cols);
  const recode = createRecoder(tensor, blockFormats[format]);
  const rows = Math.ceil(granule / after);
  return {
    tensor,
    granule: rows * before,
    write: (at, bytes) => write((at / before) * after, recode(bytes, at)),
  };
}
