// A server that speaks OpenAI's /v1/completions, asked for log-probabilities. Nothing it says is trusted.
import { checkStructure, isObject, type JsonObject } from "../../formats/json.ts";
import { quoted } from "../../formats/refusal.ts";
import { Lfm2Error } from "../../lfm2-error.ts";

/** A server that cannot be asked, or whose answer cannot be read. */
export class ServerError extends Lfm2Error {
  override readonly name = "ServerError";
}

export interface ServerOptions {
  /** Sent as `Authorization: Bearer`. */
  readonly apiKey?: string;
  readonly signal?: AbortSignal;
  /** How long an answer may take. */
  readonly timeoutMs?: number;
}

export interface CompletionsServer {
  /** Its address, without what may be secret in it. */
  readonly name: string;
  /**
   * What it answers; undefined where it refuses these fields, and others might do.
   * @throws ServerError; the signal's reason
   */
  ask(body: JsonObject): Promise<JsonObject | undefined>;
}

const TIMEOUT_MS = 120_000;
/** A thousand positions with 20 log-probabilities each are 2 MB. */
const MOST_BYTES = 64 << 20;
const MOST_VALUES = 1 << 22;
/** A name is looked for in the list of models, which is kilobytes, or hundreds of them where hundreds are served. */
const MOST_LIST_BYTES = 1 << 20;
/** It is sent with every request. */
const MOST_MODEL_NAME = 256;
const LIST_MODELS = "Serve the model under a shorter name, in a list of its own.";
const FEWER_IDS = "Ask for fewer ids.";
/** What is wrong with a request is said in less. */
const MOST_ERROR_BYTES = 1 << 16;
const MOST_WAITS = 5;
const MOST_WAIT_S = 10;
/** Refusals of a field, which a request without it may not get; llama.cpp's server has answered 500 to `echo`. */
const OF_FIELDS = [400, 404, 422, 500, 501];

export function isAddress(path: string): boolean {
  return /^https?:\/\//i.test(path);
}

/** @throws ServerError where no header can carry it; fetch's own error would show it */
function checkKey(apiKey: string | undefined): void {
  // Around it, a header drops them.
  if (!/[^\x20-\x7e]/.test(apiKey?.trim() ?? "")) return;
  throw new ServerError({
    subject: "--server-key or LFM2_SERVER_KEY",
    expected: "a key of printable ASCII characters",
    found: "others in it",
    remedy: "Copy the key again, alone: no line ends, no quotes of a text editor.",
  });
}

/**
 * @param address  ends in /v1/completions, or whatever stands for /v1 there
 * @throws ServerError where it is another address, or the key is none
 */
export async function openServer(address: string, options: ServerOptions = {}): Promise<CompletionsServer> {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const isRight =
    url !== undefined && /\/completions$/.test(url.pathname) && !/\/chat\/completions$/.test(url.pathname);
  if (!isRight || url.username !== "" || url.password !== "") {
    throw new ServerError({
      subject: url === undefined ? "address" : `${url.origin}${url.pathname}`,
      expected: "an address that ends in /v1/completions, without a name or password in it",
      found: "another one",
      remedy: "Chats have templates of their own between the ids; a key goes after --server-key.",
    });
  }
  checkKey(options.apiKey);
  const name = `${url.origin}${url.pathname}`;
  const model = await modelOf(new URL(url.pathname.replace(/completions$/, "models"), url), options);
  return {
    name,
    async ask(body) {
      for (let waits = 0; ; waits++) {
        const sent = { ...(model !== undefined && { model }), ...body };
        const { status, text, retryAfterS } = await send(name, url, options, MOST_BYTES, FEWER_IDS, sent);
        if (status === 200) return jsonOf(name, text, FEWER_IDS);
        if ((status === 429 || status === 503) && waits < MOST_WAITS) {
          await pause(1000 * Math.min(MOST_WAIT_S, retryAfterS), options.signal);
          continue;
        }
        // 404 is about a model or a path where no other request has been answered.
        if (OF_FIELDS.includes(status)) return undefined;
        throw refusal(name, status, text);
      }
    },
  };
}

function refusal(name: string, status: number, text: string): ServerError {
  const isKey = status === 401 || status === 403;
  const remedy = isKey ? "Name its key with --server-key." : "Look into the server's log.";
  return new ServerError({
    subject: name,
    expected: "an answer",
    found: `HTTP ${status} ${shown(text)}`.trim(),
    remedy,
  });
}

/** vLLM wants its model named; others answer to any name. Undefined where it does not say. */
async function modelOf(url: URL, options: ServerOptions): Promise<string | undefined> {
  const name = `${url.origin}${url.pathname}`;
  const { status, text } = await send(name, url, options, MOST_LIST_BYTES, LIST_MODELS);
  if (status === 401 || status === 403) throw refusal(name, status, text);
  if (status !== 200) return undefined;
  const id = firstId(name, text);
  if (id !== undefined && id.length > MOST_MODEL_NAME) {
    throw new ServerError({
      subject: `${name}, data[0].id`,
      expected: `a model's name of at most ${MOST_MODEL_NAME} characters`,
      found: `${id.length}`,
      remedy: LIST_MODELS,
    });
  }
  return id;
}

function firstId(name: string, text: string): string | undefined {
  try {
    const { data } = jsonOf(name, text, LIST_MODELS);
    const id = Array.isArray(data) ? data[0]?.id : undefined;
    return typeof id === "string" ? id : undefined;
  } catch (error) {
    // A page, say, names no model, and whoever shows one may do without. What costs too much to read is refused.
    if (error instanceof ServerError) return undefined;
    throw error;
  }
}

async function send(
  name: string,
  url: URL,
  { apiKey, signal, timeoutMs = TIMEOUT_MS }: ServerOptions,
  most: number,
  remedyForMore: string,
  body?: JsonObject,
): Promise<{ readonly status: number; readonly text: string; readonly retryAfterS: number }> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const headers: Record<string, string> = { accept: "application/json" };
  if (apiKey !== undefined) headers.authorization = `Bearer ${apiKey}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  try {
    const response = await fetch(url, {
      method: body === undefined ? "GET" : "POST",
      headers,
      body: body && JSON.stringify(body),
      // Neither ids nor a key go on to where a server points.
      redirect: "error",
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    const text = await textWithin(name, response, response.ok ? most : MOST_ERROR_BYTES, remedyForMore);
    const stated = Number(response.headers.get("retry-after") ?? 1);
    return { status: response.status, text, retryAfterS: stated >= 0 ? stated : 1 };
  } catch (error) {
    if (error instanceof ServerError || signal?.aborted === true) throw error;
    const { message, cause } = error as Error;
    const found = timeout.aborted
      ? `none within ${timeoutMs / 1000} seconds`
      : `${message}${cause instanceof Error ? `: ${cause.message}` : ""}`;
    const remedy = timeout.aborted
      ? "Ask for fewer ids, or give it more time with --server-timeout."
      : "Start the server, and name its own address: none is followed to another one.";
    throw new ServerError({ subject: name, expected: "an answer", found, remedy }, { cause: error });
  }
}

async function textWithin(name: string, { body, ok }: Response, most: number, remedy: string): Promise<string> {
  const decoder = new TextDecoder();
  let [text, bytes] = ["", 0];
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    // Of an error, its beginning says enough.
    if (bytes > most && !ok) return text;
    if (bytes > most) {
      throw new ServerError({
        subject: name,
        expected: `at most ${most} bytes in an answer`,
        found: "more",
        remedy,
      });
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function jsonOf(name: string, text: string, remedyForMore: string): JsonObject {
  const subject = `${name}, answer`;
  checkStructure(text, subject, MOST_VALUES, remedyForMore);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // As Python writes them.
    const [, number] = /[:[,]\s*(NaN|-?Infinity)\b/.exec(text) ?? [];
    const remedy = number === undefined ? "" : "A recording of tensors shows where they begin.";
    throw new ServerError({
      subject,
      expected: "JSON, whose numbers are finite",
      found: number ?? shown(text),
      remedy,
    });
  }
  if (isObject(json)) return json;
  throw new ServerError({ subject, expected: "an object", found: shown(text) });
}

const shown = (text: string): string => quoted(text.length > 200 ? `${text.slice(0, 200)}…` : text);

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
