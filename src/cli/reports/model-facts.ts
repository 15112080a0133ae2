// What is known of a model without reading a weight: its name, its parameters, its layers.
import type { FormatName } from "../../blocks/formats.ts";
import type { Checkpoint, StoredTensor } from "../../formats/checkpoint.ts";
import type { Config } from "../../model/config.ts";

export interface Size {
  readonly tensors: number;
  readonly parameters: number;
  readonly bytes: number;
  /** Most bytes first. */
  readonly formats: readonly FormatName[];
}

export interface LayerFacts {
  readonly index: number;
  readonly operator: "conv" | "attention";
  readonly feedForward: "dense" | "sparse";
  /** The operator with its norm, and the feed-forward with its norm. */
  readonly operatorSize: Size;
  readonly feedForwardSize: Size;
}

export interface ModelFacts {
  readonly parameters: number;
  /** Those that one token uses: all but the experts that are not chosen. */
  readonly activeParameters: number;
  readonly layers: readonly LayerFacts[];
  /** Embedding, final norm and head. */
  readonly outside: Size;
  readonly formats: readonly (Size & { readonly format: FormatName })[];
}

export function modelFacts(config: Config, all: readonly StoredTensor[]): ModelFacts {
  const experts = sizeOf(all.filter(({ name }) => name.includes(".feed_forward.experts.")));
  const parameters = sizeOf(all).parameters;
  const idle = config.numExperts === 0 ? 0 : 1 - config.numExpertsPerTok / config.numExperts;
  const formats = [...new Set(all.map(({ format }) => format))].map((format) => ({
    format,
    ...sizeOf(all.filter((tensor) => tensor.format === format)),
  }));
  const layers = config.layerTypes.map((type, index): LayerFacts => {
    const prefix = `model.layers.${index}.`;
    const own = all.filter(({ name }) => name.startsWith(prefix));
    const isFeedForward = ({ name }: StoredTensor) => /^(feed_forward|ffn_norm)\b/.test(name.slice(prefix.length));
    return {
      index,
      operator: type === "conv" ? "conv" : "attention",
      feedForward: index < config.numDenseLayers ? "dense" : "sparse",
      operatorSize: sizeOf(own.filter((tensor) => !isFeedForward(tensor))),
      feedForwardSize: sizeOf(own.filter(isFeedForward)),
    };
  });
  return {
    parameters,
    activeParameters: Math.round(parameters - idle * experts.parameters),
    layers,
    outside: sizeOf(all.filter(({ name }) => !name.startsWith("model.layers."))),
    formats: formats.sort((a, b) => b.bytes - a.bytes),
  };
}

function sizeOf(tensors: readonly StoredTensor[]): Size {
  const bytesOf = new Map<FormatName, number>();
  let parameters = 0;
  for (const tensor of tensors) {
    parameters += parametersOf(tensor);
    bytesOf.set(tensor.format, (bytesOf.get(tensor.format) ?? 0) + storedBytes(tensor));
  }
  return {
    tensors: tensors.length,
    parameters,
    bytes: [...bytesOf.values()].reduce((sum, bytes) => sum + bytes, 0),
    formats: [...bytesOf].sort(([, a], [, b]) => b - a).map(([format]) => format),
  };
}

export function parametersOf({ shape }: StoredTensor): number {
  return shape.reduce((product, axis) => product * axis, 1);
}

export function storedBytes({ parts }: StoredTensor): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** The name the file states, or else the last part of where it came from. */
export function nameOf(metadata: Checkpoint["metadata"], source: string): string {
  const stated = metadata.get("general.name");
  if (typeof stated === "string" && stated.trim() !== "") return stated.trim();
  return (
    source
      .replace(/[/\\]+$/, "")
      .split(/[/\\]/)
      .at(-1) || source
  );
}
