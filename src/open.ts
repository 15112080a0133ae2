// Where files, the model's thread, tokenizer and template meet: a checkpoint becomes something one can talk to.
import type { ChatMessage } from "./chat/messages.ts";
import { renderPrompt } from "./chat/prompt.ts";
import { type ChatTemplate, createTemplate, type RenderOptions } from "./chat/template.ts";
import { type AnswerDelta, createAnswerSplitter, endsThinking } from "./chat/thinking.ts";
import { checkIds } from "./engine/engine.ts";
import type { Checkpoint } from "./formats/checkpoint.ts";
import { openCheckpoint } from "./formats/open-checkpoint.ts";
import { checkOptions, type ModelOptions, OptionError, type Settings } from "./load.ts";
import { type Config, readConfig } from "./model/config.ts";
import { type RecommendedSampling, recommendedSampling } from "./sampling/defaults.ts";
import { type SamplingOptions, validateSampling } from "./sampling/options.ts";
import type { Folder } from "./sources/source.ts";
import { createTokenizer, type Tokenizer } from "./tokenizer/tokenizer.ts";
import { connect, type ModelWorker } from "./worker/client.ts";
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
  /** `load` counts bytes of weights, `prefill` tokens of the prompt. */
  readonly phase: "load" | "prefill";
  readonly done: number;
  readonly total: number;
}

export interface GenerateOptions extends Partial<SamplingOptions> {
  /** Most new tokens; what the model's makers recommend, or what the context has left. */
  readonly maxTokens?: number;
  /** Ids that end the answer; the model's own unless told. */
  readonly stopIds?: readonly number[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** Called once, when the last token has been given out. */
  readonly onFinish?: (summary: Summary) => void;
}

export interface Summary {
  readonly promptTokens: number;
  readonly newTokens: number;
  /** Until the first new token, and from there to the last. */
  readonly prefillMs: number;
  readonly decodeMs: number;
  /** `stop`: the model ended its answer; `length`: maxTokens or the context did. */
  readonly finishReason: "stop" | "length";
}

export interface ChatOptions extends GenerateOptions, RenderChoices {}

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

export interface LanguageModel {
  readonly config: Config;
  readonly checkpoint: Pick<Checkpoint, "container" | "metadata" | "tensors">;
  /** The options in force. */
  readonly settings: Settings;
  /** Bytes reserved for weights, state and working space. */
  readonly memoryBytes: number;
  /** Absent when the files have none, or a damaged one: ids can still be run; using text then says what is wrong. */
  readonly tokenizer: Tokenizer | undefined;
  /** The sampling that `chat` and `complete` use where options leave it open, and where it comes from. */
  readonly recommended: RecommendedSampling;

  /**
   * Answers a conversation, piece by piece. Thinking, text and tool calls are told apart.
   * @throws PromptError when the conversation does not fit; the signal's reason when aborted
   */
  chat(messages: readonly ChatMessage[], options?: ChatOptions): AsyncGenerator<AnswerDelta, void>;
  /**
   * Continues a text, BOS put before it once. Control strings in it count, so that a prompt may be written by hand;
   * what a stranger wrote belongs in `chat`, or through `tokenizer.encode` and `generate`. Yields text.
   */
  complete(prompt: string, options?: GenerateOptions): AsyncGenerator<string, void>;
  /**
   * Continues ids with ids; greedy unless sampling is given. A stop id ends it and is the last one. Generation runs
   * ahead of a slow consumer, until `maxTokens`; leaving the loop, or `signal`, ends it.
   */
  generate(ids: readonly number[], options?: GenerateOptions): AsyncGenerator<number, void>;
  /** Logits after each of `ids`, f32 [T, vocab]. */
  logits(ids: readonly number[], options?: Pick<GenerateOptions, "signal" | "onProgress">): Promise<Logits>;
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

  async function* generate(ids: readonly number[], options: GenerateOptions = {}): AsyncGenerator<number, void> {
    const { maxTokens, stopIds = eosIds, signal, onProgress, onFinish, ...stated } = options;
    const sampling = validateSampling({ ...stated, temperature: stated.temperature ?? 0 });
    checkIds(ids, config.vocabSize, settings.contextLength);
    if (maxTokens !== undefined && !(Number.isInteger(maxTokens) && maxTokens >= 1)) {
      throw new OptionError(`maxTokens: expected an integer of at least 1, found ${maxTokens}.`);
    }
    // Breaking out of the loop must stop the worker too.
    const left = new AbortController();
    const either = signal === undefined ? left.signal : AbortSignal.any([signal, left.signal]);
    const arrived: number[] = [];
    let wake = (): void => {};
    let newTokens = 0;
    let lastId = -1;
    const request = { ids, options: { sampling, maxTokens: maxTokens ?? Number.POSITIVE_INFINITY, stopIds } };
    let ended: { timing: Results["generate"] } | { error: unknown } | undefined;
    const done = worker
      .request(
        { kind: "generate", ...request },
        {
          signal: either,
          event(event) {
            if (event.kind === "id") {
              arrived.push(event.token);
              wake();
            } else if (event.kind === "progress") {
              onProgress?.({ phase: "prefill", done: event.done, total: event.total });
            }
          },
        },
      )
      .then(
        (timing) => {
          ended = { timing };
        },
        (error: unknown) => {
          ended = { error };
        },
      )
      .then(() => wake());
    try {
      for (;;) {
        while (arrived.length > 0) {
          lastId = arrived.shift() as number;
          newTokens++;
          yield lastId;
          signal?.throwIfAborted();
        }
        if (ended !== undefined) break;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if ("error" in ended) throw ended.error;
      const finishReason = stopIds.includes(lastId) ? "stop" : "length";
      onFinish?.({ promptTokens: ids.length, newTokens, ...ended.timing, finishReason });
    } finally {
      left.abort();
      await done;
    }
  }

  /** Options for text: what is recommended where the caller states nothing. */
  const withDefaults = (options: GenerateOptions): GenerateOptions => {
    const stated = Object.entries(options).filter(([, value]) => value !== undefined);
    return { maxTokens: recommended.maxNewTokens, ...recommended.sampling, ...Object.fromEntries(stated) };
  };

  return {
    config,
    checkpoint,
    settings,
    memoryBytes: bytes,
    tokenizer,
    recommended,
    encodeChat,
    generate,
    async *chat(messages, options = {}) {
      const { tools, now, ...rest } = options;
      const ids = encodeChat(messages, { tools, now });
      // Some templates begin the thought themselves.
      const splitter = createAnswerSplitter(needTokenizer(), { thinking: endsThinking(needTokenizer(), ids) });
      for await (const id of generate(ids, withDefaults(rest))) {
        yield* splitter.push(id);
      }
      yield* splitter.end();
    },
    async *complete(prompt, options = {}) {
      const text = needTokenizer();
      const stream = text.stream({ skipSpecial: true });
      for await (const id of generate(text.encode(prompt, { addBos: true }), withDefaults(options))) {
        const piece = stream.push(id);
        if (piece !== "") yield piece;
      }
      const rest = stream.end();
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
    close: () => worker.close(),
  };
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
