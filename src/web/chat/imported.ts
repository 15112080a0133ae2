// Conversations from a file: each field is what it should be, or is left out.
import type { Summary } from "../../api/language-model.ts";
import type { ToolCallDelta } from "../../chat/answer-parser.ts";
import type { SamplingOptions } from "../../sampling/options.ts";
import { add, type Conversation, FORMAT, type StoredToken, type Turn } from "./conversations.ts";

const roles: readonly unknown[] = ["user", "assistant", "tool"];
const reasons: readonly unknown[] = ["stop", "length", "tool_calls"];

/** More than any context here. */
const MOST_TOKENS = 200_000;
const MOST_ALTERNATIVES = 20;
const MOST_TOKEN_TEXT = 400;

/** Of one file. */
const MOST_BYTES = 64e6;

/** @throws Error saying what was expected */
export async function importFile(file: File): Promise<void> {
  if (file.size > MOST_BYTES) throw new Error(`${file.name}: expected at most 64 MB, found ${file.size} bytes.`);
  const expected = `${file.name}: expected conversations as this page exports them`;
  let found: unknown;
  try {
    found = JSON.parse(await file.text());
  } catch {
    throw new Error(`${expected}, found no JSON.`);
  }
  const { format, conversations: list } = (found ?? {}) as { format?: unknown; conversations?: unknown };
  if (format !== FORMAT || !Array.isArray(list)) throw new Error(`${expected}, found another file.`);
  await add(list.map((one) => readConversation(one, expected)));
}

/** @throws Error with `expected` in front, saying what was found */
function readConversation(found: unknown, expected: string): Conversation {
  const { title, system, turns } = fieldsOf(found);
  if (!Array.isArray(turns)) throw new Error(`${expected}, found a conversation without turns.`);
  return {
    id: crypto.randomUUID(),
    title: textOf(title),
    system: textOf(system),
    changed: Date.now(),
    turns: turns.map((turn) => readTurn(turn, expected)),
  };
}

function readTurn(found: unknown, expected: string): Turn {
  const fields = fieldsOf(found);
  const { role, content, reasoning, name, callId, calls } = fields;
  if (!roles.includes(role)) throw new Error(`${expected}, found a turn of nobody.`);
  return {
    role: role as Turn["role"],
    content: textOf(content),
    ...(typeof reasoning === "string" ? { reasoning } : {}),
    ...(role === "tool" ? { name: textOf(name), callId: textOf(callId) } : {}),
    ...(role === "assistant" && Array.isArray(calls) ? { calls: calls.filter(isCall).map(callOf) } : {}),
    ...(role === "assistant" ? figuresOf(fields) : {}),
  };
}

/** How an answer was made: its ids, its tokens with what might have come instead, settings and times. */
function figuresOf({ promptIds, tokens, summary, sampling, model, isStopped }: Record<string, unknown>): Partial<Turn> {
  const ids = listOf(promptIds, MOST_TOKENS, (id) => (isId(id) ? id : undefined));
  const read = listOf(tokens, MOST_TOKENS, tokenOf);
  const figures = summaryOf(summary);
  return {
    ...(ids === undefined ? {} : { promptIds: ids }),
    ...(read === undefined ? {} : { tokens: read }),
    ...(figures === undefined ? {} : { summary: figures }),
    ...(sampling === undefined ? {} : { sampling: samplingOf(sampling) }),
    ...(typeof model === "string" ? { model } : {}),
    ...(isStopped === true ? { isStopped } : {}),
  };
}

function tokenOf(found: unknown): StoredToken | undefined {
  const { top } = fieldsOf(found);
  const one = candidateOf(found);
  const listed = listOf(top, MOST_ALTERNATIVES, candidateOf);
  return one === undefined || listed === undefined ? undefined : { ...one, top: listed };
}

/** JSON has no minus infinity, and null in its place. */
function candidateOf(found: unknown): Omit<StoredToken, "top"> | undefined {
  const { id, text, logprob } = fieldsOf(found);
  if (!isId(id) || typeof text !== "string" || text.length > MOST_TOKEN_TEXT) return undefined;
  return { id, text, logprob: typeof logprob === "number" ? Math.min(0, logprob) : Number.NEGATIVE_INFINITY };
}

function summaryOf(found: unknown): Summary | undefined {
  const { finishReason } = fieldsOf(found);
  const { promptTokens, cachedTokens, newTokens, prefillMs, decodeMs, ...more } = numbersOf(found);
  const { guessedTokens = 0, acceptedTokens = 0 } = more;
  const numbers = { promptTokens, cachedTokens, newTokens, prefillMs, decodeMs, guessedTokens, acceptedTokens };
  if (!reasons.includes(finishReason) || Object.values(numbers).some((value) => !(value >= 0))) return undefined;
  return { ...numbers, finishReason: finishReason as Summary["finishReason"] };
}

function samplingOf(found: unknown): Partial<SamplingOptions> {
  const { order, logitBias } = fieldsOf(found);
  return {
    ...numbersOf(found),
    ...(order === "transformers" || order === "llama.cpp" ? { order } : {}),
    ...(logitBias === undefined ? {} : { logitBias: numbersOf(logitBias) }),
  };
}

function isCall(found: unknown): found is ToolCallDelta {
  const { id, function: called } = fieldsOf(found);
  const { name, arguments: json } = fieldsOf(called);
  return typeof id === "string" && typeof name === "string" && typeof json === "string";
}

const callOf = ({ id, function: { name, arguments: json } }: ToolCallDelta, index: number): ToolCallDelta => ({
  ...{ index, id, type: "function" },
  function: { name, arguments: json },
});

/** A list of which every entry is in order; else undefined. */
function listOf<T>(found: unknown, most: number, read: (one: unknown) => T | undefined): T[] | undefined {
  if (!Array.isArray(found) || found.length > most) return undefined;
  const entries = found.map(read);
  return entries.includes(undefined) ? undefined : (entries as T[]);
}

const fieldsOf = (found: unknown): Record<string, unknown> => Object(found ?? {});
const textOf = (found: unknown): string => (typeof found === "string" ? found : "");
const isId = (found: unknown): found is number => Number.isInteger(found) && (found as number) >= 0;

function numbersOf(found: unknown): Record<string, number> {
  return Object.fromEntries(
    Object.entries(fieldsOf(found)).filter((entry): entry is [string, number] => Number.isFinite(entry[1])),
  );
}
