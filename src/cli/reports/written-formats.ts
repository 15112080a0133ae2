// What a written model is made of, format by format, as lines of a summary.
import type { FormatName } from "../../blocks/formats.ts";
import { alignColumns } from "../../columns.ts";
import { formatBytes, formatCount } from "../../quantities.ts";

export interface WrittenTensor {
  readonly format: FormatName;
  readonly weights: number;
  readonly bytes: number;
}

/** Most bytes first. */
export function formatLines(tensors: readonly WrittenTensor[]): string[] {
  const rows = [...new Set(tensors.map(({ format }) => format))].map((format) => {
    const own = tensors.filter((tensor) => tensor.format === format);
    const weights = own.reduce((sum, tensor) => sum + tensor.weights, 0);
    return { format, count: own.length, weights, bytes: own.reduce((sum, tensor) => sum + tensor.bytes, 0) };
  });
  rows.sort((a, b) => b.bytes - a.bytes);
  return alignColumns(
    rows.map(({ format, count, weights, bytes }) => [
      format,
      `${count} ${count === 1 ? "tensor" : "tensors"}`,
      `${formatCount(weights)} weights`,
      formatBytes(bytes),
    ]),
    "lrrr",
  );
}
