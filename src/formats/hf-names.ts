// Hugging Face's tensors under the names and shapes the graph asks for: experts stacked, convolution taps squeezed.
import type { FormatName } from "../blocks/formats.ts";
import type { Part, StoredTensor } from "./checkpoint.ts";
import { refuse, show, within } from "./refusal.ts";
import type { ShardTensor } from "./safetensors-shards.ts";

const EXPERT = /^(model\.layers\.\d+\.feed_forward\.experts)\.(0|[1-9]\d{0,4})\.(w[123])\.weight$/;
const FUSED = /^(model\.layers\.\d+\.feed_forward\.experts)\.(gate_up_proj|down_proj)$/;

interface Matrix {
  readonly format: FormatName;
  readonly shape: readonly number[];
  readonly part: Part;
}

/**
 * @param files  names of the files, for messages
 * @throws FormatError when a tensor is no weight, or the experts of a layer do not make one stack
 */
export function storedHfTensors(files: readonly string[], tensors: Iterable<ShardTensor>): Map<string, StoredTensor> {
  const stored = new Map<string, StoredTensor>();
  const stacks = new Map<string, Map<number, Matrix>>();
  const add = (tensor: StoredTensor) => {
    if (stored.has(tensor.name)) refuse(files[0], `one ${show(tensor.name)}`, "two", MIXED);
    stored.set(tensor.name, tensor);
  };
  for (const tensor of tensors) {
    const subject = within(files[tensor.file], tensor.name);
    const matrix = matrixOf(subject, tensor);
    const [, experts, id, projection] = EXPERT.exec(tensor.name) ?? [];
    const [, fusedExperts, fused] = FUSED.exec(tensor.name) ?? [];
    if (experts) {
      const name = `${experts}.${projection}`;
      const stack = stacks.get(name) ?? new Map<number, Matrix>();
      stacks.set(name, stack.set(Number(id), matrix));
    } else if (fused === "down_proj") {
      add({ ...stackShape(subject, matrix), name: `${fusedExperts}.w2`, parts: [matrix.part] });
    } else if (fused === "gate_up_proj") {
      for (const half of splitGateUp(subject, fusedExperts, matrix)) add(half);
    } else {
      const { format, shape, part } = matrix;
      add({ name: tensor.name, format, shape: squeezed(tensor.name, shape), parts: [part] });
    }
  }
  for (const [name, stack] of stacks) add(stackOf(files, name, stack));
  return stored;
}

const MIXED = "Take another copy of the model.";

function matrixOf(subject: string, tensor: ShardTensor): Matrix {
  const { dtype, shape, file, begin, end } = tensor;
  if (dtype !== "F32" && dtype !== "F16" && dtype !== "BF16") {
    refuse(subject, "weights in F32, F16 or BF16", dtype, "Take the model unquantized, or as GGUF.");
  }
  if (shape.length < 1 || shape.length > 4 || shape.includes(0)) {
    refuse(subject, "1 to 4 dimensions of at least 1", `[${shape.join(", ")}]`, MIXED);
  }
  return { format: dtype, shape, part: { file, offset: begin, bytes: end - begin } };
}

/** PyTorch keeps an axis of input channels per group, which is 1 in a depthwise convolution. */
function squeezed(name: string, shape: readonly number[]): readonly number[] {
  const taps = name.endsWith(".conv.conv.weight") && shape.length === 3 && shape[1] === 1;
  return taps ? [shape[0], shape[2]] : shape;
}

/** One matrix for each expert, in the order of their numbers. */
function stackOf(files: readonly string[], name: string, stack: ReadonlyMap<number, Matrix>): StoredTensor {
  const { format, shape } = stack.values().next().value as Matrix;
  const parts: Part[] = [];
  const last = Math.max(...stack.keys());
  for (let id = 0; id <= last; id++) {
    const matrix = stack.get(id);
    if (!matrix) {
      refuse(within(files[0], name), `experts 0 to ${last}`, `none numbered ${id}`, "Fetch all of the files.");
    }
    if (matrix.format !== format || matrix.shape.join() !== shape.join() || shape.length !== 2) {
      const expected = `every expert ${format} [rows, cols] like the first, [${shape.join(", ")}]`;
      const found = `expert ${id} ${matrix.format} [${matrix.shape.join(", ")}]`;
      refuse(within(files[matrix.part.file], name), expected, found, MIXED);
    }
    parts.push(matrix.part);
  }
  return { name, format, shape: [stack.size, ...shape], parts };
}

function stackShape(subject: string, { format, shape }: Matrix): { format: FormatName; shape: readonly number[] } {
  if (shape.length !== 3) refuse(subject, "[experts, rows, cols]", `[${shape.join(", ")}]`, MIXED);
  return { format, shape };
}

/** transformers 5 keeps w1 and w3 of an expert in one matrix, w1's rows first. */
function splitGateUp(subject: string, experts: string, matrix: Matrix): StoredTensor[] {
  const { format, shape } = stackShape(subject, matrix);
  const [count, rows, cols] = shape;
  if (rows % 2 !== 0) refuse(subject, "an even number of rows, w1's and w3's", `${rows}`, MIXED);
  const { file, offset, bytes } = matrix.part;
  const half = bytes / count / 2;
  return ["w1", "w3"].map((projection, second) => ({
    name: `${experts}.${projection}`,
    format,
    shape: [count, rows / 2, cols],
    parts: Array.from({ length: count }, (_, e) => ({ file, offset: offset + (2 * e + second) * half, bytes: half })),
  }));
}
