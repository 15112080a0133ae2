// Where files, the model's thread, tokenizer and template meet: a checkpoint becomes something one can talk to.
import { type ChatDelta, createAnswerParser } from "./chat/answer-parser.ts";
import type { ChatMessage } from "./chat/messages.ts";
import { renderPrompt } from "./chat/prompt.ts";
import { checkStops, createStopFilter, createStopMatcher } from "./chat/stop-strings.ts";
import { type ChatTemplate, createTemplate, type RenderOptions } from "./chat/template.ts";
import { endsThinking } from "./chat/thinking.ts";
import { reportToken, type TokenReport } from "./chat/token-report.ts";
import type { ConstraintRequest, ResponseFormat, ToolChoice } from "./constrain/compile.ts";
import type { ConstraintRules, Thought } from "./constrain/constraint.ts";
import { collectVocabulary } from "./constrain/vocabulary.ts";
import { checkIds } from "./engine/engine.ts";
import type { ThinkingBudget } from "./engine/thinking-budget.ts";
import type { Checkpoint } from "./formats/checkpoint.ts";
import { openCheckpoint } from "./formats/open-checkpoint.ts";
import { checkOptions, type ModelOptions, OptionError, type Settings } from "./load.ts";
import { type Config, readConfig } from "./model/config.ts";
import { type TracePiece, tracePieces } from "./oracle/trace-pieces.ts";
import { planTrace, type TraceChoice } from "./oracle/trace-plan.ts";
import { type RecommendedSampling, recommendedSampling } from "./sampling/defaults.ts";
import { MAX_TOP_LOGPROBS } from "./sampling/logprobs.ts";
import { type SamplingOptions, validateSampling } from "./sampling/options.ts";
import type { Folder } from "./sources/source.ts";
import { createTokenizer, type Tokenizer } from "./tokenizer/tokenizer.ts";
import { connect, type ModelWorker } from "./worker/client.ts";
import { eventStream } from "./worker/event-stream.ts";
import type { Results, WorkerPort } from "./worker/protocol.ts";

/**
 * What a model is opened from. A string is a path in Node and a URL in a browser; one that begins with http:// or
 * https:// is a URL in both. A GGUF file, one file of a split GGUF, a safetensors file, or a Hugging Face folder.
 */
export type ModelSource = string | URL | Blob | ArrayBuffer | Uint8Array<ArrayBuffer> | readonly File[] | FileList;

export interface OpenOptions extends ModelOptions {
  readonly signal?: AbortSignal;
  /** Weights read so far. */
  readonly onProgress?: (progress: Progress) => void;
  /** HTTP headers for URLs, such as Authorization. */
  readonly headers?: Record<string, string>;
}

export interface Progress {
  /** `load` counts bytes of weights, `prefill` tokens of the prompt that have to be read. */
  readonly phase: "load" | "prefill";
  readonly done: number;
  readonly total: number;
}

export interface GenerateOptions extends Partial<SamplingOptions> {
  /** Most new tokens; what the model's makers recommend, or what the context has left. */
  readonly maxTokens?: number;
  /** Ids that end the answer; the model's own unless told. */
  readonly stopIds?: readonly number[];
  /** Called for every token that is taken, before its text is given out: stop ids, markers and stop strings included. */
  readonly onToken?: (token: TokenReport) => void;
  /**
   * With it, onToken is told log-probabilities: of the token, and of so many of the most likely ones, 0 to 20. They are
   * the model's own, before bias, penalties, temperature and all else that sampling does.
   */
  readonly topLogprobs?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** Called once, when the last token has been given out. */
  readonly onFinish?: (summary: Summary) => void;
}

export interface Summary {
  readonly promptTokens: number;
  /** Of these, reused from the request before: the beginning that both share was not read again. */
  readonly cachedTokens: number;
  readonly newTokens: number;
  /** Until the first new token, and from there to the last. */
  readonly prefillMs: number;
  readonly decodeMs: number;
  /**
   * `stop`: the model or a stop string ended the answer; `tool_calls`: the model did, and waits for results; `length`:
   * maxTokens or the context did.
   */
  readonly finishReason: "stop" | "length" | "tool_calls";
  /** The stop string that ended the answer. */
  readonly stopped?: string;
}

/** With a format, the answer ends where the format does; `finishReason` "length" says that it was cut before. */
export interface CompleteOptions extends GenerateOptions {
  /**
   * Strings that end the answer, wherever tokens begin and end: at most 16, of up to 1,000 characters. The one that is
   * complete first counts, and is not given out. In a chat they are looked for in the answer's text, not in thoughts or
   * tool calls.
   */
  readonly stop?: string | readonly string[];
  /** What the text has to look like. */
  readonly responseFormat?: ResponseFormat;
}

export interface ChatOptions extends CompleteOptions, RenderChoices {
  /**
   * Most tokens of thinking in the answer: a thought that is longer is closed, and the model goes on from there. 0: no
   * thinking at all. Without effect on a model whose tokenizer has no `<think>`.
   */
  readonly thinkingBudget?: number;
  /**
   * Whether and how `tools` may be called; names and arguments then follow their descriptions. Without it, the model
   * writes calls as it likes; with a responseFormat and tools, it may call them or answer in that format.
   */
  readonly toolChoice?: ToolChoice;
  /**
   * With a responseFormat or toolChoice: whether the model may think before the answer that is held to it (true unless
   * told). A thought that the prompt itself begins is always finished first.
   */
  readonly mayThink?: boolean;
}

export interface RenderChoices {
  /** Descriptions of functions the model may call, as JSON objects. */
  readonly tools?: RenderOptions["tools"];
  /** The date that a template may print; now, unless told. */
  readonly now?: Date;
}

export interface EncodeChatOptions extends RenderChoices {
  /** Where control strings count: in what is trusted (default), or everywhere. */
  readonly parseSpecial?: "trusted" | "all";
}

/** Logits after each id. */
export interface Logits {
  /** [rows, cols], row-major, before temperature. */
  readonly data: Float32Array;
  readonly rows: number;
  readonly cols: number;
}

export interface TraceOptions extends TraceChoice, Pick<GenerateOptions, "signal" | "onProgress"> {}

export interface LanguageModel {
  readonly config: Config;
  /** `files` are closed; their descriptors tell where they are. */
  readonly checkpoint: Pick<Checkpoint, "container" | "config" | "files" | "metadata" | "tensors">;
  /** The options in force. */
  readonly settings: Settings;
  /** Bytes reserved for weights, state and working space. */
  readonly memoryBytes: number;
  /** Absent when the files have none, or a damaged one: ids can still be run; using text then says what is wrong. */
  readonly tokenizer: Tokenizer | undefined;
  /** The sampling that `chat` and `complete` use where options leave it open, and where it comes from. */
  readonly recommended: RecommendedSampling;

  /**
   * Answers a conversation, piece by piece, in OpenAI's names. A tool call comes whole, as soon as it is complete, and
   * is checked against `tools`. createAnswerCollector makes a message of the pieces.
   * @throws ConstraintError naming what output cannot be held to, such as a keyword of a schema
   * @throws PromptError when the conversation does not fit; the signal's reason when aborted
   */
  chat(messages: readonly ChatMessage[], options?: ChatOptions): AsyncGenerator<ChatDelta, void>;
  /**
   * Continues a text, BOS put before it once. Control strings in it count, so that a prompt may be written by hand;
   * what a stranger wrote belongs in `chat`, or through `tokenizer.encode` and `generate`. Yields text.
   */
  complete(prompt: string, options?: CompleteOptions): AsyncGenerator<string, void>;
  /**
   * Continues ids with ids; greedy unless sampling is given. A stop id ends it and is the last one. Generation runs
   * ahead of a slow consumer, until `maxTokens`; leaving the loop, or `signal`, ends it.
   */
  generate(ids: readonly number[], options?: GenerateOptions): AsyncGenerator<number, void>;
  /** Logits after each of `ids`, f32 [T, vocab]. */
  logits(ids: readonly number[], options?: Pick<GenerateOptions, "signal" | "onProgress">): Promise<Logits>;
  /**
   * Every tensor at a named point of the graph, in pieces, while the model runs over `ids`; `planTrace` tells names and
   * shapes before. The run waits for a slow consumer, so that no more than 64 MB are on their way.
   * @throws GlobError when a pattern of `points` matches nothing; PositionsError; PromptError
   */
  trace(ids: readonly number[], options?: TraceOptions): AsyncGenerator<TracePiece, void>;
  /**
   * Ids of a conversation as `chat` would send it. Control strings that a user, a tool, a tool's definition or a call's
   * arguments contain become ordinary text, so that they cannot end a turn or open a tool call; with
   * `parseSpecial: "all"` they become the tokens they name, as Hugging Face has it.
   *
   * @throws ChatError naming the message at fault, or when the template hides where a control string came from
   */
  encodeChat(messages: readonly ChatMessage[], options?: EncodeChatOptions): number[];
  /** Ends the model's thread and gives its memory back. */
  close(): Promise<void>;
}

/** What differs between Node and a browser. */
export interface Host {
  startWorker(): WorkerPort;
  /** The folder and, unless it is a Hugging Face folder, the file that a source names; the embedded model's without. */
  locate(source: ModelSource | undefined, headers?: Record<string, string>): Promise<{ folder: Folder; file?: string }>;
}

export async function openOn(host: Host, source?: ModelSource, options: OpenOptions = {}): Promise<LanguageModel> {
  const { signal, onProgress, headers, ...modelOptions } = options;
  signal?.throwIfAborted();
  checkOptions(modelOptions);
  const { folder, file } = await host.locate(source, headers);
  const checkpoint = await openCheckpoint(folder, file, signal);
  const { config: rawConfig, tensors, files } = checkpoint;
  let worker: ModelWorker | undefined;
  try {
    const config = readConfig(rawConfig);
    worker = connect(host.startWorker());
    const loaded = await worker.request(
      {
        kind: "load",
        config: rawConfig,
        tensors,
        files: files.map(({ descriptor }) => descriptor),
        options: modelOptions,
      },
      {
        signal,
        event(event) {
          if (event.kind === "progress") onProgress?.({ phase: "load", done: event.done, total: event.total });
        },
      },
    );
    return createLanguageModel(worker, checkpoint, config, loaded);
  } catch (error) {
    await worker?.close();
    throw error;
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

function createLanguageModel(
  worker: ModelWorker,
  checkpoint: Checkpoint,
  config: Config,
  { settings, bytes }: Results["load"],
): LanguageModel {
  const { tokenizer, missing } = tokenizerOf(checkpoint);
  const name = checkpoint.metadata.get("general.name");
  const recommended = recommendedSampling({
    generationConfig: checkpoint.generationConfig,
    vocabSize: config.vocabSize,
    bosId: tokenizer?.bosId,
    name: typeof name === "string" ? name : undefined,
  });
  const eosIds = tokenizer?.eosIds ?? statedEosIds(checkpoint);
  let template: ChatTemplate | undefined;

  const needTokenizer = (): Tokenizer => {
    if (tokenizer !== undefined) return tokenizer;
    throw missing;
  };

  const encodeChat: LanguageModel["encodeChat"] = (messages, { tools, now, parseSpecial = "trusted" } = {}) => {
    const text = needTokenizer();
    template ??= createTemplate(checkpoint.chatTemplate);
    const prompt = renderPrompt(template, text, messages, { tools, now, parseSpecial });
    return text.encode(prompt.text, { parseSpecial: prompt.trusted });
  };

  let vocabularySent: Promise<unknown> | undefined;

  /** The schema compiler is loaded when it is first needed; so is the vocabulary sent to the model's thread. */
  async function rulesFor(
    request: Pick<ChatOptions, "responseFormat" | "tools" | "toolChoice">,
    thoughtFirst: Thought["first"],
  ): Promise<ConstraintRules | undefined> {
    if (request.responseFormat === undefined && request.toolChoice === undefined) return undefined;
    const { idOf, bytesOf } = needTokenizer();
    const { compileConstraint } = await import("./constrain/compile.ts");
    const [open, close] = [idOf("<think>"), idOf("</think>")];
    const [start, end] = [idOf("<|tool_call_start|>"), idOf("<|tool_call_end|>")];
    const rules = compileConstraint({
      ...request,
      callMarkers: start === undefined || end === undefined ? undefined : { start, end },
      thought: open === undefined || close === undefined ? undefined : { open, close, first: thoughtFirst },
    } satisfies ConstraintRequest);
    vocabularySent ??= worker.request({
      kind: "vocabulary",
      vocabulary: collectVocabulary(config.vocabSize, bytesOf),
    });
    await vocabularySent;
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
    const { maxTokens, stopIds = eosIds, onToken, topLogprobs, signal, onProgress, onFinish, ...stated } = options;
    const sampling = validateSampling({ ...stated, temperature: stated.temperature ?? 0 });
    checkIds(ids, config.vocabSize, settings.contextLength);
    if (maxTokens !== undefined && !(Number.isInteger(maxTokens) && maxTokens >= 1)) {
      throw new OptionError(`maxTokens: expected an integer of at least 1, found ${maxTokens}.`);
    }
    if (inner.rules !== undefined && stopIds.length === 0) {
      throw new OptionError("stopIds: expected an id that ends the answer once it is complete, found none.");
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
      bytesOf: () => 0,
      onEvent(event) {
        if (event.kind !== "progress") return;
        cachedTokens = ids.length - event.total;
        onProgress?.({ phase: "prefill", done: event.done, total: event.total });
      },
    });
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
    const stated = Object.entries(options).filter(([, value]) => value !== undefined);
    return { maxTokens: recommended.maxNewTokens, ...recommended.sampling, ...Object.fromEntries(stated) };
  };

  const budgetOf = (tokens: number | undefined, isOpen: boolean): ThinkingBudget | undefined => {
    const [open, close] = ["<think>", "</think>"].map(needTokenizer().idOf);
    if (tokens === undefined || open === undefined || close === undefined) return undefined;
    return { tokens, open, close, isOpen };
  };

  return {
    config,
    checkpoint,
    settings,
    memoryBytes: bytes,
    tokenizer,
    recommended,
    encodeChat,
    generate: (ids, options) => generate(ids, options),
    async *chat(messages, options = {}) {
      const { tools, now, stop, thinkingBudget, responseFormat, toolChoice, mayThink = true, ...rest } = options;
      const stops = createStopFilter<ChatDelta>(
        checkStops(stop),
        (delta) => delta.content,
        (_, content) => ({ content }),
      );
      checkCount("thinkingBudget", thinkingBudget, Number.MAX_SAFE_INTEGER);
      const ids = encodeChat(messages, { tools, now });
      // Some templates begin the thought themselves.
      const isOpen = endsThinking(needTokenizer(), ids);
      const parser = createAnswerParser(needTokenizer(), { thinking: isOpen, tools, messages });
      const thinking = budgetOf(thinkingBudget, isOpen);
      const rules = await rulesFor(
        { responseFormat, tools, toolChoice },
        isOpen ? "open" : mayThink ? "possible" : "none",
      );
      let summary: Summary | undefined;
      const onFinish = (finished: Summary): void => {
        summary = finished;
      };
      const asked = { ...withDefaults(rest), onFinish };
      for await (const id of generate(ids, asked, { thinking, rules, metStop: () => stops.met })) {
        yield* stops.push(parser.push(id));
      }
      const ended = summary?.finishReason === "stop" && stops.met === undefined;
      if (stops.met === undefined) yield* stops.push(parser.end(ended ? "model" : "cut"));
      yield* stops.end();
      if (summary === undefined) return;
      const waits = ended && parser.callCount > 0;
      rest.onFinish?.(waits ? { ...summary, finishReason: "tool_calls" } : summary);
    },
    async *complete(prompt, { stop, responseFormat, ...options } = {}) {
      const text = needTokenizer();
      const stops = createStopMatcher(checkStops(stop));
      const rules = await rulesFor({ responseFormat }, "none");
      const stream = text.stream({ skipSpecial: true });
      const ids = text.encode(prompt, { addBos: true });
      for await (const id of generate(ids, withDefaults(options), { rules, metStop: () => stops.met })) {
        const piece = stops.push(stream.push(id));
        if (piece !== "") yield piece;
      }
      const rest = stops.push(stream.end()) + stops.end();
      if (rest !== "") yield rest;
    },
    async logits(ids, { signal, onProgress } = {}) {
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
    async *trace(ids, { points, positions, signal, onProgress } = {}) {
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
    close: () => worker.close(),
  };
}

/** @throws OptionError unless an optional count is an integer in [0, most] */
function checkCount(name: string, count: number | undefined, most: number): void {
  if (count === undefined || (Number.isSafeInteger(count) && count >= 0 && count <= most)) return;
  const range = most === Number.MAX_SAFE_INTEGER ? "of at least 0" : `from 0 to ${most}`;
  throw new OptionError(`${name}: expected an integer ${range}, found ${count}.`);
}

/** Ids that end an answer, as the files state them: one number or a list. */
function statedEosIds({ generationConfig, config }: Checkpoint): number[] {
  const stated = generationConfig.eos_token_id ?? config.eos_token_id;
  return (Array.isArray(stated) ? stated : [stated]).filter((id) => Number.isInteger(id));
}

/** The tokenizer, or why there is none: a model whose tokenizer is damaged can still be run on ids. */
function tokenizerOf({ tokenizer: source }: Checkpoint): { tokenizer?: Tokenizer; missing?: unknown } {
  if (source === undefined) {
    const found = "text: expected a tokenizer in the model's files, found none. Use `generate` or `logits` with ids.";
    return { missing: new OptionError(found) };
  }
  try {
    return { tokenizer: createTokenizer(source) };
  } catch (error) {
    return { missing: error };
  }
}
