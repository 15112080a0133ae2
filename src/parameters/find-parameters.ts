// The tensors of a checkpoint that the graph asks for, in its order: none may be missing, and none left over.
import { blockFormats } from "../blocks/formats.ts";
import { type StoredTensor, spellingOf } from "../formats/checkpoint.ts";
import { ggufNameOf } from "../formats/gguf/names.ts";
import { FormatError } from "../formats/refusal.ts";
import type { Config } from "../model/config.ts";
import { createWeights } from "../model/weights.ts";
import type { WeightSpec } from "../ops/backend.ts";

export interface Parameter {
  readonly spec: WeightSpec;
  /** Under the name and in the shape that the graph knows it by. */
  readonly tensor: StoredTensor;
}

export interface FoundParameters {
  readonly parameters: readonly Parameter[];
  readonly warnings: readonly string[];
}

type Tensors = ReadonlyMap<string, StoredTensor>;

/** Every parameter of a model with this config, in the order in which the graph uses them. */
export function parametersOf(config: Config): WeightSpec[] {
  const specs: WeightSpec[] = [];
  createWeights(config, (spec) => {
    specs.push(spec);
    return spec;
  });
  return specs;
}

/** `experts.w1` and `expert_bias` are parameters themselves; everything else is a module, whose `weight` is one. */
export function tensorNameOf({ path }: WeightSpec): string {
  return /\.(experts\.w[123]|expert_bias)$/.test(path) ? path : `${path}.weight`;
}

/** Row-major; experts stacked, vectors flat, convolution taps [hidden, width]. */
export function tensorShapeOf({ path, role, rows, cols, experts }: WeightSpec): number[] {
  if (path.includes(".experts.")) return [experts, rows, cols];
  return role === "vector" && rows === 1 ? [cols] : [rows, cols];
}

export const EMBEDDING = "model.embed_tokens.weight";
export const HEAD = "lm_head.weight";

/**
 * Given: of a head beside a config that ties it, settleHead has decided.
 * @throws FormatError naming the first tensor that is missing, of another shape than the config says, or too many
 */
export function findParameters(config: Config, tensors: Tensors): FoundParameters {
  const used = new Set<string>();
  const parameters = parametersOf(config).map((spec): Parameter => {
    const name = tensorNameOf(spec);
    const from = name === EMBEDDING && config.tieWordEmbeddings && !tensors.has(name) ? HEAD : name;
    const tensor = tensors.get(from);
    if (tensor === undefined) refuseMissing(name, tensors);
    used.add(from);
    return { spec, tensor: { ...tensor, name, shape: shapeOf(spec, tensor) } };
  });
  if (config.tieWordEmbeddings) used.add(HEAD);
  const warnings = [...tensors.values()].filter(({ name }) => !used.has(name)).map((tensor) => left(config, tensor));
  return { parameters, warnings: [...new Set(warnings)] };
}

function refuseMissing(name: string, tensors: Tensors): never {
  const fromGguf = [...tensors.values()].some((tensor) => spellingOf(tensor) === ggufNameOf(tensor.name));
  const expected = fromGguf ? `${ggufNameOf(name)} (${name})` : name;
  throw new FormatError({
    subject: expected,
    expected: "a tensor of this name, as the config says",
    found: `none among ${tensors.size}`,
    remedy: "Take a complete LFM2 checkpoint, with the config that belongs to it.",
  });
}

/** Axes of size 1 hold nothing, wherever a writer has put them. */
function shapeOf(spec: WeightSpec, tensor: StoredTensor): number[] {
  const { shape, format } = tensor;
  const nameInFile = spellingOf(tensor);
  const expected = tensorShapeOf(spec);
  const essential = (axes: readonly number[]): string => axes.filter((size) => size !== 1).join();
  if (essential(shape) !== essential(expected)) {
    throw new FormatError({
      subject: nameInFile,
      expected: `shape [${inFile(spec, nameInFile).join(", ")}], as the config says`,
      found: `[${shape.join(", ")}]`,
      remedy: "Take an LFM2 checkpoint whose config belongs to its weights.",
    });
  }
  const { blockLength } = blockFormats[format];
  if (spec.cols % blockLength !== 0 || (spec.role !== "vector" && spec.cols % 4 !== 0)) {
    throw new FormatError({
      subject: nameInFile,
      expected: `rows in multiples of ${Math.max(4, blockLength)} for ${format}`,
      found: spec.cols,
      remedy: "Convert this tensor to another format.",
    });
  }
  return expected;
}

/** The shape in published checkpoints: PyTorch keeps an axis of one input channel in a depthwise convolution. */
function inFile(spec: WeightSpec, nameInFile: string): number[] {
  const shape = tensorShapeOf(spec);
  return nameInFile.endsWith("conv.conv.weight") && !nameInFile.startsWith("blk.") ? [shape[0], 1, shape[1]] : shape;
}

const NOT_ITS_CONFIG = "Take the config that belongs to these weights.";

/** @returns a warning for what the config itself leaves out. @throws FormatError for what it has no place for */
function left(config: Config, tensor: StoredTensor): string {
  const { name } = tensor;
  const nameInFile = spellingOf(tensor);
  const [, layer, module] = /^model\.layers\.(\d+)\.(\w+)/.exec(name) ?? [];
  const index = Number(layer);
  if (layer !== undefined && index >= config.numHiddenLayers) {
    const last = config.numHiddenLayers - 1;
    refuseLeft(nameInFile, `layers 0 to ${last}, as the config says`, `one of layer ${index}`);
  }
  if (module === "feed_forward" && index >= config.numDenseLayers && name.endsWith(".expert_bias")) {
    return "router biases (feed_forward.expert_bias): not used, as use_expert_bias is false in config.json.";
  }
  if (module === "feed_forward") {
    const sparse = index >= config.numDenseLayers;
    const expected = `the tensors of ${sparse ? "experts" : "a dense feed-forward"} in layer ${index}, as the config says`;
    refuseLeft(nameInFile, expected, sparse ? "one of a dense feed-forward" : "one of experts");
  }
  const conv = config.layerTypes[index] === "conv";
  const expected = `the tensors of ${conv ? "a short convolution" : "attention"} in layer ${index}, as the config says`;
  refuseLeft(nameInFile, expected, conv ? "one of attention" : "one of a short convolution");
}

function refuseLeft(subject: string, expected: string, found: string): never {
  throw new FormatError({ subject, expected, found, remedy: NOT_ITS_CONFIG });
}
