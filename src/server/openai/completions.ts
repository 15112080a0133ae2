// POST /v1/completions: texts, or lists of ids, that the model goes on with.
// @source platform.openai.com/docs/api-reference/completions (legacy)
import { z } from "zod";
import { type CompleteOptions, choices as drawChoices, type Summary, type TokenReport } from "../../index.ts";
import type { Served } from "../answer.ts";
import { refused } from "../failure.ts";
import type { ServerEvent } from "../http/event-stream.ts";
import { samplingFields, samplingOf, stated, stopField } from "./sampling-fields.ts";
import { formatField, formatOf } from "./tools.ts";
import { timingsOf, usageOf } from "./usage.ts";

const MOST_PROMPTS = 16;
const MOST_CHOICES = 16;
const ids = z.array(z.int().min(0));

export const completionRequest = z.looseObject({
  model: z.string().nullish(),
  prompt: z.union([z.string(), ids, z.array(z.string()), z.array(ids)]),
  ...samplingFields,
  max_tokens: z.number().nullish(),
  n: z.int().min(1).max(MOST_CHOICES).nullish(),
  stop: stopField,
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  logprobs: z.int().min(0).nullish(),
  echo: z.boolean().nullish(),
  suffix: z.string().nullish(),
  response_format: formatField,
});
export type CompletionRequest = z.output<typeof completionRequest>;

type Prompt = string | readonly number[];

function promptsOf({ prompt }: CompletionRequest): Prompt[] {
  if (typeof prompt === "string") return [prompt];
  const isList = prompt.length > 0 && prompt.every((one) => typeof one !== "number");
  const prompts = isList ? (prompt as Prompt[]) : [prompt as number[]];
  if (prompts.length > MOST_PROMPTS) throw refused("prompt", `at most ${MOST_PROMPTS}`, String(prompts.length));
  return prompts;
}

interface Piece {
  readonly index: number;
  readonly text: string;
  readonly tokens: readonly TokenReport[];
  readonly summary?: Summary;
}

async function* pieces(served: Served, body: CompletionRequest, signal: AbortSignal): AsyncGenerator<Piece, void> {
  if (typeof body.suffix === "string" && body.suffix !== "") {
    throw refused("suffix", "none", "a text", "This model continues texts; it does not fill them in.");
  }
  const { model, metrics } = served;
  const { temperature, topK, topP, minP, repetitionPenalty, order } = served.defaults;
  const { frequencyPenalty, presencePenalty, logitBias, maxTokens, seed } = served.defaults;
  const defaults = { temperature, topK, topP, minP, repetitionPenalty, order, maxTokens };
  const options: CompleteOptions = stated({
    ...defaults,
    ...{ frequencyPenalty, presencePenalty, logitBias, seed },
    ...samplingOf(body),
    ...stated({
      maxTokens: body.max_tokens,
      stop: body.stop,
      responseFormat: formatOf(body.response_format),
      topLogprobs: body.logprobs,
    }),
  });
  const count = body.n ?? 1;
  for (const [number, prompt] of promptsOf(body).entries()) {
    const draw = async function* (own: CompleteOptions): AsyncGenerator<Omit<Piece, "index">, void> {
      if (body.echo === true) yield { text: await echoed(served, prompt), tokens: [] };
      let tokens: TokenReport[] = [];
      let summary: Summary | undefined;
      const reports: CompleteOptions = {
        signal,
        onToken: (token) => tokens.push(token),
        onFinish(figures) {
          summary = figures;
        },
      };
      for await (const text of model.complete(prompt, { ...own, ...reports })) {
        yield { text, tokens };
        tokens = [];
      }
      metrics.answered(summary as Summary);
      yield { text: "", tokens: [], summary };
    };
    for await (const { index, piece } of drawChoices(count, options, draw)) {
      yield { ...piece, index: number * count + index };
    }
  }
}

async function echoed({ model }: Served, prompt: Prompt): Promise<string> {
  return typeof prompt === "string" ? prompt : (await model.tokenizer()).decode(prompt);
}

const headOf = (served: Served, id: string): object => ({
  id,
  object: "text_completion",
  created: Math.floor(Date.now() / 1000),
  model: served.name,
});

/** @param at  where the text of `tokens` begins */
function legacyLogprobs(tokens: readonly TokenReport[], at: number): object {
  let offset = at;
  const offsets = tokens.map(({ text = "" }) => {
    const own = offset;
    offset += text.length;
    return own;
  });
  return {
    tokens: tokens.map(({ text = "" }) => text),
    token_logprobs: tokens.map(({ logprob = null }) => logprob),
    top_logprobs: tokens.map(({ top = [] }) => Object.fromEntries(top.map(({ text, logprob }) => [text, logprob]))),
    text_offset: offsets,
  };
}

export async function* streamCompletion(
  served: Served,
  body: CompletionRequest,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent, void> {
  const head = headOf(served, id);
  const all: Summary[] = [];
  const written = new Map<number, number>();
  for await (const { index, text, tokens, summary } of pieces(served, body, signal)) {
    if (summary !== undefined) all[index] = summary;
    const at = written.get(index) ?? 0;
    written.set(index, at + text.length);
    const logprobs = typeof body.logprobs === "number" ? legacyLogprobs(tokens, at) : null;
    const choice = { index, text, logprobs, finish_reason: summary?.finishReason ?? null };
    yield { data: JSON.stringify({ ...head, choices: [choice] }) };
  }
  if (body.stream_options?.include_usage === true) {
    yield { data: JSON.stringify({ ...head, choices: [], usage: usageOf(all, body.n ?? 1) }) };
  }
  yield { data: "[DONE]" };
}

export async function complete(
  served: Served,
  body: CompletionRequest,
  id: string,
  signal: AbortSignal,
): Promise<object> {
  const choices: { text: string; begin: number; tokens: TokenReport[]; finish_reason: string }[] = [];
  const all: Summary[] = [];
  for await (const { index, text, tokens, summary } of pieces(served, body, signal)) {
    choices[index] ??= { text: "", begin: 0, tokens: [], finish_reason: "stop" };
    const choice = choices[index];
    // An echo has no tokens.
    if (choice.tokens.length === 0 && tokens.length > 0) choice.begin = choice.text.length;
    choice.text += text;
    choice.tokens.push(...tokens);
    if (summary === undefined) continue;
    choice.finish_reason = summary.finishReason;
    all[index] = summary;
  }
  return {
    ...headOf(served, id),
    choices: choices.map(({ tokens, begin, ...choice }, index) => ({
      index,
      ...choice,
      logprobs: typeof body.logprobs === "number" ? legacyLogprobs(tokens, begin) : null,
    })),
    usage: usageOf(all, body.n ?? 1),
    timings: timingsOf(all.at(-1) as Summary),
  };
}
