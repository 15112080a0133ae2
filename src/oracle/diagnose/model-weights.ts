// The weights a diagnosis recomputes with: read when asked for, and no more of them than it needs.
import { blockFormats, decodeRow, rowBytes } from "../../blocks/formats.ts";
import type { Checkpoint, StoredTensor } from "../../formats/checkpoint.ts";
import type { QuantizationType } from "../../formats/gguf/file-types.ts";
import { widened, widening } from "../../formats/part-bytes.ts";
import { createRecoder } from "../../formats/recode.ts";
import { type Config, readConfig } from "../../model/config.ts";
import { findParameters, parametersOf } from "../../parameters/find-parameters.ts";
import { formatsAtLoad } from "../../quantize/at-load.ts";
import type { ReferenceWeight } from "../../reference/tensor.ts";
import { EMBEDDING, HEAD } from "../recorded/point-names.ts";
import type { Place } from "./site.ts";

export interface ModelWeights {
  readonly config: Config;
  /**
   * A parameter by its Hugging Face module path, undefined where the model has none. `rows` asks for the first ones alone.
   */
  read(path: string, rows?: number): Promise<ReferenceWeight | undefined>;
  /** The same as float32. */
  numbers(path: string): Promise<Float32Array | undefined>;
}

/** @param quantize  what matrices are held in, where the model is quantized when it is loaded */
export function modelWeights(
  checkpoint: Pick<Checkpoint, "config" | "tensors" | "files"> & Partial<Pick<Checkpoint, "keyNames">>,
  quantize?: QuantizationType,
): ModelWeights {
  const config = readConfig(checkpoint.config, checkpoint.keyNames);
  const { parameters } = findParameters(config, checkpoint.tensors);
  const formatOf = formatsAtLoad(
    quantize,
    parameters.map(({ tensor }) => tensor),
  );
  const byPath = new Map(parameters.map((parameter) => [parameter.spec.path, parameter]));
  const read: ModelWeights["read"] = async (path, most = Number.POSITIVE_INFINITY) => {
    const found = byPath.get(path);
    if (found === undefined) return undefined;
    const { tensor, spec } = found;
    const [experts, allRows, cols] = axes(tensor.shape);
    const held = spec.role === "matrix" ? formatOf(tensor) : tensor.format;
    const format = blockFormats[held];
    const rows = experts > 1 ? allRows : Math.min(allRows, most);
    const stored = await readBytes(checkpoint, tensor, experts * rows * rowBytes(blockFormats[tensor.format], cols));
    return {
      path,
      rows,
      cols,
      experts,
      format,
      bytes: held === tensor.format ? stored : createRecoder(tensor, format)(stored, 0),
    };
  };
  return {
    config,
    read,
    async numbers(path) {
      const weight = await read(path);
      return weight && numbersOf(weight);
    },
  };
}

/** Special tokens stand at the beginning of a table, which is not read to its end. */
const MOST_ROWS = 1024;

/** Rows of the table of embeddings, of the first ids. */
export function embeddingsOf({ read }: ModelWeights): (id: number) => Promise<Float32Array | undefined> {
  let table: Promise<Float32Array | undefined> | undefined;
  return async (id) => {
    table ??= read(EMBEDDING, MOST_ROWS).then((weight) => weight && numbersOf(weight));
    const [numbers, weight] = [await table, await read(EMBEDDING, 1)];
    const cols = weight?.cols ?? 0;
    return numbers && (id + 1) * cols <= numbers.length ? numbers.slice(id * cols, (id + 1) * cols) : undefined;
  };
}

/** Those of a module, by path, and the vectors of all layers. */
export async function readParameters(
  { config, read }: ModelWeights,
  { module, part }: Place,
): Promise<Map<string, ReferenceWeight>> {
  const own = module === HEAD && config.tieWordEmbeddings ? EMBEDDING : module;
  const isInside = (path: string): boolean => path === own || (part !== "residual" && path.startsWith(`${own}.`));
  const paths = parametersOf(config).flatMap(({ path, role }) => (role === "vector" || isInside(path) ? [path] : []));
  const known = await Promise.all(paths.map(async (path) => [path, await read(path)] as const));
  return new Map(known.flatMap(([path, weight]) => (weight === undefined ? [] : [[path, weight] as const])));
}

/** All numbers of a weight, row-major. */
export function numbersOf({ format, bytes, rows, cols, experts }: ReferenceWeight): Float32Array {
  const numbers = new Float32Array(experts * rows * cols);
  decodeRow(format, bytes, 0, numbers, numbers.length);
  return numbers;
}

function axes(shape: readonly number[]): readonly [experts: number, rows: number, cols: number] {
  if (shape.length === 1) return [1, 1, shape[0]];
  return shape.length === 2 ? [1, shape[0], shape[1]] : [shape[0], shape[1], shape[2]];
}

async function readBytes(
  { files }: Pick<Checkpoint, "files">,
  { format, parts }: StoredTensor,
  wanted: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(wanted);
  let at = 0;
  for (const part of parts) {
    if (at >= wanted) break;
    const times = widening({ format }, part);
    const count = Math.min(part.bytes, (wanted - at) / times);
    bytes.set(widened(format, part.format, await files[part.file].read(part.offset, count)), at);
    at += count * times;
  }
  return bytes;
}
