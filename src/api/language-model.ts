// What a model that is opened can be asked: the contract of the package.
import type { ChatDelta } from "../chat/answer-parser.ts";
import type { ChatMessage } from "../chat/messages.ts";
import type { RenderOptions } from "../chat/template.ts";
import type { TokenReport } from "../chat/token-report.ts";
import type { ResponseFormat, ToolChoice } from "../constrain/compile.ts";
import type { Activity } from "../engine/scheduler.ts";
import type { Checkpoint } from "../formats/checkpoint.ts";
import type { Settings } from "../load/settings.ts";
import type { Config } from "../model/config.ts";
import type { TracePiece } from "../oracle/trace/trace-pieces.ts";
import type { TraceChoice } from "../oracle/trace/trace-plan.ts";
import type { RecommendedSampling } from "../sampling/defaults.ts";
import type { SamplingOptions } from "../sampling/options.ts";
import type { ModelTokenizer } from "../text/text.ts";

export interface Progress {
  /**
   * `wait` says that another process, or tab, is fetching a file of the model. `fetch` counts bytes of the model's files that are
   * kept on this machine, `check` those of a file whose hash is computed, `load` bytes of weights, `prefill` tokens of the
   * prompt that have to be read.
   */
  readonly phase: "wait" | "fetch" | "check" | "load" | "prefill";
  readonly done: number;
  readonly total: number;
  /** Of `fetch`: the speed of the last seconds, and the time that the rest takes at it; absent at first. */
  readonly bytesPerSecond?: number;
  readonly secondsLeft?: number;
}

export interface RunOptions {
  /**
   * Changes of the model for this run, as texts KIND[:VALUES][@LAYERS]: `expert-off:7,9@2-5`, `k:2`, `softmax`, `no-bias@3`,
   * `no-norm:ffn_norm@4`, … (docs/page.md lists them). What follows is computed from the change on, and every other number
   * as specified.
   */
  readonly edits?: readonly string[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

export interface GenerateOptions extends Partial<SamplingOptions>, RunOptions {
  /** Most new tokens; what the model's makers recommend, or what the context has left. */
  readonly maxTokens?: number;
  /**
   * Ids that end the answer; by default the model's own. `generate` yields them, `chat` and `complete` give
   * out no text of theirs. In a format they come only where it is complete.
   */
  readonly stopIds?: readonly number[];
  /** Called for every token that is taken, before its text is given out: stop ids, markers and stop strings included. */
  readonly onToken?: (token: TokenReport) => void;
  /**
   * Gives onToken log-probabilities: the token's, and those of this many of the likeliest tokens, 0 to 20. They are
   * the model's own, before bias, penalties, temperature and all else that sampling does.
   */
  readonly topLogprobs?: number;
  /**
   * Whether ids may be run before they are known, several at a time where that is faster: guessed from what the prompt and
   * the answer have said before, or the only ones that a format allows. The answer is the same to the bit. True unless
   * told; without effect under `edits`.
   */
  readonly speculate?: boolean;
  /** Called once, when the last token has been given out. */
  readonly onFinish?: (summary: Summary) => void;
}

export interface Summary {
  readonly promptTokens: number;
  /** Of these, known from requests before, or from others that run: the beginning was not read again. */
  readonly cachedTokens: number;
  readonly newTokens: number;
  /** Tokens that were run before they were known, and how many of them then came. */
  readonly guessedTokens: number;
  readonly acceptedTokens: number;
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

/** With a format, the answer ends where the format does; `finishReason` "length" means that it was cut before that. */
export interface CompleteOptions extends GenerateOptions {
  /**
   * Strings that end the answer, wherever tokens begin and end: at most 16, of up to 1,000 characters. The one that is
   * complete first counts, and is not given out. In a chat they are looked for in the answer's text, not in thoughts or
   * tool calls. Refused beside responseFormat: an answer in a format ends where the format does.
   */
  readonly stop?: string | readonly string[];
  /** What the text has to look like. */
  readonly responseFormat?: ResponseFormat;
}

export interface ChatOptions extends CompleteOptions, RenderChoices {
  /**
   * Most tokens of thinking in the answer: a thought that is longer is closed, and the model goes on from there. 0: no
   * thinking at all. A model that thinks on regardless, and closes the thought itself within as many tokens again, has
   * that counted as thought, too; until then, what it writes after a closed thought is held back. Without effect on a
   * model whose tokenizer has no `<think>`.
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
  /** The date that a template may print; today by default. */
  readonly now?: Date;
  /** End within the last message, an assistant's, so that the model goes on with it (default false). */
  readonly continueFinalMessage?: boolean;
}

export interface EncodeChatOptions extends RenderChoices, Pick<RunOptions, "signal"> {
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

export interface TraceOptions extends TraceChoice, RunOptions {}

/** Calls may be made side by side: as many answers as `parallel` says are computed at once, the others wait. */
export interface LanguageModel {
  readonly config: Config;
  /** `files` are closed; their descriptors tell where they are. */
  readonly checkpoint: Pick<Checkpoint, "container" | "config" | "files" | "metadata" | "tensors">;
  /**
   * What the files hold that is not used, or was not as expected, and might matter: a sentence or two each. The library
   * prints nothing.
   */
  readonly warnings: readonly string[];
  /** The options in force. */
  readonly settings: Settings;
  /** Bytes reserved for weights, state and working space. */
  readonly memoryBytes: number;
  /** The sampling that `chat` and `complete` use where options leave it open, and where it comes from. */
  readonly recommended: RecommendedSampling;

  /**
   * Answers a conversation, piece by piece, in OpenAI's names. A tool call comes whole, as soon as it is complete, and
   * is checked against `tools`. createAnswerCollector makes a message of the pieces.
   * @throws ConstraintError naming what output cannot be held to, such as a keyword of a schema
   * @throws PromptError when the conversation does not fit; the signal's reason when aborted
   * @throws LogitsError when a weight is so large that logits are infinite or NaN; so do `complete`, `generate`, `logits`
   */
  chat(messages: readonly ChatMessage[], options?: ChatOptions): AsyncGenerator<ChatDelta, void>;
  /**
   * Continues a text, BOS put before it once. Control strings in it count, so that a prompt may be written by hand;
   * what a stranger wrote belongs in `chat`, or through the tokenizer's `encode`. Ids are continued as they are. Yields
   * text.
   */
  complete(prompt: string | readonly number[], options?: CompleteOptions): AsyncGenerator<string, void>;
  /**
   * Continues ids with ids; greedy unless sampling is given. A stop id ends it and is the last one. Generation runs
   * ahead of a slow consumer, until `maxTokens`; leaving the loop, or `signal`, ends it.
   */
  generate(ids: readonly number[], options?: GenerateOptions): AsyncGenerator<number, void>;
  /** Logits after each of `ids`, f32 [T, vocab]; all finite. */
  logits(ids: readonly number[], options?: RunOptions): Promise<Logits>;
  /**
   * Every tensor at a named point of the graph, in pieces, while the model runs over `ids`; `planTrace` tells names and
   * shapes before. The run waits for a slow consumer, so that no more than 64 MB are on their way. Numbers may be infinite
   * or NaN: a trace shows where they begin.
   * @throws EditError naming an edit that is none; GlobError when a pattern of `points` matches nothing; PositionsError; PromptError
   */
  trace(ids: readonly number[], options?: TraceOptions): AsyncGenerator<TracePiece, void>;
  /**
   * Logits of hidden states before the final norm, which is computed anew (a logit lens): f32 [rows, vocab] of f32
   * [rows, hidden], such as a trace holds under `model.layers.N`.
   */
  head(hidden: Float32Array, options?: Pick<RunOptions, "signal">): Promise<Logits>;
  /**
   * The tokenizer, built in a thread of its own when it is first needed: ids become text here, and at once.
   *
   * @throws TokenizerError, FormatError, OptionError when the files have a damaged one, or none: ids can still be run
   */
  tokenizer(): Promise<ModelTokenizer>;
  /**
   * Ids of a conversation as `chat` would send it. Control strings that a user, a tool, a tool's definition or a call's
   * arguments contain become ordinary text, so that they cannot end a turn or open a tool call; with
   * `parseSpecial: "all"` they become the tokens they name, as Hugging Face has it.
   *
   * @throws ChatError naming the message at fault, when the template hides where a control string came from, or when
   *         rendering takes longer than a second, and a quarter of one for each million characters; the signal's reason
   */
  encodeChat(messages: readonly ChatMessage[], options?: EncodeChatOptions): Promise<number[]>;
  /**
   * What runs, what waits for a sequence or for memory, and how the room for keys and values is used: at once, also in the
   * middle of a long step. A call that was given up counts until the model has left it.
   * @throws WorkerError when the model was closed or has died
   */
  activity(): Activity;
  /** Ends the model's threads and gives their memory back. */
  close(): Promise<void>;
}
