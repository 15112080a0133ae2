// The embedded model behind the server's app, without a port.
import type { Hono } from "hono";
import { afterAll, beforeAll } from "vitest";
import { type LanguageModel, open } from "../../src/index.ts";
import { type AppOptions, createApp } from "../../src/server/app.ts";

export interface ServedModel {
  readonly model: LanguageModel;
  /** @param options  other than usual */
  app(options?: Partial<AppOptions>): Hono;
}

export const NAME = "nano";

/** Opens the model once for a file of tests. */
export function servedModel(): ServedModel {
  let model: LanguageModel | undefined;
  beforeAll(async () => {
    model = await open();
  });
  afterAll(() => model?.close());
  const opened = (): LanguageModel => model as LanguageModel;
  return {
    get model() {
      return opened();
    },
    app: (options = {}) =>
      createApp(opened(), { host: "127.0.0.1", cors: [], name: NAME, defaults: { seed: 7 }, ...options }),
  };
}

const ORIGIN = "http://127.0.0.1";

export function post(app: Hono, path: string, body: unknown, init: RequestInit = {}): Promise<Response> {
  const headers = { "content-type": "application/json", host: "127.0.0.1", ...init.headers };
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return Promise.resolve(app.request(`${ORIGIN}${path}`, { method: "POST", body: text, ...init, headers }));
}

export function get(app: Hono, path: string, headers: Record<string, string> = {}): Promise<Response> {
  return Promise.resolve(app.request(`${ORIGIN}${path}`, { headers: { host: "127.0.0.1", ...headers } }));
}

/** The events of a stream. */
export function eventsOf(text: string): { readonly event?: string; readonly data: string }[] {
  return text
    .split("\n\n")
    .filter((block) => block !== "" && !block.startsWith(":"))
    .map((block) => {
      const lines = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s, 2)));
      return lines as { readonly event?: string; readonly data: string };
    });
}
