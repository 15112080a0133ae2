// POST /v1/completions: texts, or lists of ids, that the model goes on with.
// @source platform.openai.com/docs/api-reference/completions (legacy)
import { z } from "zod";
import { seedOfChoice } from "../../chat/choices.ts";
import {
  type CompleteOptions,
  choices as drawChoices,
  type Summary,
  type TokenFacts,
  type TokenReport,
} from "../../index.ts";
import { logprobsOf, MAX_TOP_LOGPROBS } from "../../sampling/logprobs.ts";
import { freshSeed } from "../../sampling/random.ts";
import type { Served, ServedRequest } from "../answer.ts";
import { refused } from "../failure.ts";
import type { ServerEvent } from "../http/event-stream.ts";
import { checkRouting, routingField, routingOf } from "../routing.ts";
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
  return_tokens_as_token_ids: z.boolean().nullish(),
  suffix: z.string().nullish(),
  response_format: formatField,
  routing: routingField,
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

export const completionAnswers = (body: CompletionRequest): number => promptsOf(body).length * (body.n ?? 1);

interface Piece {
  readonly index: number;
  readonly text: string;
  readonly tokens: readonly EchoedToken[];
  readonly summary?: Summary;
  readonly routing?: object;
}

async function* pieces(
  served: ServedRequest,
  body: CompletionRequest,
  signal: AbortSignal,
): AsyncGenerator<Piece, void> {
  if (typeof body.suffix === "string" && body.suffix !== "") {
    throw refused("suffix", "none", "a text", "This model continues texts; it does not fill them in.");
  }
  const { model, metrics } = served;
  checkRouting(model, body.routing);
  const prompts = promptsOf(body);
  const { temperature, topK, topP, minP, repetitionPenalty, order } = served.defaults;
  const { frequencyPenalty, presencePenalty, logitBias, maxTokens, seed: usual } = served.defaults;
  const defaults = { temperature, topK, topP, minP, repetitionPenalty, order, maxTokens };
  const options: CompleteOptions = stated({
    ...defaults,
    ...{ frequencyPenalty, presencePenalty, logitBias },
    ...samplingOf(body),
    ...stated({
      maxTokens: body.max_tokens,
      stop: body.stop,
      responseFormat: formatOf(body.response_format),
      topLogprobs: body.logprobs,
    }),
  });
  const count = body.n ?? 1;
  const draw = async function* (prompt: Prompt, own: CompleteOptions): AsyncGenerator<Omit<Piece, "index">, void> {
    const { signal } = own as { readonly signal: AbortSignal };
    const leave = await served.turn(signal);
    try {
      if (body.echo === true) yield await echoed(served, prompt, body.logprobs ?? undefined, signal);
      if (body.echo === true && body.max_tokens === 0) return yield { text: "", tokens: [], summary: NOTHING_NEW };
      let tokens: TokenReport[] = [];
      let summary: Summary | undefined;
      const ids: number[] = [];
      const reports: CompleteOptions = {
        onToken(token) {
          served.onToken();
          tokens.push(token);
          if (body.routing === true) ids.push(token.id);
        },
        onFinish(figures) {
          summary = figures;
        },
      };
      for await (const text of model.complete(prompt, { ...own, ...reports })) {
        yield { text, tokens };
        tokens = [];
      }
      metrics.answered(summary as Summary);
      const routing =
        body.routing === true ? await routingOf(model, await idsOf(served, prompt, signal), ids, signal) : undefined;
      yield { text: "", tokens: [], summary, routing };
    } finally {
      leave();
    }
  };
  // Each prompt's answers are drawn with the same seeds.
  const seed = body.seed ?? usual ?? freshSeed();
  const all = { ...options, seed, signal };
  yield* flat(
    drawChoices(prompts.length * count, all, (own, index) =>
      draw(prompts[Math.floor(index / count)], { ...own, seed: seedOfChoice(seed, index % count) }),
    ),
  );
}

async function* flat(
  choices: AsyncIterable<{ readonly index: number; readonly piece: Omit<Piece, "index"> }>,
): AsyncGenerator<Piece, void> {
  for await (const { index, piece } of choices) yield { ...piece, index };
}

/** Of an echo alone. */
const NOTHING_NEW: Summary = {
  ...{ promptTokens: 0, cachedTokens: 0, newTokens: 0, guessedTokens: 0, acceptedTokens: 0, prefillMs: 0, decodeMs: 0 },
  finishReason: "length",
};

/** A token of a prompt; the first one has no probability, as nothing comes before it. */
type EchoedToken = TokenFacts &
  Partial<Pick<TokenReport, "top">> & { /** No part of the text. */ readonly isAdded?: true };

/** The prompt as a piece of its answer, with the log-probabilities of its tokens where they are asked for. */
async function echoed(
  served: Served,
  prompt: Prompt,
  top: number | undefined,
  signal: AbortSignal,
): Promise<Omit<Piece, "index">> {
  const { model } = served;
  const tokenizer = await model.tokenizer();
  const isText = typeof prompt === "string";
  if (top === undefined) return { text: isText ? prompt : tokenizer.decode(prompt), tokens: [] };
  if (top > MAX_TOP_LOGPROBS) throw refused("logprobs", `at most ${MAX_TOP_LOGPROBS}`, String(top));
  const ids = await idsOf(served, prompt, signal);
  const { vocabSize } = model.config;
  const facts = (id: number): TokenFacts => ({ id, text: tokenizer.textOf(id) });
  const isAdded =
    isText && ids.length > 0 && tokenizer.isSpecial(ids[0]) && !prompt.startsWith(tokenizer.textOf(ids[0]));
  const tokens: EchoedToken[] = ids.length === 0 ? [] : [{ ...facts(ids[0]), ...(isAdded && { isAdded }) }];
  // A few rows at a time: a long prompt's logits would take gigabytes.
  for await (const { data } of model.trace(ids, { points: ["lm_head"], signal })) {
    for (let at = 0; at < data.length && tokens.length < ids.length; at += vocabSize) {
      const row = data.subarray(at, at + vocabSize) as Float32Array;
      const { id, logprob, top: likeliest } = logprobsOf(row, ids[tokens.length], top);
      tokens.push({ ...facts(id), logprob, top: likeliest.map((one) => ({ ...facts(one.id), logprob: one.logprob })) });
    }
  }
  return { text: isText ? prompt : tokenizer.decode(ids), tokens };
}

/** As `complete` reads it. */
async function idsOf({ model }: Served, prompt: Prompt, signal: AbortSignal): Promise<readonly number[]> {
  return typeof prompt === "string" ? (await model.tokenizer()).encode(prompt, { addBos: true, signal }) : prompt;
}

const headOf = (served: Served, id: string): object => ({
  id,
  object: "text_completion",
  created: Math.floor(Date.now() / 1000),
  model: served.name,
});

/** @param at  where the text of `tokens` begins */
function legacyLogprobs(tokens: readonly EchoedToken[], at: number, body: CompletionRequest): object {
  // As vLLM has it: texts of tokens may be alike.
  const nameOf = ({ id, text = "" }: TokenFacts): string =>
    body.return_tokens_as_token_ids === true ? `token_id:${id}` : text;
  let offset = at;
  const offsets = tokens.map(({ text = "", isAdded }) => {
    const own = offset;
    if (isAdded !== true) offset += text.length;
    return own;
  });
  return {
    tokens: tokens.map(nameOf),
    token_logprobs: tokens.map(({ logprob = null }) => logprob),
    top_logprobs: tokens.map(({ top }) =>
      top === undefined ? null : Object.fromEntries(top.map((one) => [nameOf(one), one.logprob])),
    ),
    text_offset: offsets,
  };
}

export async function* streamCompletion(
  served: ServedRequest,
  body: CompletionRequest,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent, void> {
  const head = headOf(served, id);
  const all: Summary[] = [];
  const written = new Map<number, number>();
  for await (const { index, text, tokens, summary, routing } of pieces(served, body, signal)) {
    if (summary !== undefined) all[index] = summary;
    const at = written.get(index) ?? 0;
    written.set(index, at + text.length);
    const logprobs = typeof body.logprobs === "number" ? legacyLogprobs(tokens, at, body) : null;
    const choice = { index, text, logprobs, finish_reason: summary?.finishReason ?? null, routing };
    yield { data: JSON.stringify({ ...head, choices: [choice] }) };
  }
  if (body.stream_options?.include_usage === true) {
    yield { data: JSON.stringify({ ...head, choices: [], usage: usageOf(all, body.n ?? 1) }) };
  }
  yield { data: "[DONE]" };
}

export async function complete(
  served: ServedRequest,
  body: CompletionRequest,
  id: string,
  signal: AbortSignal,
): Promise<object> {
  const choices: {
    text: string;
    begin: number;
    tokens: EchoedToken[];
    finish_reason: string;
    routing?: object;
  }[] = [];
  const all: Summary[] = [];
  for await (const { index, text, tokens, summary, routing } of pieces(served, body, signal)) {
    choices[index] ??= { text: "", begin: 0, tokens: [], finish_reason: "stop" };
    const choice = choices[index];
    // Without log-probabilities, an echo has no tokens.
    if (choice.tokens.length === 0 && tokens.length > 0) choice.begin = choice.text.length;
    choice.text += text;
    choice.tokens.push(...tokens);
    if (summary === undefined) continue;
    choice.finish_reason = summary.finishReason;
    choice.routing = routing;
    all[index] = summary;
  }
  return {
    ...headOf(served, id),
    choices: choices.map(({ tokens, begin, ...choice }, index) => ({
      index,
      ...choice,
      logprobs: typeof body.logprobs === "number" ? legacyLogprobs(tokens, begin, body) : null,
    })),
    usage: usageOf(all, body.n ?? 1),
    timings: timingsOf(all.at(-1) as Summary),
  };
}
