// A GGUF file of a model's true shape with random weights: for measuring speed, memory and arithmetic; its answers make no sense.
//
// The weights are scaled so that numbers stay ordinary through any number of layers: every matrix keeps the size of what
// it multiplies, what is added to the hidden state is somewhat smaller than it, routers prefer some experts, and logits
// have a standard deviation of about 2.5.

import { blockFormats, type FormatName } from "../blocks/formats.ts";
import type { QuantizationType } from "../formats/gguf/file-types.ts";
import { metadataOf } from "../formats/gguf/metadata.ts";
import { ggufNameOf } from "../formats/gguf/names.ts";
import { writeGguf } from "../formats/gguf/write.ts";
import { bytesOfTensor, type Sink, type StreamedTensor } from "../formats/streamed-tensor.ts";
import { readConfig } from "../model/config.ts";
import { parametersOf, tensorNameOf, tensorShapeOf } from "../parameters/find-parameters.ts";
import { mixOf } from "../quantize/mix.ts";
import { expandSeed, type Seed, xoshiro128 } from "../sampling/random.ts";
import { createPool, type Pool } from "./pool.ts";
import { type Random, randomBlocks } from "./random-blocks.ts";
import { madeUpTokenizer } from "./vocabulary.ts";

export interface SynthOptions {
  readonly type: QuantizationType;
  readonly name: string;
  readonly seed?: Seed;
  readonly signal?: AbortSignal;
  /** Bytes of weights written so far. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface Synthesized {
  readonly tensors: readonly { readonly format: FormatName; readonly weights: number; readonly bytes: number }[];
  readonly fileBytes: number;
}

/**
 * Writes a whole file into `sink`. The same config, options and seed give the same bytes on every engine.
 *
 * @param raw  the keys of config.json
 * @throws ConfigError; VocabularyError when the vocabulary is too small; what the sink throws; the signal's reason
 */
export async function synthesize(
  raw: Readonly<Record<string, unknown>>,
  sink: Sink,
  { type, name, seed = 1, signal, onProgress }: SynthOptions,
): Promise<Synthesized> {
  const config = readConfig(raw);
  const random = xoshiro128(expandSeed(seed));
  const bosId = typeof raw.bos_token_id === "number" ? raw.bos_token_id : 1;
  const metadata = new Map([...metadataOf(config, type, name), ...madeUpTokenizer(config.vocabSize, bosId)]);

  const shapes = parametersOf(config).map((spec) => ({ name: tensorNameOf(spec), shape: tensorShapeOf(spec) }));
  const mix = mixOf(type, shapes);
  const plans = shapes.map((tensor) => ({ ...tensor, format: mix.get(tensor.name) as FormatName }));
  const total = plans.reduce((sum, plan) => sum + bytesOfTensor(plan), 0);
  const blocksFor = createPools(plans, random);
  let done = 0;
  const tensors = plans.map((plan): StreamedTensor => {
    return {
      ...plan,
      name: ggufNameOf(plan.name) as string,
      *pieces() {
        const isVector = plan.shape.length === 1;
        for (const piece of isVector ? vector(plan, random) : blocksFor(plan)) {
          yield piece;
          done += piece.byteLength;
          onProgress?.(done, total);
        }
      },
    };
  });
  const fileBytes = await writeGguf(sink, metadata, tensors, signal);
  return {
    tensors: plans.map((plan) => ({ format: plan.format, weights: weightsOf(plan), bytes: bytesOfTensor(plan) })),
    fileBytes,
  };
}

interface Plan {
  /** Hugging Face name. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly format: FormatName;
}

function weightsOf({ shape }: Plan): number {
  return shape.reduce((product, axis) => product * axis, 1);
}

/** Blocks for a matrix, from one pool for all matrices of the same format and standard deviation. */
function createPools(plans: readonly Plan[], random: Random): (plan: Plan) => Generator<Uint8Array, void> {
  const pools = new Map<string, Pool>();
  const keyOf = (plan: Plan) => `${plan.format} ${deviationOf(plan)}`;
  const poolFor = (plan: Plan): Pool => {
    const { blockLength } = blockFormats[plan.format];
    const alike = plans.filter((other) => other.shape.length > 1 && keyOf(other) === keyOf(plan));
    const most = Math.max(...alike.map((other) => weightsOf(other) / blockLength));
    return createPool(plan.format, deviationOf(plan), most, random);
  };
  return (plan) => {
    const pool = pools.get(keyOf(plan)) ?? poolFor(plan);
    pools.set(keyOf(plan), pool);
    return pool.take(bytesOfTensor(plan));
  };
}

const LOGIT_DEVIATION = 2.5;
/**
 * What a layer adds to the hidden state, beside what it is given. The first drowns the embedding, or else the tied head
 * would see little but the token itself; the others add so little that a rounding does not grow from layer to layer: in
 * 24 layers, int8 activations come to about a twentieth in the logits.
 */
const FIRST_GAIN = 2;
const RESIDUAL_GAIN = 0.4;
const TAP_DEVIATION = 0.5;

/** A matrix with rows of n weights of deviation g / √n turns numbers of size 1 into numbers of size g. */
function deviationOf({ name, shape }: Plan): number {
  const cols = shape[shape.length - 1];
  if (name.endsWith(".conv.conv.weight")) return TAP_DEVIATION;
  const isHead = name.endsWith("embed_tokens.weight") || name.endsWith("lm_head.weight");
  const isAdded = /\.(out_proj\.weight|w2\.weight|w2)$/.test(name);
  const gain = name.startsWith("model.layers.0.") ? FIRST_GAIN : RESIDUAL_GAIN;
  return (isHead ? LOGIT_DEVIATION : isAdded ? gain : 1) / Math.sqrt(cols);
}

const NORM_DEVIATION = 0.1;
/** Small beside the scores' own differences, so that no expert is always or never chosen. */
const BIAS_DEVIATION = 0.02;

/** Norms lie about 1, biases about 0. */
function* vector({ name, shape }: Plan, random: Random): Generator<Uint8Array, void> {
  const isBias = name.endsWith(".expert_bias");
  const bytes = randomBlocks("F32", isBias ? BIAS_DEVIATION : NORM_DEVIATION, shape[0], random);
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, shape[0]);
  if (!isBias) for (let i = 0; i < values.length; i++) values[i] += 1;
  yield bytes;
}
