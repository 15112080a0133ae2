// A server of /v1/completions that is none of this project's: it answers from logits that transformers has computed.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** How servers tell log-probabilities, and which requests they refuse. */
export type Form = "vLLM" | "OpenAI" | "llama.cpp";

export interface Planted {
  readonly form: Form;
  /** Logits after each of the ids [rows][vocab]; of a server's state, only after the last one. */
  readonly logitsOf: (ids: readonly number[]) => readonly Float32Array[];
  /** Changes what is sent. */
  readonly spoil?: (answer: Answer) => unknown;
  readonly apiKey?: string;
  /** What /models answers. */
  readonly models?: unknown;
}

// biome-ignore lint/suspicious/noExplicitAny: what a test spoils may be anywhere in it
export type Answer = any;

export interface Serving {
  readonly address: string;
  readonly asked: Answer[];
  close(): Promise<void>;
}

export async function serveCompletions({
  form,
  logitsOf,
  spoil = (answer) => answer,
  apiKey,
  models = { object: "list", data: [{ id: "their-model" }] },
}: Planted): Promise<Serving> {
  const asked: Answer[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => {
      text += chunk;
    });
    request.on("end", () => {
      const send = (status: number, body: unknown): void => {
        response.writeHead(status, { "content-type": "application/json" });
        response.end(typeof body === "string" ? body : JSON.stringify(body));
      };
      if (apiKey !== undefined && request.headers.authorization !== `Bearer ${apiKey}`) return send(401, { error: {} });
      if (request.method === "GET") return send(200, models);
      const body = JSON.parse(text);
      asked.push(body);
      if (form === "llama.cpp" && body.echo) return send(400, { error: { message: "Only no echo is supported" } });
      if (
        form === "OpenAI" &&
        ("prompt_logprobs" in body || "return_tokens_as_token_ids" in body || body.logprobs > 5)
      ) {
        return send(400, { error: { message: "Unrecognized request argument supplied" } });
      }
      const spoiled = spoil(answerTo(form, body, logitsOf(body.prompt)));
      send(200, spoiled);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}/v1/completions`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

interface Likely {
  readonly id: number;
  readonly logprob: number;
}

function likeliest(logits: Float32Array, count: number): Likely[] {
  const total = logTotal(logits);
  const all = [...logits].map((logit, id) => ({ id, logprob: logit - total }));
  return all.sort((a, b) => b.logprob - a.logprob).slice(0, count);
}

function logTotal(logits: Float32Array): number {
  const most = Math.max(...logits);
  return most + Math.log([...logits].reduce((sum, logit) => sum + Math.exp(logit - most), 0));
}

const textOf = (id: number): string => `<${id}>`;

function answerTo(form: Form, body: Answer, rows: readonly Float32Array[]): Answer {
  const ids: number[] = body.prompt;
  const last = rows[rows.length - 1];
  const [best] = likeliest(last, 1);
  const head = { id: "cmpl-1", object: "text_completion", created: 1, model: body.model };
  const usage = { prompt_tokens: ids.length, completion_tokens: 1, total_tokens: ids.length + 1 };
  const choice = { index: 0, text: textOf(best.id), finish_reason: "length" };
  if (form === "llama.cpp") {
    const shown = ({ id, logprob }: Likely) => ({ id, token: textOf(id), bytes: [60], logprob });
    const content = [{ ...shown(best), top_logprobs: likeliest(last, body.logprobs).map(shown) }];
    return { ...head, choices: [{ ...choice, logprobs: { content } }], usage };
  }
  const named = (id: number): string => (body.return_tokens_as_token_ids ? `token_id:${id}` : textOf(id));
  const own = (row: Float32Array, id: number): number => row[id] - logTotal(row);
  const top = (row: Float32Array) =>
    Object.fromEntries(likeliest(row, body.logprobs).map(({ id, logprob }) => [named(id), logprob]));
  const prompt = body.echo ? ids : [];
  const logprobs = {
    tokens: [...prompt, best.id].map(named),
    token_logprobs: [...prompt.map((id, t) => (t === 0 ? null : own(rows[t - 1], id))), best.logprob],
    top_logprobs: [...prompt.map((_, t) => (t === 0 ? null : top(rows[t - 1]))), top(last)],
    text_offset: [...prompt, best.id].map(() => 0),
  };
  const promptLogprobs = body.prompt_logprobs && {
    prompt_logprobs: ids.map((id, t) => {
      if (t === 0) return null;
      const all = [{ id, logprob: own(rows[t - 1], id) }, ...likeliest(rows[t - 1], body.prompt_logprobs)];
      return Object.fromEntries(all.map(({ id, logprob }) => [id, { logprob, rank: 1, decoded_token: textOf(id) }]));
    }),
  };
  return { ...head, choices: [{ ...choice, logprobs, ...promptLogprobs }], usage };
}
