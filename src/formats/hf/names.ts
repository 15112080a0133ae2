// Hugging Face's tensors under the names and shapes the graph asks for: experts stacked, convolution taps squeezed.
import type { FormatName } from "../../blocks/formats.ts";
import { type Part, type StoredTensor, spellingOf } from "../checkpoint.ts";
import { ggufNameOf } from "../gguf/names.ts";
import { createLeftovers } from "../other-tensors.ts";
import { refuse, within } from "../refusal.ts";
import type { ShardTensor } from "./safetensors-shards.ts";
import { likelyName, publishedName } from "./spellings.ts";

const EXPERT = /^(model\.layers\.(?:0|[1-9]\d{0,4})\.feed_forward\.experts)\.(0|[1-9]\d{0,4})\.(w[123])\.weight$/;
const FUSED = /^(model\.layers\.(?:0|[1-9]\d{0,4})\.feed_forward\.experts)\.(gate_up_proj|down_proj)$/;

interface Matrix {
  readonly nameInFile: string;
  readonly format: FormatName;
  readonly shape: readonly number[];
  readonly part: Part;
}

export interface StoredTensors {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly warnings: readonly string[];
}

/**
 * @param files  names of the files, for messages
 * @throws FormatError when a tensor is not a weight of this family, or the experts of a layer do not make one stack
 */
export function storedHfTensors(files: readonly string[], tensors: Iterable<ShardTensor>): StoredTensors {
  const stored = new Map<string, StoredTensor>();
  const stacks = new Map<string, Map<number, Matrix>>();
  const leftovers = createLeftovers();
  const add = (tensor: StoredTensor, file: number) => {
    const before = stored.get(tensor.name);
    if (before) refuseTwo(files[file], tensor.name, spellingOf(before), spellingOf(tensor));
    stored.set(tensor.name, tensor);
  };
  for (const tensor of tensors) {
    const { file } = tensor;
    const name = publishedName(tensor.name);
    const subject = within(files[file], tensor.name);
    const [, experts, id, projection] = EXPERT.exec(name) ?? [];
    const [, fusedExperts, fused] = FUSED.exec(name) ?? [];
    if (experts) {
      const stackName = `${experts}.${projection}`;
      const stack = stacks.get(stackName) ?? new Map<number, Matrix>();
      const matrix = matrixOf(subject, tensor, 2);
      const before = stack.get(Number(id));
      if (before) refuseTwo(files[file], name, before.nameInFile, tensor.name);
      stacks.set(stackName, stack.set(Number(id), matrix));
    } else if (fused === "down_proj") {
      const { part, ...matrix } = stackShape(subject, matrixOf(subject, tensor, 3));
      add({ ...matrix, name: `${fusedExperts}.w2`, parts: [part] }, file);
    } else if (fused === "gate_up_proj") {
      for (const half of splitGateUp(subject, fusedExperts, matrixOf(subject, tensor, 3))) add(half, file);
    } else if (isParameter(name)) {
      const { part, ...matrix } = matrixOf(subject, tensor, 4);
      add({ ...matrix, name, shape: squeezed(name, matrix.shape), parts: [part] }, file);
    } else {
      const numbers = tensor.shape.reduce((product, axis) => product * axis, 1);
      const integers = !/^(?:B?F\d|C)/.test(tensor.dtype);
      leftovers.add({ file: files[file], name: tensor.name, numbers, integers }, likelyName(tensor.name, isHfName));
    }
  }
  for (const [name, stack] of stacks) {
    const { part } = stack.values().next().value as Matrix;
    add(stackOf(files, name, stack), part.file);
  }
  return { tensors: stored, warnings: leftovers.warnings() };
}

const MIXED = "Take another copy of the model.";

function refuseTwo(file: string, name: string, first: string, second: string): never {
  refuse(within(file, second), `one tensor for ${name}`, first === second ? "two" : `${first}, too`, MIXED);
}

/** The names of the graph are those that GGUF's translate to. */
function isParameter(name: string): boolean {
  return ggufNameOf(name) !== undefined;
}

function isHfName(name: string): boolean {
  return isParameter(name) || EXPERT.test(name) || FUSED.test(name);
}

/** @param most  dimensions it may have; further ones of size 1 at its ends hold nothing */
function matrixOf(subject: string, tensor: ShardTensor, most: number): Matrix {
  const { name: nameInFile, dtype, shape, file, begin, end } = tensor;
  if (dtype !== "F32" && dtype !== "F16" && dtype !== "BF16") {
    const remedy = dtype === "F64" ? "Save it as F32." : "Take the model unquantized, or as GGUF.";
    refuse(subject, "weights in F32, F16 or BF16", dtype, remedy);
  }
  if (shape.length < 1 || shape.includes(0)) {
    refuse(subject, "dimensions of at least 1", `[${shape.join(", ")}]`, MIXED);
  }
  const kept = [...shape];
  while (kept.length > most && kept[0] === 1) kept.shift();
  while (kept.length > most && kept[kept.length - 1] === 1) kept.pop();
  if (kept.length > most) refuse(subject, `1 to ${most} dimensions`, `[${shape.join(", ")}]`, MIXED);
  return { nameInFile, format: dtype, shape: kept, part: { file, offset: begin, bytes: end - begin } };
}

/** PyTorch keeps an axis of input channels per group, which is 1 in a depthwise convolution; MLX keeps it last. */
function squeezed(name: string, shape: readonly number[]): readonly number[] {
  if (!name.endsWith(".conv.conv.weight") || shape.length !== 3) return shape;
  if (shape[1] === 1) return [shape[0], shape[2]];
  return shape[2] === 1 ? [shape[0], shape[1]] : shape;
}

/** One matrix for each expert, in the order of their numbers. */
function stackOf(files: readonly string[], name: string, stack: ReadonlyMap<number, Matrix>): StoredTensor {
  const [first] = stack.values();
  const { shape } = first;
  const last = Math.max(...stack.keys());
  const matrices = Array.from({ length: last + 1 }, (_, id) => {
    const matrix = stack.get(id);
    if (!matrix) {
      refuse(within(files[first.part.file], name), `experts 0 to ${last}`, `none numbered ${id}`, FETCH_ALL);
    }
    if (matrix.shape.join() !== shape.join() || shape.length !== 2) {
      const expected = `every expert [rows, cols] like the first, [${shape.join(", ")}]`;
      refuse(within(files[matrix.part.file], name), expected, `expert ${id} [${matrix.shape.join(", ")}]`, MIXED);
    }
    return matrix;
  });
  const agree = matrices.every(({ format }) => format === first.format);
  return {
    name,
    format: agree ? first.format : "F32",
    shape: [stack.size, ...shape],
    parts: matrices.map(({ part, format }) => (agree ? part : { ...part, format })),
  };
}

const FETCH_ALL = "Fetch all of the files.";

function stackShape(subject: string, matrix: Matrix): Matrix {
  const { shape } = matrix;
  if (shape.length !== 3) refuse(subject, "[experts, rows, cols]", `[${shape.join(", ")}]`, MIXED);
  return matrix;
}

/** transformers 5 keeps w1 and w3 of an expert in one matrix, w1's rows first. */
function splitGateUp(subject: string, experts: string, matrix: Matrix): StoredTensor[] {
  const { nameInFile, format, shape, part } = stackShape(subject, matrix);
  const [count, rows, cols] = shape;
  if (rows % 2 !== 0) refuse(subject, "an even number of rows, w1's and w3's", `${rows}`, MIXED);
  const { file, offset, bytes } = part;
  const half = bytes / count / 2;
  return ["w1", "w3"].map((projection, second) => ({
    name: `${experts}.${projection}`,
    nameInFile,
    format,
    shape: [count, rows / 2, cols],
    parts: Array.from({ length: count }, (_, e) => ({ file, offset: offset + (2 * e + second) * half, bytes: half })),
  }));
}
