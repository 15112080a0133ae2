// A model one can talk to: the text thread and the model's thread, behind a handful of calls.

import { type ChatDelta, createAnswerParser } from "../chat/answer-parser.ts";
import { plainJson } from "../chat/exact-json.ts";
import type { ChatMessage } from "../chat/messages.ts";
import { checkStops, createStopFilter, createStopMatcher } from "../chat/stop-strings.ts";
import { endsThinking } from "../chat/thinking.ts";
import { reportToken } from "../chat/token-report.ts";
import type { ConstraintRules, Thought } from "../constrain/constraint.ts";
import { checkIds } from "../engine/engine.ts";
import type { ThinkingBudget } from "../engine/thinking-budget.ts";
import type { Checkpoint } from "../formats/checkpoint.ts";
import { OptionError } from "../load/load-options.ts";
import { tracePieces } from "../oracle/trace/trace-pieces.ts";
import { planTrace } from "../oracle/trace/trace-plan.ts";
import { recommendedSampling } from "../sampling/defaults.ts";
import { MAX_TOP_LOGPROBS } from "../sampling/logprobs.ts";
import { validateSampling } from "../sampling/options.ts";
import type { ModelText, ModelTokenizer } from "../text/text.ts";
import type { ModelWorker } from "../worker/client.ts";
import { eventStream } from "../worker/event-stream.ts";
import type { Results } from "../worker/protocol.ts";
import { checkCall, checkIdList, checkPrompt } from "./call-options.ts";
import type { ChatOptions, EncodeChatOptions, GenerateOptions, LanguageModel, Summary } from "./language-model.ts";

export function createLanguageModel(
  worker: ModelWorker,
  text: ModelText | undefined,
  checkpoint: Checkpoint,
  { config, settings, bytes, warnings }: Results["load"],
): LanguageModel {
  const name = checkpoint.metadata.get("general.name");
  const recommended = recommendedSampling({
    generationConfig: checkpoint.generationConfig,
    vocabSize: config.vocabSize,
    bosId: statedIds(checkpoint, "bos_token_id")[0],
    name: typeof name === "string" ? name : undefined,
  });

  const needText = (): ModelText => {
    if (text !== undefined) return text;
    throw new OptionError({
      subject: "text",
      expected: "a tokenizer in the model's files",
      found: "none",
      remedy: "Use `generate` or `logits` with ids.",
    });
  };
  /** Undefined where the files have none, or a damaged one: ids can still be run. */
  const tokenizerIfAny = (): Promise<ModelTokenizer | undefined> =>
    Promise.resolve(text?.tokenizer()).catch((error: Error) => {
      if (error.name === "TokenizerError" || error.name === "FormatError") return undefined;
      throw error;
    });

  const defaultStopIds = async (): Promise<readonly number[]> =>
    (await tokenizerIfAny())?.eosIds ?? statedIds(checkpoint, "eos_token_id");

  async function encodeChat(messages: readonly ChatMessage[], options: EncodeChatOptions = {}): Promise<number[]> {
    checkCall("encodeChat", options);
    const { tools, now, continueFinalMessage, parseSpecial = "trusted", signal } = options;
    const { render, tokenizer } = needText();
    const prompt = await render(messages, { tools, now, continueFinalMessage, parseSpecial }, signal);
    return (await tokenizer()).encode(prompt.text, { parseSpecial: prompt.trusted, signal });
  }

  let vocabularySent = false;

  async function rulesFor(
    { responseFormat, tools, toolChoice }: Pick<ChatOptions, "responseFormat" | "tools" | "toolChoice">,
    thoughtFirst: Thought["first"],
    signal: AbortSignal | undefined,
  ): Promise<ConstraintRules | undefined> {
    if (responseFormat === undefined && toolChoice === undefined) return undefined;
    const { compile, tokenizer, vocabulary } = needText();
    const { idOf } = await tokenizer();
    const [open, close] = [idOf("<think>"), idOf("</think>")];
    const [start, end] = [idOf("<|tool_call_start|>"), idOf("<|tool_call_end|>")];
    const callMarkers = start === undefined || end === undefined ? undefined : { start, end };
    const thought = open === undefined || close === undefined ? undefined : { open, close, first: thoughtFirst };
    const rules = await compile(
      { responseFormat, tools: tools?.map(plainJson), toolChoice, callMarkers, thought },
      signal,
    );
    if (!vocabularySent) {
      const bytes = await vocabulary(config.vocabSize);
      vocabularySent = true;
      // Not waited for: requests are answered in their order, and the next one can be given up by itself.
      worker.request({ kind: "vocabulary", vocabulary: bytes }).catch(() => {
        vocabularySent = false;
      });
    }
    return rules;
  }

  /** @param inner  what only answers in text have; `metStop` is asked after every id, and ends the answer */
  async function* generate(
    ids: readonly number[],
    options: GenerateOptions = {},
    inner: {
      readonly thinking?: ThinkingBudget;
      readonly metStop?: () => string | undefined;
      readonly rules?: ConstraintRules;
    } = {},
  ): AsyncGenerator<number, void> {
    const { maxTokens, onToken, topLogprobs, signal, onProgress, onFinish, ...rest } = options;
    const { stopIds = await defaultStopIds(), ...stated } = rest;
    const sampling = validateSampling({ temperature: 0, ...defined(stated) });
    checkIds(ids, config.vocabSize, settings.contextLength);
    const { grammar, trigger } = inner.rules ?? {};
    if (grammar !== undefined && trigger === undefined && stopIds.length === 0) {
      throw new OptionError({
        subject: "stopIds",
        expected: "an id that ends the answer once it is complete",
        found: "none",
      });
    }
    checkCount("topLogprobs", topLogprobs, MAX_TOP_LOGPROBS);
    const request = {
      kind: "generate",
      ids,
      rules: inner.rules,
      options: {
        sampling,
        maxTokens: maxTokens ?? Number.POSITIVE_INFINITY,
        stopIds,
        thinking: inner.thinking,
        topLogprobs: onToken && topLogprobs,
      },
    } as const;
    let cachedTokens = 0;
    const events = eventStream(worker, request, "id", {
      signal,
      onEvent(event) {
        if (event.kind !== "progress") return;
        cachedTokens = ids.length - event.total;
        onProgress?.({ phase: "prefill", done: event.done, total: event.total });
      },
    });
    const tokenizer = onToken && (await tokenizerIfAny());
    let newTokens = 0;
    let lastId = -1;
    let [prefillMs, lastMs] = [0, 0];
    let stopped: string | undefined;
    for await (const { token, logprobs, ms } of events) {
      if (newTokens++ === 0) prefillMs = ms;
      lastMs = ms;
      lastId = token;
      onToken?.(reportToken(tokenizer, token, logprobs));
      yield token;
      stopped = inner.metStop?.();
      if (stopped !== undefined) break;
    }
    const finishReason = stopped !== undefined || stopIds.includes(lastId) ? "stop" : "length";
    const decodeMs = lastMs - prefillMs;
    const counts = { promptTokens: ids.length, cachedTokens, newTokens };
    onFinish?.({ ...counts, prefillMs, decodeMs, finishReason, ...(stopped === undefined ? {} : { stopped }) });
  }

  /** Options for text: what is recommended where the caller states nothing. */
  const withDefaults = (options: GenerateOptions): GenerateOptions => {
    return { maxTokens: recommended.maxNewTokens, ...recommended.sampling, ...defined(options) };
  };

  const budgetOf = (
    tokenizer: ModelTokenizer,
    tokens: number | undefined,
    isOpen: boolean,
  ): ThinkingBudget | undefined => {
    const [open, close] = ["<think>", "</think>"].map(tokenizer.idOf);
    if (tokens === undefined || open === undefined || close === undefined) return undefined;
    return { tokens, open, close, isOpen };
  };

  return {
    config,
    checkpoint,
    warnings: [...checkpoint.warnings, ...warnings],
    settings,
    memoryBytes: bytes,
    recommended,
    tokenizer: async () => needText().tokenizer(),
    encodeChat,
    async *generate(ids, options) {
      checkIdList(ids);
      checkCall("generate", options);
      yield* generate(ids, options);
    },
    async *chat(messages, options = {}) {
      checkCall("chat", options);
      const {
        tools,
        now,
        continueFinalMessage,
        stop,
        thinkingBudget,
        responseFormat,
        toolChoice,
        mayThink = true,
        ...rest
      } = options;
      const stops = createStopFilter<ChatDelta>(
        checkStops(stop, responseFormat !== undefined),
        (delta) => delta.content,
        (_, content) => ({ content }),
      );
      checkCount("thinkingBudget", thinkingBudget, Number.MAX_SAFE_INTEGER);
      const ids = await encodeChat(messages, { tools, now, continueFinalMessage, signal: rest.signal });
      const tokenizer = await needText().tokenizer();
      // Some templates begin the thought themselves.
      const isOpen = endsThinking(tokenizer, ids);
      const thinking = budgetOf(tokenizer, thinkingBudget, isOpen);
      const thoughtFirst = isOpen ? "open" : mayThink ? "possible" : "none";
      const rules = await rulesFor({ responseFormat, tools, toolChoice }, thoughtFirst, rest.signal);
      // What is held to a format after the thought cannot be thought.
      const isHeld = rules?.grammar !== undefined && rules.trigger === undefined;
      const budget = isHeld ? undefined : thinking;
      const parser = createAnswerParser(tokenizer, { thinking: isOpen, budget, tools, messages });
      let summary: Summary | undefined;
      const onFinish = (finished: Summary): void => {
        summary = finished;
      };
      const asked = { ...withDefaults(rest), onFinish };
      const { stopIds = tokenizer.eosIds } = rest;
      for await (const id of generate(ids, asked, { thinking, rules, metStop: () => stops.met })) {
        if (!stopIds.includes(id)) yield* stops.push(parser.push(id));
      }
      const ended = summary?.finishReason === "stop" && stops.met === undefined;
      const remains = stops.met === undefined ? parser.end(ended ? "model" : "cut") : [];
      // No stop string may end a call that is held to a grammar: what is left of one was cut.
      const isCutCall = rules?.grammar !== undefined && !ended;
      if (!isCutCall) yield* stops.push(remains);
      yield* stops.end();
      if (isCutCall) yield* remains;
      if (summary === undefined) return;
      const waits = ended && stops.met === undefined && parser.callCount > 0;
      rest.onFinish?.(waits ? { ...summary, finishReason: "tool_calls" } : withStop(summary, stops.met));
    },
    async *complete(prompt, stated = {}) {
      checkPrompt(prompt);
      checkCall("complete", stated);
      const { stop, responseFormat, ...options } = stated;
      const stops = createStopMatcher(checkStops(stop, responseFormat !== undefined));
      const tokenizer = await needText().tokenizer();
      const rules = await rulesFor({ responseFormat }, "none", options.signal);
      const stream = tokenizer.stream({ skipSpecial: true });
      const ids = await tokenizer.encode(prompt, { addBos: true, signal: options.signal });
      let summary: Summary | undefined;
      const onFinish = (finished: Summary): void => {
        summary = finished;
      };
      const asked = { ...withDefaults(options), onFinish };
      const { stopIds = tokenizer.eosIds } = options;
      for await (const id of generate(ids, asked, { rules, metStop: () => stops.met })) {
        if (stopIds.includes(id)) continue;
        const piece = stops.push(stream.push(id));
        if (piece !== "") yield piece;
      }
      const rest = stops.push(stream.end()) + stops.end();
      if (rest !== "") yield rest;
      if (summary !== undefined) options.onFinish?.(withStop(summary, stops.met));
    },
    async logits(ids, options = {}) {
      checkIdList(ids);
      checkCall("logits", options);
      const { signal, onProgress } = options;
      checkIds(ids, config.vocabSize, settings.contextLength);
      const cols = config.vocabSize;
      const data = new Float32Array(ids.length * cols);
      let filled = 0;
      await worker.request(
        { kind: "logits", ids },
        {
          signal,
          event(event) {
            if (event.kind === "rows") {
              data.set(event.logits, filled);
              filled += event.logits.length;
            } else if (event.kind === "progress") {
              onProgress?.({ phase: "prefill", done: event.done, total: event.total });
            }
          },
        },
      );
      return { data, rows: ids.length, cols };
    },
    async *trace(ids, options = {}) {
      checkIdList(ids);
      checkCall("trace", options);
      const { points, positions, signal, onProgress } = options;
      checkIds(ids, config.vocabSize, settings.contextLength);
      const plan = planTrace(config, ids.length, { points, positions });
      const steps = eventStream(worker, { kind: "trace", ids, plan }, "step", {
        signal,
        bytesOf: ({ step }) => step.numbers.byteLength,
        onEvent(event) {
          if (event.kind === "progress") onProgress?.({ phase: "prefill", done: event.done, total: event.total });
        },
      });
      for await (const { step } of steps) yield* tracePieces(plan, step);
    },
    async close() {
      await Promise.all([worker.close(), text?.close()]);
    },
  };
}

/** Without what is undefined, which would take the place of a default. */
function defined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** @throws OptionError unless an optional count is an integer in [0, most] */
function checkCount(name: string, count: number | undefined, most: number): void {
  if (count === undefined || (Number.isSafeInteger(count) && count >= 0 && count <= most)) return;
  const range = most === Number.MAX_SAFE_INTEGER ? "of at least 0" : `from 0 to ${most}`;
  throw new OptionError({ subject: name, expected: `an integer ${range}`, found: count });
}

/** A stop string may also be met in what came out at the very end, such as the remains of a tool call. */
function withStop(summary: Summary, met: string | undefined): Summary {
  return met === undefined ? summary : { ...summary, finishReason: "stop", stopped: met };
}

/** The ids of a key such as eos_token_id, as the files state them: one number or a list. */
function statedIds({ generationConfig, config }: Checkpoint, key: string): number[] {
  const stated = generationConfig[key] ?? config[key];
  return (Array.isArray(stated) ? stated : [stated]).filter((id) => Number.isInteger(id));
}
