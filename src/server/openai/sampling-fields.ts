// Fields of sampling that OpenAI's protocols share, with those that other servers have added to them.
import { z } from "zod";
import type { ChatOptions, SamplingOptions } from "../../index.ts";

const number = z.number().nullish();

/** Their ranges are the sampler's to check. */
export const samplingFields = {
  temperature: number,
  top_p: number,
  top_k: number,
  min_p: number,
  repetition_penalty: number,
  repeat_penalty: number,
  frequency_penalty: number,
  presence_penalty: number,
  logit_bias: z.record(z.string(), z.number()).nullish(),
  seed: number,
};

export const stopField = z.union([z.string(), z.array(z.string())]).nullish();

type SamplingBody = { readonly [Field in keyof typeof samplingFields]?: z.output<(typeof samplingFields)[Field]> };

export function samplingOf(body: SamplingBody): Partial<SamplingOptions> {
  return stated({
    temperature: body.temperature,
    topP: body.top_p,
    topK: body.top_k,
    minP: body.min_p,
    repetitionPenalty: body.repetition_penalty ?? body.repeat_penalty,
    frequencyPenalty: body.frequency_penalty,
    presencePenalty: body.presence_penalty,
    logitBias: body.logit_bias,
    seed: body.seed,
  }) as Partial<SamplingOptions>;
}

/** Without members that say nothing: clients send null for what they leave open. */
export function stated(options: Readonly<Record<string, unknown>>): ChatOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined && value !== null));
}
