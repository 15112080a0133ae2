// The tensors that the graph asks for, in its order: what a written model holds, and no more.
import { FormatError, type StoredTensor } from "../formats/checkpoint.ts";
import type { Config } from "../model/config.ts";
import { createWeights } from "../model/weights.ts";
import type { WeightSpec } from "../ops/backend.ts";

/** Every parameter of a model with this config, in the order in which the graph uses them. */
export function parametersOf(config: Config): WeightSpec[] {
  const specs: WeightSpec[] = [];
  createWeights(config, (spec) => {
    specs.push(spec);
    return spec;
  });
  return specs;
}

/** `experts.w1` and `expert_bias` are parameters themselves; of all others the module's weight is. */
export function tensorNameOf({ path }: WeightSpec): string {
  return /\.(experts\.w[123]|expert_bias)$/.test(path) ? path : `${path}.weight`;
}

/** Row-major; experts stacked, vectors flat, convolution taps [hidden, width]. */
export function tensorShapeOf({ path, role, rows, cols, experts }: WeightSpec): number[] {
  if (path.includes(".experts.")) return [experts, rows, cols];
  return role === "vector" && rows === 1 ? [cols] : [rows, cols];
}

/** @throws FormatError naming the first tensor that is not there, or of another shape than the config says */
export function findParameters(config: Config, tensors: ReadonlyMap<string, StoredTensor>): StoredTensor[] {
  return parametersOf(config).map((spec) => {
    const name = tensorNameOf(spec);
    const expected = tensorShapeOf(spec).join(", ");
    const tensor = tensors.get(name);
    const found = tensor ? `[${tensor.shape.join(", ")}]` : `none of this name among ${tensors.size}`;
    if (tensor !== undefined && found === `[${expected}]`) return tensor;
    throw new FormatError(
      `${name}: expected a tensor [${expected}], as the config says, found ${found}. Take a complete LFM2 checkpoint.`,
    );
  });
}
