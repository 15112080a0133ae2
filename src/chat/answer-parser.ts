// An answer in OpenAI's deltas: ids come in; reasoning, content and tool calls go out as soon as each is certain.
import type { ThinkingBudget } from "../engine/thinking-budget.ts";
import type { Detokenizer } from "../tokenizer/detokenizer.ts";
import { holdEchoes } from "./calls/call-echo.ts";
import type { BlockPiece, ParsedCall, ToolCallProblem } from "./calls/parsed-call.ts";
import { createToolCallParser, type ToolCallParser } from "./calls/tool-call-parser.ts";
import { checkCall, readToolSchemas } from "./calls/tool-check.ts";
import type { ChatMessage } from "./messages.ts";
import { type AnswerPiece, createAnswerSplitter, holdUndecided } from "./thinking.ts";

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
  /** How long it may think, if that is limited and the answer could hold thought afterwards: see holdUndecided. */
  readonly budget?: ThinkingBudget | undefined;
  /** What calls are checked against; without tools, they are only read. */
  readonly tools?: readonly unknown[] | undefined;
  /** The conversation so far, whose calls have ids already. */
  readonly messages?: readonly ChatMessage[];
}

/** Text between call markers that is not a call comes out as content, unchanged and without the markers. */
export function createAnswerParser(tokenizer: Detokenizer, options: AnswerParserOptions = {}): AnswerParser {
  const { thinking, budget, tools, messages = [] } = options;
  const undecided = holdUndecided(budget);
  const splitter = createAnswerSplitter(tokenizer, { thinking });
  const callEnd = tokenizer.idOf("<|tool_call_end|>");
  const schemas = tools === undefined ? undefined : readToolSchemas(tools);
  const earlier = messages.flatMap(({ tool_calls }) => tool_calls ?? []);
  const taken = new Set(earlier.map(({ id }) => id));
  const made = new Set<string>();
  const echo = holdEchoes((text) => readBlock(text).every((piece) => "call" in piece && made.has(keyOf(piece.call))));
  let number = earlier.length;
  let callCount = 0;
  let block: { readonly parser: ToolCallParser; text: string } | undefined;

  const nextId = (): string => {
    while (taken.has(`call_${number}`)) number++;
    return `call_${number++}`;
  };

  const keyOf = (call: ParsedCall): string => JSON.stringify([call.name, checkCall(call, schemas).arguments]);

  const content = (text: string): ChatDelta[] => (text === "" ? [] : [{ content: text }]);

  const fromBlock = (piece: BlockPiece): ChatDelta => {
    if ("text" in piece) return { content: piece.text };
    const { name, arguments: json, problems } = checkCall(piece.call, schemas);
    const call = { index: callCount++, id: nextId(), type: "function", function: { name, arguments: json } } as const;
    made.add(keyOf(piece.call));
    return { tool_calls: [problems.length === 0 ? call : { ...call, problems }] };
  };

  const deltas = ({ kind, text }: AnswerPiece): ChatDelta[] => {
    if (kind === "text") return content(echo.push(text));
    const before = content(echo.release());
    if (kind === "thinking") return [...before, { reasoning_content: text }];
    block ??= { parser: createToolCallParser(), text: "" };
    block.text += text;
    return [...before, ...block.parser.push(text).map(fromBlock)];
  };

  const endBlock = (by: "model" | "cut"): ChatDelta[] => {
    if (block === undefined) return [];
    const { parser, text } = block;
    block = undefined;
    const rest = parser.end(by).map(fromBlock);
    echo.begin(text);
    return rest;
  };

  const read = (id: number): ChatDelta[] => {
    if (id === callEnd && splitter.kind === "text")
      return [...splitter.push(id).flatMap(deltas), ...content(echo.endMarker())];
    const pieces = splitter.push(id).flatMap(deltas);
    return splitter.kind === "toolCall" ? pieces : [...pieces, ...endBlock("model")];
  };

  return {
    push: (id) => undecided.push(id).flatMap(read),
    end: (by) => [
      ...undecided.end().flatMap(read),
      ...splitter.end().flatMap(deltas),
      ...endBlock(by),
      ...content(echo.release()),
    ],
    get callCount() {
      return callCount;
    },
  };
}

/** A block that has ended. */
function readBlock(text: string): BlockPiece[] {
  const parser = createToolCallParser();
  return [...parser.push(text), ...parser.end("model")];
}
