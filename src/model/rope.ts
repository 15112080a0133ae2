// From positions to angles: the base of RoPE, and the linear or YaRN scaling that lets a model read longer contexts.
import { log, pow } from "../float.ts";
import type { Rotation } from "../ops/ops.ts";
import { type ConfigKeys, configKeys, isRecord, type RawConfig } from "./config-keys.ts";

/** Keys are those of transformers' `rope_parameters`, in camelCase. */
export type RopeScaling =
  | { readonly ropeType: "linear"; readonly factor: number }
  | {
      readonly ropeType: "yarn";
      readonly factor: number;
      /** The longest context before it was stretched. */
      readonly originalMaxPositionEmbeddings: number;
      /** Multiplies cos and sin. */
      readonly attentionFactor: number;
      /** Turns within the original context above which a pair keeps its frequency. */
      readonly betaFast: number;
      /** Turns below which it is slowed down by the whole factor. */
      readonly betaSlow: number;
      /** Whether the ramp between the two begins and ends at a whole pair. */
      readonly truncate: boolean;
    };

export interface RopeConfig {
  readonly ropeTheta: number;
  /** Null where angles are position · theta^(−2j / headDim), as in most models. */
  readonly ropeScaling: RopeScaling | null;
}

const DEFAULT_THETA = 1e6;
const LAYER_TYPES = ["full_attention", "conv"];
export const MAX_POSITIONS = 1 << 24;

/**
 * Reads `rope_parameters` (transformers 5) or `rope_scaling` (4), with `rope_type` or its older name `type`, and
 * `rope_theta` inside or beside them.
 *
 * @throws ConfigError for a kind of scaling that transformers has for other models
 * @source transformers 5.18.0 modeling_rope_utils.py, convert_rope_params_to_dict, standardize_rope_params
 */
export function readRope(config: ConfigKeys, maxPositionEmbeddings: number): RopeConfig {
  const rope = ropeKeys(config);
  const theta = rope.raw.rope_theta === undefined ? config : rope;
  const ropeTheta = theta.number("rope_theta", 1, 1e12, DEFAULT_THETA);
  const typeKey = rope.raw.rope_type === undefined ? "type" : "rope_type";
  const ropeType = rope.raw[typeKey] === undefined ? "default" : rope.raw[typeKey];
  if (ropeType === "default") return { ropeTheta, ropeScaling: null };
  if (ropeType !== "linear" && ropeType !== "yarn") {
    rope.refuse(typeKey, '"default", "linear" or "yarn"', "LFM2 is not known with another kind of RoPE scaling.");
  }
  if (ropeType === "linear") return { ropeTheta, ropeScaling: { ropeType, factor: rope.number("factor", 1e-3, 1e6) } };
  // The ramp divides by ln θ.
  if (ropeTheta === 1) theta.refuse("rope_theta", "more than 1 with YaRN");
  return { ropeTheta, ropeScaling: readYarn(config, rope, maxPositionEmbeddings) };
}

/** The keys of RoPE, each known by its path. `rope_scaling` takes precedence over `rope_parameters`. */
function ropeKeys(config: ConfigKeys): ConfigKeys {
  const { raw, nameOf } = config;
  for (const key of ["rope_scaling", "rope_parameters"]) {
    const value = raw[key];
    if (value === undefined || value === null) continue;
    if (!isRecord(value)) return config.refuse(key, "an object");
    if (Object.keys(value).length === 0) continue;
    const within = (path: string) => (inner: string) => nameOf(`${path}.${inner}`);
    const layerTypes = LAYER_TYPES.filter((type) => Object.hasOwn(value, type));
    if (layerTypes.length === 0) return configKeys(value, within(key));
    const own = value.full_attention;
    const other = Object.keys(value).find((inner) => !LAYER_TYPES.includes(inner));
    if (other !== undefined) configKeys(value, within(key)).refuse(other, "none beside the layer types");
    if (!isRecord(own)) return configKeys(value, within(key)).refuse("full_attention", "the RoPE of attention layers");
    return configKeys(own, within(`${key}.full_attention`));
  }
  return configKeys({});
}

/** @source transformers modeling_rope_utils.py, _compute_yarn_parameters; null and 0 are left to defaults as there */
function readYarn(config: ConfigKeys, rope: ConfigKeys, maxPositionEmbeddings: number): RopeScaling {
  const { raw } = rope;
  const optional = (key: string, min: number, max: number): number | undefined =>
    raw[key] === undefined || raw[key] === null ? undefined : rope.number(key, min, max);
  // Phi-3 and its like state it beside rope_parameters; in transformers that one takes precedence.
  const original = config.raw.original_max_position_embeddings === undefined ? rope : config;
  const originalMaxPositionEmbeddings = original.integer(
    "original_max_position_embeddings",
    1,
    MAX_POSITIONS,
    maxPositionEmbeddings,
  );
  const factor =
    raw.factor === null ? maxPositionEmbeddings / originalMaxPositionEmbeddings : rope.number("factor", 1e-3, 1e6);
  const mscale = optional("mscale", 0, 1e3);
  const mscaleAllDim = optional("mscale_all_dim", 0, 1e3);
  const inferred =
    mscale && mscaleAllDim
      ? yarnMagnitude(factor, mscale) / yarnMagnitude(factor, mscaleAllDim)
      : yarnMagnitude(factor);
  return {
    ropeType: "yarn",
    factor,
    originalMaxPositionEmbeddings,
    attentionFactor: optional("attention_factor", 0, 1e3) ?? inferred,
    betaFast: raw.beta_fast ? rope.number("beta_fast", 1e-6, 1e6) : 32,
    betaSlow: raw.beta_slow ? rope.number("beta_slow", 1e-6, 1e6) : 1,
    truncate: raw.truncate !== null && rope.boolean("truncate", true),
  };
}

/** What cos and sin are multiplied by where a context has grown by `factor`. */
export function yarnMagnitude(factor: number, mscale = 1): number {
  return factor <= 1 ? 1 : 0.1 * mscale * log(factor) + 1;
}

/**
 * inverseFrequency[j] = theta^(−2j / headDim), j < headDim / 2, scaled; each step rounded to float32 as PyTorch does.
 *
 * llama.cpp's YaRN differs from this in rounding alone: it mixes angles where this mixes frequencies.
 *
 * @source transformers modeling_rope_utils.py, _compute_yarn_parameters, _compute_linear_scaling_rope_parameters, and
 *   compute_default_rope_parameters of modeling_lfm2.py
 */
export function rotationOf({ ropeTheta, ropeScaling, headDim }: RopeConfig & { readonly headDim: number }): Rotation {
  const f = Math.fround;
  const pairs = Float32Array.from({ length: headDim / 2 }, (_, j) => pow(ropeTheta, f((2 * j) / headDim)));
  const plain = pairs.map((power) => 1 / power);
  if (ropeScaling === null) return { inverseFrequency: plain, attentionFactor: 1 };
  const factor = f(ropeScaling.factor);
  if (ropeScaling.ropeType === "linear") {
    return { inverseFrequency: plain.map((frequency) => frequency / factor), attentionFactor: 1 };
  }
  const [low, high] = rampOf(ropeTheta, headDim, ropeScaling);
  const inverseFrequency = plain.map((frequency, j) => {
    const slow = f(1 / f(factor * pairs[j]));
    const ramp = f(f(j - f(low)) / f(high - low));
    const kept = f(1 - Math.min(Math.max(ramp, 0), 1));
    return f(slow * f(1 - kept)) + f(frequency * kept);
  });
  return { inverseFrequency, attentionFactor: f(ropeScaling.attentionFactor) };
}

type Yarn = Extract<RopeScaling, { ropeType: "yarn" }>;

/** The pairs between which frequencies pass from unscaled to scaled. */
function rampOf(theta: number, headDim: number, yarn: Yarn): readonly [low: number, high: number] {
  const pairOf = (turns: number): number =>
    (headDim * log(yarn.originalMaxPositionEmbeddings / (turns * 2 * Math.PI))) / (2 * log(theta));
  const [first, last] = [pairOf(yarn.betaFast), pairOf(yarn.betaSlow)];
  const low = Math.max(yarn.truncate ? Math.floor(first) : first, 0);
  const high = Math.min(yarn.truncate ? Math.ceil(last) : last, headDim - 1);
  return [low, low === high ? high + 0.001 : high];
}

/** `rope_parameters` as transformers 5 writes them. */
export function ropeParametersOf({ ropeTheta, ropeScaling }: RopeConfig): RawConfig {
  if (ropeScaling === null) return { rope_theta: ropeTheta, rope_type: "default" };
  const { ropeType, factor } = ropeScaling;
  if (ropeType === "linear") return { rope_theta: ropeTheta, rope_type: ropeType, factor };
  return {
    rope_theta: ropeTheta,
    rope_type: ropeType,
    factor,
    original_max_position_embeddings: ropeScaling.originalMaxPositionEmbeddings,
    attention_factor: ropeScaling.attentionFactor,
    beta_fast: ropeScaling.betaFast,
    beta_slow: ropeScaling.betaSlow,
    truncate: ropeScaling.truncate,
  };
}
