// What a server is asked so that it tells as many positions as it can, and what it has not told.
import { isObject, type JsonObject } from "../../formats/json.ts";
import { type CompletionsServer, ServerError } from "./completions-server.ts";
import { type IdOf, legacyOf, rowOfContent, rowOfLegacy, rowOfPrompt, type SeenRow } from "./seen-row.ts";

/** Log-probabilities asked for at each position; OpenAI's own servers give 5. */
const TOPS = [20, 5] as const;
/** Each is a request, where a server tells only of what comes after a prompt. */
export const MOST_REQUESTS = 512;

/** How a server tells of a prompt's positions. */
export type Told = "prompt_logprobs" | "echo" | "token by token";

export interface AskedServer {
  readonly name: string;
  /** After each of `ids`, in one request where the server echoes, else in one for each. @throws ServerError, FormatError */
  everyRow(ids: readonly number[]): Promise<{ readonly rows: readonly SeenRow[]; readonly told: Told }>;
  /**
   * After the last of `ids`, which a server may have read before.
   * @param anew  a name of its own for a prompt that is to be read anew, by servers that can be told so
   * @throws as above
   */
  lastRow(ids: readonly number[], anew?: string): Promise<SeenRow>;
}

/**
 * @param vocabSize  of the model that it should serve
 * @param idOf       for servers that name tokens by their texts
 */
export function askLogprobs(server: CompletionsServer, vocabSize: number, idOf: IdOf): AskedServer {
  const { name } = server;
  // What it does not refuse is asked again.
  let whole: number | undefined;
  let last: number | undefined;

  const first = async (bodies: readonly JsonObject[], from: number): Promise<readonly [JsonObject, number]> => {
    for (let i = from; i < bodies.length; i++) {
      const answer = await server.ask(bodies[i]);
      if (answer !== undefined) return [answer, i];
    }
    throw new ServerError({
      subject: name,
      expected: "log-probabilities after a prompt of ids",
      found: "that it refuses each way to ask for them",
      remedy: 'It has to take { "prompt": [1, 2], "max_tokens": 1, "logprobs": 5 }.',
    });
  };
  const lastRow = async (ids: readonly number[], anew?: string): Promise<SeenRow> => {
    const [top, few] = TOPS;
    // llama.cpp's word for it, and vLLM's.
    const cache = anew === undefined ? { cache_prompt: true } : { cache_prompt: false, cache_salt: anew };
    const bodies: JsonObject[] = [
      { ...common(ids), logprobs: top, return_tokens_as_token_ids: true, ...cache },
      { ...common(ids), logprobs: few, return_tokens_as_token_ids: true, ...cache },
      { ...common(ids), logprobs: few },
    ];
    const [answer, way] = await first(bodies, last ?? 0);
    last = way;
    checkLength(name, answer, ids.length);
    return newRow(answer, 0);
  };

  /** Of the first token that was generated, behind `echoed` ones. */
  const newRow = (answer: JsonObject, echoed: number): SeenRow => {
    const { logprobs } = choiceOf(name, answer);
    const subject = `${name}, choices[0].logprobs`;
    const legacy = legacyOf(logprobs, subject);
    if (legacy !== undefined && legacy.tokens.length > echoed) {
      return rowOfLegacy(legacy, echoed, undefined, subject, vocabSize, idOf);
    }
    const content = isObject(logprobs) ? logprobs.content : undefined;
    if (Array.isArray(content) && content.length > 0) {
      return rowOfContent(content[0], `${subject}.content[0]`, vocabSize, idOf);
    }
    throw new ServerError({
      subject,
      expected: "the log-probabilities of a token",
      found: "none",
      remedy: "Start the server so that it gives them.",
    });
  };

  return {
    name,
    lastRow,
    async everyRow(ids) {
      if (whole !== -1) {
        const [top, few] = TOPS;
        const vllm = { prompt_logprobs: top, return_tokens_as_token_ids: true };
        const bodies: JsonObject[] = [
          { ...common(ids), echo: true, logprobs: top, ...vllm },
          { ...common(ids), echo: true, logprobs: few, return_tokens_as_token_ids: true },
          { ...common(ids), echo: true, logprobs: few },
        ];
        for (let way = whole ?? 0; way < bodies.length; way++) {
          const answer = await server.ask(bodies[way]);
          if (answer === undefined) continue;
          checkLength(name, answer, ids.length);
          const found = echoedRows(name, answer, ids, vocabSize, idOf);
          if (found === undefined) break;
          whole = way;
          return { rows: [...found.rows, newRow(answer, found.before)], told: found.told };
        }
        whole = -1;
      }
      if (ids.length > MOST_REQUESTS) {
        throw new ServerError({
          subject: "ids",
          expected: `at most ${MOST_REQUESTS} for a server that tells of one position at a time`,
          found: ids.length,
          remedy: "Give fewer.",
        });
      }
      const rows: SeenRow[] = [];
      for (let end = 1; end <= ids.length; end++) rows.push(await lastRow(ids.slice(0, end)));
      return { rows, told: "token by token" };
    },
  };
}

/** Nothing is drawn: the likeliest token, and only one. */
function common(prompt: readonly number[]): JsonObject {
  return { prompt, max_tokens: 1, temperature: 0, n: 1, stream: false };
}

function choiceOf(name: string, { choices }: JsonObject): JsonObject {
  const [choice] = Array.isArray(choices) ? choices : [];
  if (isObject(choice)) return choice;
  throw new ServerError({
    subject: `${name}, choices`,
    expected: "a list of one",
    found: JSON.stringify(choices ?? null).slice(0, 60),
  });
}

/** Of the positions but the last one; undefined where the server tells nothing of them. */
function echoedRows(
  name: string,
  answer: JsonObject,
  ids: readonly number[],
  vocabSize: number,
  idOf: IdOf,
): { readonly rows: SeenRow[]; readonly told: Told; readonly before: number } | undefined {
  const { logprobs, prompt_logprobs: own } = choiceOf(name, answer);
  const legacy = legacyOf(logprobs, `${name}, choices[0].logprobs`);
  const before = legacy !== undefined && legacy.tokens.length > ids.length ? ids.length : 0;
  const prompt = own ?? answer.prompt_logprobs;
  if (Array.isArray(prompt)) {
    const subject = `${name}, choices[0].prompt_logprobs`;
    checkCount(subject, prompt.length, ids.length);
    const rows = prompt.slice(1).map((entry, i) => rowOfPrompt(entry, `${subject}[${i + 1}]`, vocabSize));
    return { rows, told: "prompt_logprobs", before };
  }
  if (legacy === undefined || legacy.tokens.length <= 1) return undefined;
  const subject = `${name}, choices[0].logprobs`;
  checkCount(`${subject}.tokens`, legacy.tokens.length, ids.length + 1);
  const rows = ids.slice(1).map((id, i) => rowOfLegacy(legacy, i + 1, id, subject, vocabSize, idOf));
  return { rows, told: "echo", before };
}

function checkCount(subject: string, found: number, expected: number): void {
  if (found === expected) return;
  throw new ServerError({
    subject,
    expected: `${expected} entries, as many as ids were sent and asked for`,
    found,
    remedy: OTHER_PROMPT,
  });
}

/** A server that puts a token before ids, or cuts them, answers another question. */
function checkLength(name: string, { usage }: JsonObject, length: number): void {
  const stated = isObject(usage) ? usage.prompt_tokens : undefined;
  if (typeof stated !== "number" || stated === length) return;
  throw new ServerError({
    subject: `${name}, usage.prompt_tokens`,
    expected: `${length}, as many as ids were sent`,
    found: stated,
    remedy: OTHER_PROMPT,
  });
}

const OTHER_PROMPT = "The server changes prompts that come as ids: it may put a beginning-of-text token before them.";
