// Every parameter of a model among the tensors of its files, and the format that a backend will hold it in.
import type { Checkpoint } from "../formats/checkpoint.ts";
import type { QuantizationType } from "../formats/gguf/file-types.ts";
import type { Config } from "../model/config.ts";
import type { StoredWeight } from "../ops/backend.ts";
import { findParameters, type Parameter } from "../parameters/find-parameters.ts";
import { formatsAtLoad } from "../quantize/at-load.ts";

/** The files' part of a checkpoint that loading needs; tokenizer and template stay with the caller. */
export type WeightFiles = Pick<Checkpoint, "config" | "tensors" | "files">;

export interface FoundWeight extends Parameter {
  readonly stored: StoredWeight;
}

/** @throws FormatError for a tensor that is missing, of another shape, or of no use to the graph */
export function findWeights(
  config: Config,
  tensors: Checkpoint["tensors"],
  quantize: QuantizationType | undefined,
): { found: FoundWeight[]; warnings: readonly string[] } {
  const { parameters, warnings } = findParameters(config, tensors);
  const formatOf = formatsAtLoad(
    quantize,
    parameters.map(({ tensor }) => tensor),
  );
  const found = parameters.map((parameter): FoundWeight => {
    const { spec, tensor } = parameter;
    const format = { vector: "F32", router: tensor.format, matrix: formatOf(tensor) }[spec.role];
    return { ...parameter, stored: { ...spec, format } };
  });
  return { found, warnings };
}
