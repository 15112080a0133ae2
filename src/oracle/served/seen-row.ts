// The log-probabilities that a server tells of one position, by id: in the forms of OpenAI, llama.cpp and vLLM.
import { isObject } from "../../formats/json.ts";
import { refuse, show } from "../../formats/refusal.ts";

/** Some ids of a position's distribution. */
export interface SeenRow {
  readonly ids: readonly number[];
  /** As many. */
  readonly logprobs: readonly number[];
  /** Log-probabilities of texts that may be several ids, or none that is known. */
  readonly unnamed: number;
}

/** The id of a text that only one id has; undefined where texts are not known. */
export type IdOf = (text: string) => number | undefined;

/** More of them than any vocabulary has ids. */
const MOST_SEEN = 1 << 20;
/** vLLM's word for minus infinity. */
const NOTHING = -9999;
/** Of a probability of 1, rounded. */
const MOST_LOGPROB = 1e-3;
const MEND =
  "Ask the server for log-probabilities of the model's own distribution, and look for NaN in a recording of tensors.";

export interface RowReader {
  add(id: number | string, logprob: unknown | undefined, subject: string): void;
  row(): SeenRow;
}

/** @param vocabSize  ids are below it */
export function createRowReader(vocabSize: number, idOf: IdOf): RowReader {
  const seen = new Map<number, number>();
  let [unnamed, taken] = [0, 0];
  return {
    add(named, logprob, subject) {
      if (typeof logprob !== "number" || !Number.isFinite(logprob) || logprob > MOST_LOGPROB) {
        refuse(subject, "a log-probability: a number, at most 0", show(logprob), MEND);
      }
      if (++taken > MOST_SEEN) refuse(subject, `at most ${MOST_SEEN} log-probabilities`, "more", "");
      if (logprob <= NOTHING) return;
      const id = typeof named === "number" ? named : idOf(named);
      if (id === undefined) unnamed++;
      else if (!Number.isSafeInteger(id) || id < 0 || id >= vocabSize) {
        refuse(subject, `an id below ${vocabSize}, as many as the model has`, show(named), "Serve the same model.");
      } else if (!seen.has(id)) seen.set(id, logprob);
    },
    row: () => ({ ids: [...seen.keys()], logprobs: [...seen.values()], unnamed }),
  };
}

const TOKEN_ID = /^token_id:(\d{1,9})$/;

/** A key of OpenAI's `top_logprobs`: a text, or, as vLLM and this project's server have it when asked, an id. */
export function keyOf(text: string): number | string {
  const [, id] = TOKEN_ID.exec(text) ?? [];
  return id === undefined ? text : Number(id);
}

/** vLLM's `prompt_logprobs`: `{ "ID": { "logprob": … }, … }`. */
export function rowOfPrompt(entry: unknown, subject: string, vocabSize: number): SeenRow {
  if (!isObject(entry)) refuse(subject, "log-probabilities by id", show(entry), "");
  const reader = createRowReader(vocabSize, () => undefined);
  for (const [key, value] of Object.entries(entry)) {
    if (!/^\d{1,9}$/.test(key)) refuse(subject, "ids as keys", show(key), "");
    reader.add(Number(key), isObject(value) ? value.logprob : value, `${subject}["${key}"]`);
  }
  return reader.row();
}

/** OpenAI's for completions: `tokens`, `token_logprobs`, `top_logprobs`, one entry for each token. */
export interface LegacyLogprobs {
  readonly tokens: readonly unknown[];
  readonly logprobs: readonly unknown[];
  readonly top: readonly unknown[];
}

/** @throws FormatError where its lists are not as long as each other */
export function legacyOf(value: unknown | undefined, subject: string): LegacyLogprobs | undefined {
  if (!isObject(value) || !Array.isArray(value.tokens)) return undefined;
  const { tokens, token_logprobs: logprobs, top_logprobs: top } = value;
  const isList = (list: unknown | undefined): list is unknown[] => Array.isArray(list) && list.length === tokens.length;
  if (!isList(logprobs))
    refuse(`${subject}.token_logprobs`, `a list of ${tokens.length}, as tokens has`, show(logprobs), "");
  if (top !== undefined && top !== null && !isList(top)) {
    refuse(`${subject}.top_logprobs`, `a list of ${tokens.length}, as tokens has`, show(top), "");
  }
  return { tokens, logprobs, top: isList(top) ? top : tokens.map(() => null) };
}

/** @param id  of the token, where it is known; else its text tells */
export function rowOfLegacy(
  { tokens, logprobs, top }: LegacyLogprobs,
  at: number,
  id: number | undefined,
  subject: string,
  vocabSize: number,
  idOf: IdOf,
): SeenRow {
  const reader = createRowReader(vocabSize, idOf);
  const token = tokens[at];
  if (typeof token !== "string") refuse(`${subject}.tokens[${at}]`, "a text", show(token), "");
  reader.add(id ?? keyOf(token), logprobs[at], `${subject}.token_logprobs[${at}]`);
  const entry = top[at];
  if (entry !== null && !isObject(entry))
    refuse(`${subject}.top_logprobs[${at}]`, "log-probabilities by token", show(entry), "");
  for (const [key, value] of Object.entries(entry ?? {})) {
    // The token's own text, whose id is known better.
    if (key === token && id !== undefined) continue;
    reader.add(keyOf(key), value, `${subject}.top_logprobs[${at}]`);
  }
  return reader.row();
}

/** Of chats, and of llama.cpp's server everywhere: `content`, a list of `{ id, token, logprob, top_logprobs }`. */
export function rowOfContent(entry: unknown, subject: string, vocabSize: number, idOf: IdOf): SeenRow {
  if (!isObject(entry)) refuse(subject, "a token and its log-probability", show(entry), "");
  const reader = createRowReader(vocabSize, idOf);
  const add = (one: unknown, place: string): void => {
    if (!isObject(one)) refuse(place, "a token and its log-probability", show(one), "");
    const { id, token, logprob } = one;
    if (typeof id !== "number" && typeof token !== "string") refuse(place, "an id or a token", show(one), "");
    reader.add(typeof id === "number" ? id : keyOf(token as string), logprob, `${place}.logprob`);
  };
  const { top_logprobs: top = [] } = entry;
  if (!Array.isArray(top)) refuse(`${subject}.top_logprobs`, "a list", show(top), "");
  for (const [i, one] of top.entries()) add(one, `${subject}.top_logprobs[${i}]`);
  add(entry, subject);
  return reader.row();
}
