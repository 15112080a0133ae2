// Who may come in: by host, origin, key, and kind and size of what is sent.
import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { RequestFailure } from "../failure.ts";

export interface DoorOptions {
  /** Where the server listens. */
  readonly host: string;
  /** Undefined: none is asked for. */
  readonly apiKey?: string;
  /** Origins of pages that may use the server; `*` for all. */
  readonly cors: readonly string[];
}

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];
export const isLoopback = (host: string): boolean => LOOPBACK.includes(host) || host === "::1";

/**
 * A page of another site may reach a server on loopback under a name that it has led there (DNS rebinding); such a request
 * names that host.
 */
export function hostDoor({ host, apiKey }: DoorOptions): MiddlewareHandler {
  return async (c, next) => {
    const stated = c.req.header("host") ?? "";
    const name = URL.canParse(`http://${stated}`) ? new URL(`http://${stated}`).hostname : "";
    const isOwn = LOOPBACK.includes(name) || name === host;
    // Beyond loopback, people reach it by names that it does not know.
    if (!isOwn && isLoopback(host) && apiKey === undefined) {
      const message = `Host: expected ${LOOPBACK.join(", ")}, found ${JSON.stringify(stated.slice(0, 80))}. Use --host to serve other names.`;
      throw new RequestFailure({ status: 421, message });
    }
    await next();
  };
}

/**
 * Without CORS a page could still send what browsers do not ask about first. The server has no page of its own that asks
 * for anything, and an address that a page was led to is no proof of being ours.
 */
export function originDoor({ cors }: DoorOptions): MiddlewareHandler {
  return async (c, next) => {
    const origin = c.req.header("origin");
    if (origin !== undefined && !cors.includes("*") && !cors.includes(origin)) {
      const message = `Origin: expected none, found ${JSON.stringify(origin.slice(0, 80))}. Start the server with --cors to let pages of it in.`;
      throw new RequestFailure({ status: 403, message });
    }
    await next();
  };
}

/** @source OpenAI sends `Authorization: Bearer`, Anthropic `x-api-key` */
export function keyDoor({ apiKey }: DoorOptions): MiddlewareHandler {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  const own = apiKey === undefined ? undefined : digest(apiKey);
  return async (c, next) => {
    if (own !== undefined) {
      const stated = c.req.header("x-api-key") ?? /^Bearer\s+(.+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
      if (stated === undefined || !timingSafeEqual(digest(stated), own)) {
        const found = stated === undefined ? "none" : "another";
        const message = `API key: expected the server's, found ${found}. Send it as Authorization: Bearer KEY or x-api-key: KEY.`;
        throw new RequestFailure({ status: 401, message, code: "invalid_api_key" });
      }
    }
    await next();
  };
}

/** Forms of other sites can send text, but no JSON. */
export const jsonDoor: MiddlewareHandler = async (c, next) => {
  const stated = c.req.header("content-type") ?? "";
  if (c.req.method === "POST" && !/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(stated)) {
    const message = `Content-Type: expected application/json, found ${JSON.stringify(stated.slice(0, 80))}.`;
    throw new RequestFailure({ status: 415, message });
  }
  await next();
};
