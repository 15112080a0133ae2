// An answer in OpenAI's deltas: ids come in; reasoning, content and tool calls go out as soon as each is certain.
import type { Detokenizer } from "../tokenizer/detokenizer.ts";
import type { ChatMessage } from "./messages.ts";
import { type AnswerPiece, createAnswerSplitter } from "./thinking.ts";
import {
  type BlockPiece,
  createToolCallParser,
  type ToolCallParser,
  type ToolCallProblem,
} from "./tool-call-parser.ts";
import { checkCall, readToolSchemas } from "./tool-check.ts";

/** A tool call, whole: OpenAI's clients join the arguments of one index, and there is one piece of each. */
export interface ToolCallDelta {
  /** Counts the calls of this answer from 0. */
  readonly index: number;
  /** `call_0`, `call_1`, …, counted through the conversation; what a `tool` message's `tool_call_id` refers to. */
  readonly id: string;
  readonly type: "function";
  readonly function: {
    readonly name: string;
    /** JSON text of an object: numbers as the model wrote them (2.0 is not 2), members in its order. */
    readonly arguments: string;
  };
  /** What does not fit the tool's schema, or had to be guessed; absent from calls that are in order. */
  readonly problems?: readonly ToolCallProblem[];
}

/** One of the three; the others are undefined. */
export type ChatDelta =
  | { readonly reasoning_content: string; readonly content?: undefined; readonly tool_calls?: undefined }
  | { readonly content: string; readonly reasoning_content?: undefined; readonly tool_calls?: undefined }
  | {
      readonly tool_calls: readonly ToolCallDelta[];
      readonly content?: undefined;
      readonly reasoning_content?: undefined;
    };

export interface AnswerParser {
  push(id: number): ChatDelta[];
  /** @param by  who ended the answer: the model, or a limit that cut it; see ToolCallParser.end */
  end(by: "model" | "cut"): ChatDelta[];
  /** Calls so far. */
  readonly callCount: number;
}

export interface AnswerParserOptions {
  /** The prompt ended inside a thought (see endsThinking). */
  readonly thinking?: boolean;
  /** What calls are checked against; without tools, they are only read. */
  readonly tools?: readonly unknown[] | undefined;
  /** The conversation so far, whose calls have ids already. */
  readonly messages?: readonly ChatMessage[];
}

/** Text between call markers that is no call comes out as content, to the letter and without the markers. */
export function createAnswerParser(tokenizer: Detokenizer, options: AnswerParserOptions = {}): AnswerParser {
  const { thinking, tools, messages = [] } = options;
  const splitter = createAnswerSplitter(tokenizer, { thinking });
  const schemas = tools === undefined ? undefined : readToolSchemas(tools);
  const earlier = messages.flatMap(({ tool_calls }) => tool_calls ?? []);
  const taken = new Set(earlier.map(({ id }) => id));
  let number = earlier.length;
  let callCount = 0;
  let block: ToolCallParser | undefined;

  const nextId = (): string => {
    while (taken.has(`call_${number}`)) number++;
    return `call_${number++}`;
  };

  const fromBlock = (piece: BlockPiece): ChatDelta => {
    if ("text" in piece) return { content: piece.text };
    const { name, arguments: json, problems } = checkCall(piece.call, schemas);
    const call = { index: callCount++, id: nextId(), type: "function", function: { name, arguments: json } } as const;
    return { tool_calls: [problems.length === 0 ? call : { ...call, problems }] };
  };

  const deltas = ({ kind, text }: AnswerPiece): ChatDelta[] => {
    if (kind === "thinking") return [{ reasoning_content: text }];
    if (kind === "text") return [{ content: text }];
    block ??= createToolCallParser();
    return block.push(text).map(fromBlock);
  };

  const endBlock = (by: "model" | "cut"): ChatDelta[] => {
    const rest = block?.end(by) ?? [];
    block = undefined;
    return rest.map(fromBlock);
  };

  return {
    push(id) {
      const pieces = splitter.push(id).flatMap(deltas);
      return splitter.kind === "toolCall" ? pieces : [...pieces, ...endBlock("model")];
    },
    end: (by) => [...splitter.end().flatMap(deltas), ...endBlock(by)],
    get callCount() {
      return callCount;
    },
  };
}
