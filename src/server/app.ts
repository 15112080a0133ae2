// The server as a function from requests to responses. Each route reads a protocol's request, and writes its answer.
import { randomUUID } from "node:crypto";
import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import type { ZodType, z } from "zod";
import type { ChatOptions, LanguageModel } from "../index.ts";
import type { Served, ServedRequest, ServedTools } from "./answer.ts";
import { completeMessage, countRequest, countTokens, messageRequest, streamMessage } from "./anthropic/messages.ts";
import { anthropicErrors, type ErrorShape, failureOf, openaiErrors, RequestFailure } from "./failure.ts";
import { type BodyPlace, createBodyRoom, readBody } from "./http/body.ts";
import { type DoorOptions, hostDoor, jsonDoor, keyDoor, originDoor } from "./http/doors.ts";
import { eventStream, type ServerEvent, type StreamEnd } from "./http/event-stream.ts";
import { createMetrics } from "./metrics.ts";
import { anthropicModel, anthropicModels, checkModel, openaiModel, openaiModels } from "./models.ts";
import { chatAnswers, chatRequest, completeChat, streamChat } from "./openai/chat-completions.ts";
import { complete, completionAnswers, completionRequest, streamCompletion } from "./openai/completions.ts";
import { completeResponse, responseRequest, streamResponse } from "./openai/responses.ts";
import { docsPage, type Operation, openApi } from "./openapi.ts";
import { createQueue } from "./queue.ts";
import {
  applyTemplate,
  detokenize,
  detokenizeRequest,
  templateRequest,
  tokenize,
  tokenizeRequest,
} from "./text-routes.ts";

export interface AppOptions extends DoorOptions {
  /** What the model is called. */
  readonly name: string;
  /** Answer no other name of a model. */
  readonly strictModel?: boolean;
  /** What requests leave open. */
  readonly defaults?: ChatOptions;
  /** Requests that may wait, beside those that are answered. */
  readonly mostWaiting?: number;
  readonly mostBodyBytes?: number;
  readonly version?: string;
  /** Told of each request when it has been answered; never of what is in it. */
  readonly log?: (entry: LogEntry) => void;
  /** Tools that the server runs itself. */
  readonly tools?: ServedTools;
  /** Aborted when the server ends, and all work with it. */
  readonly signal?: AbortSignal;
}

export interface LogEntry {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Until the answer's last byte, of a stream, too. */
  readonly ms: number;
  /** New ones, of an answer. */
  readonly tokens?: number;
  /** Why a stream ended before its answer. */
  readonly cut?: StreamEnd["cut"];
  readonly error?: string;
}

export const MOST_WAITING = 64;
export const MOST_BODY_BYTES = 16 << 20;
/** So many of the longest bodies may be held at once. */
const MOST_LONG_BODIES = 4;
/** Of each body: whoever sends long ones slowly keeps no short one out. */
const FREE_BODY_BYTES = 64 << 10;
/** Far more than are answered or wait; they hold 64 MB. */
const FREE_BODIES = 1024;

/** What is known of a request while it is answered. */
interface Course {
  readonly body: BodyPlace;
  tokens: number;
  /** Of a stream, which goes on when the response has begun. */
  end?: Promise<StreamEnd>;
}

/** A protocol's way to ask for an answer. */
interface Protocol<Request extends ZodType> {
  readonly request: Request;
  readonly errors: ErrorShape;
  readonly idPrefix: string;
  /** Several count as several requests. */
  answersOf?(body: z.output<Request>): number;
  stream(
    served: ServedRequest,
    body: z.output<Request>,
    id: string,
    signal: AbortSignal,
  ): AsyncGenerator<ServerEvent, void>;
  complete(served: ServedRequest, body: z.output<Request>, id: string, signal: AbortSignal): Promise<object>;
}

export function createApp(model: LanguageModel, options: AppOptions): Hono {
  const { name, strictModel = false, defaults = {}, log, signal: ended } = options;
  const { parallel } = model.settings;
  const queue = createQueue({ running: parallel, waiting: options.mostWaiting ?? MOST_WAITING });
  const created = Math.floor(Date.now() / 1000);
  const metrics = createMetrics(model, queue);
  const served: Served = { model, name, created, defaults, metrics, tools: options.tools };
  const operations: Operation[] = [];
  const app = new Hono();

  const mostBody = options.mostBodyBytes ?? MOST_BODY_BYTES;
  const bodies = createBodyRoom({
    each: mostBody,
    together: MOST_LONG_BODIES * mostBody,
    free: FREE_BODY_BYTES,
    freeBodies: FREE_BODIES,
  });
  const courses = new WeakMap<Context, Course>();
  const courseOf = (c: Context): Course => courses.get(c) as Course;

  app.use(async (c, next) => {
    const begin = performance.now();
    const course: Course = { body: bodies.enter(), tokens: 0 };
    courses.set(c, course);
    await next();
    const { status } = c.res;
    const { method, path } = c.req;
    const tell = ({ cut, failure }: StreamEnd): void => {
      course.body.leave();
      const { tokens } = course;
      const counted = cut === undefined ? status : (failure?.parts.status ?? 499);
      served.metrics.requested(operations.some((known) => known.path === path) ? path : "other", counted);
      if (counted >= 400 && tokens > 0) served.metrics.cut(tokens);
      const thrown = c.error === undefined ? failure : failureOf(c.error);
      const ms = Math.round(performance.now() - begin);
      const error = thrown && loggedOf(thrown);
      log?.({ method, path, status, ms, ...(tokens > 0 && { tokens }), ...(cut && { cut }), error });
    };
    if (course.end === undefined) tell({});
    else void course.end.then(tell);
  });
  app.onError((error, c) => {
    const failure = failureOf(error);
    const { status, retryAfterS } = failure.parts;
    if (retryAfterS !== undefined) c.header("Retry-After", String(retryAfterS));
    return c.json(errorsOf(c).body(failure), status as 400);
  });
  app.notFound((c) => {
    const message = `${c.req.method} ${c.req.path.slice(0, 80)}: no such endpoint. GET /docs lists those there are.`;
    return c.json(errorsOf(c).body(new RequestFailure({ status: 404, message })), 404);
  });
  app.use(hostDoor(options), originDoor(options));
  if (options.cors.length > 0) app.use(cors({ origin: [...options.cors] }));
  const isOpen = (path: string): boolean => path === "/health" || path === "/ready";
  const key = keyDoor(options);
  app.use((c, next) => (isOpen(c.req.path) ? next() : key(c, next)));
  app.use(jsonDoor);

  const get = (path: string, summary: string, handler: (c: Context) => Response | Promise<Response>): void => {
    operations.push({ method: "get", path, summary });
    app.get(path, handler);
  };
  const post = <Request extends ZodType>(
    path: string,
    summary: string,
    request: Request,
    handler: (c: Context, body: z.output<Request>) => Promise<Response>,
  ): void => {
    operations.push({ method: "post", path, summary, request });
    app.post(path, async (c) => handler(c, await readBody(c, request, mostBody, courseOf(c).body)));
  };
  /** `signal` is aborted when the client leaves, when the server ends, or by `abort`. */
  const lifeOf = (c: Context): { readonly signal: AbortSignal; readonly abort: (reason?: unknown) => void } => {
    const own = new AbortController();
    const left = (): void => own.abort(new DOMException("The client has left.", "AbortError"));
    if (c.req.raw.signal.aborted) left();
    else c.req.raw.signal.addEventListener("abort", left, { once: true });
    // A listener on the server's signal would stay when the request has gone.
    const signal = ended === undefined ? own.signal : AbortSignal.any([own.signal, ended]);
    return { signal, abort: (reason) => own.abort(reason) };
  };
  const answers = <Request extends ZodType>(path: string, summary: string, protocol: Protocol<Request>): void =>
    post(path, summary, protocol.request, async (c, body) => {
      const { model: asked, stream } = body as { readonly model?: string | null; readonly stream?: boolean | null };
      checkModel(served, asked, strictModel);
      const { signal, abort } = lifeOf(c);
      const id = `${protocol.idPrefix}${randomUUID().replaceAll("-", "")}`;
      const course = courseOf(c);
      const turns = queue.enter(clientOf(c), protocol.answersOf?.(body) ?? 1);
      const own: ServedRequest = {
        ...served,
        turn: turns.next,
        onToken() {
          course.tokens++;
        },
      };
      if (stream === true) {
        const events = endingWith(protocol.stream(own, body, id, signal), turns.end);
        let onEnd: ((end: StreamEnd) => void) | undefined;
        const end = new Promise<StreamEnd>((resolve) => {
          onEnd = resolve;
        });
        const response = await eventStream(events, { errors: protocol.errors, abort, onEnd });
        course.end = end;
        return response;
      }
      try {
        return c.json(await protocol.complete(own, body, id, signal));
      } finally {
        turns.end();
      }
    });

  answers("/v1/chat/completions", "A conversation, as OpenAI has it.", {
    request: chatRequest,
    errors: openaiErrors,
    idPrefix: "chatcmpl-",
    answersOf: chatAnswers,
    stream: streamChat,
    complete: completeChat,
  });
  answers("/v1/completions", "A text or token ids to go on with.", {
    request: completionRequest,
    errors: openaiErrors,
    idPrefix: "cmpl-",
    answersOf: completionAnswers,
    stream: streamCompletion,
    complete,
  });
  answers("/v1/responses", "A conversation in items; nothing is stored.", {
    request: responseRequest,
    errors: openaiErrors,
    idPrefix: "resp_",
    stream: streamResponse,
    complete: completeResponse,
  });
  answers("/v1/messages", "A conversation, as Anthropic has it.", {
    request: messageRequest,
    errors: anthropicErrors,
    idPrefix: "msg_",
    stream: streamMessage,
    complete: completeMessage,
  });
  post("/v1/messages/count_tokens", "How many tokens a conversation has.", countRequest, async (c, body) =>
    c.json(await countTokens(served, body, lifeOf(c).signal)),
  );
  app.post("/v1/embeddings", () => {
    const message = "Embeddings: expected a model that makes them, found one that continues texts.";
    throw new RequestFailure({ status: 400, message, code: "unsupported" });
  });
  get("/v1/models", "The model that is served.", (c) =>
    c.json(isAnthropic(c) ? anthropicModels(served) : openaiModels(served)),
  );
  app.get("/v1/models/:id{.+}", (c) => {
    checkModel(served, c.req.param("id"), true);
    return c.json(isAnthropic(c) ? anthropicModel(served) : openaiModel(served));
  });
  post("/tokenize", "The token ids of a text.", tokenizeRequest, async (c, body) =>
    c.json(await tokenize(served, body, lifeOf(c).signal)),
  );
  post("/detokenize", "The text of token ids.", detokenizeRequest, async (c, body) =>
    c.json(await detokenize(served, body)),
  );
  post("/apply-template", "A conversation as the model reads it.", templateRequest, async (c, body) =>
    c.json(await applyTemplate(served, body, lifeOf(c).signal)),
  );
  get("/health", "Whether the process lives.", (c) => c.json({ status: "ok" }));
  get("/ready", "Whether a request would be taken.", (c) => {
    const isFull = ended?.aborted === true || queue.isFull;
    const isClosed = hasEnded(model);
    return c.json(
      { status: isClosed ? "closed" : isFull ? "full" : "ok", running: queue.running, waiting: queue.waiting },
      isClosed || isFull ? 503 : 200,
    );
  });
  get("/metrics", "Figures for Prometheus.", async (c) =>
    c.body(await served.metrics.text(), 200, { "Content-Type": served.metrics.contentType }),
  );
  get("/openapi.json", "This list, for programs.", (c) => c.json(openApi(operations, options.version ?? "")));
  get("/docs", "This list.", (c) => c.html(docsPage(operations)));
  return app;
}

async function* endingWith<T>(events: AsyncGenerator<T, void>, onEnd: () => void): AsyncGenerator<T, void> {
  try {
    yield* events;
  } finally {
    onEnd();
  }
}

function hasEnded(model: LanguageModel): boolean {
  try {
    model.activity();
    return false;
  } catch {
    return true;
  }
}

const isAnthropic = (c: Context): boolean => c.req.header("anthropic-version") !== undefined;

function errorsOf(c: Context): ErrorShape {
  const { path } = c.req;
  const isTheirs = path.startsWith("/v1/messages") || (path.startsWith("/v1/models") && isAnthropic(c));
  return isTheirs ? anthropicErrors : openaiErrors;
}

/** Nothing of a message, which may quote the request: a code, or where a defect is. */
function loggedOf({ parts: { status, code }, cause }: RequestFailure): string {
  if (status < 500 || !(cause instanceof Error)) return code ?? `HTTP ${status}`;
  const places = (cause.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  return `${cause.name} ${places.slice(0, 5).join("").trim()}`;
}

/** Of a connection, or else of nobody in particular. */
function clientOf({ env }: Context): string {
  const { incoming } = Object(env) as { readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } } };
  return incoming?.socket?.remoteAddress ?? "";
}
