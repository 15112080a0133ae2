// Bytes that one token of decode has to read: what bounds its speed on any machine.
import type { FormatName } from "../../blocks/formats.ts";
import type { Checkpoint, StoredTensor } from "../../formats/checkpoint.ts";
import type { Config } from "../../model/config.ts";
import type { KvType } from "../../ops/backend.ts";
import type { Test } from "./settings.ts";

/** Bytes of weights, as the file stores them. */
export interface WeightTraffic {
  /** Operators, dense feed-forwards, norms, routers: all of them, for every token. */
  readonly dense: number;
  /** The chosen experts alone. */
  readonly experts: number;
  readonly head: number;
  readonly total: number;
}

/** Of an embedding that is not the head as well, a token reads one row. */
export function weightTraffic(config: Config, tensors: Checkpoint["tensors"]): WeightTraffic {
  const headName = config.tieWordEmbeddings ? "model.embed_tokens" : "lm_head";
  let [dense, experts, head] = [0, 0, 0];
  for (const tensor of tensors.values()) {
    const bytes = storedBytes(tensor);
    const path = tensor.name.replace(/\.weight$/, "");
    if (path === headName) head += bytes;
    else if (path === "model.embed_tokens") dense += bytes / config.vocabSize;
    else if (path === "lm_head")
      continue; // a copy that a tied model does not read
    else if (path.includes(".feed_forward.experts.")) experts += (bytes * config.numExpertsPerTok) / config.numExperts;
    else dense += bytes;
  }
  return { dense, experts, head, total: dense + experts + head };
}

/** Bytes of keys and values that a token reads for every position before it. */
export function kvTraffic(config: Config, kvType: KvType): number {
  const layers = config.layerTypes.filter((type) => type === "full_attention").length;
  const perHead = { f32: 4 * config.headDim, f16: 2 * config.headDim, int8: config.headDim + 4 }[kvType];
  return 2 * layers * config.numKeyValueHeads * perHead;
}

/** Weights, and keys and values of the positions before the token in the middle of a test of decode. */
export function tokenTraffic(
  config: Config,
  weights: Pick<WeightTraffic, "total">,
  kvType: KvType,
  { depth, tokens }: Pick<Test, "depth" | "tokens">,
): number {
  const positions = depth + 1 + (tokens - 1) / 2;
  return weights.total + positions * kvTraffic(config, kvType);
}

/** The one with the most bytes first. */
export function formatsOf(tensors: Iterable<StoredTensor>): FormatName[] {
  const bytes = new Map<FormatName, number>();
  for (const tensor of tensors) bytes.set(tensor.format, (bytes.get(tensor.format) ?? 0) + storedBytes(tensor));
  return [...bytes].sort(([, a], [, b]) => b - a).map(([format]) => format);
}

export function storedBytes({ parts }: StoredTensor): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}
