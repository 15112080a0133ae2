// The way to a file: an address that may lead on to another server, whose own address holds for a while.
//
// Hubs answer each request for a large file with a signed address of a store. It is kept and asked directly, since hubs
// count what they are asked; when it no longer holds, a new one is asked for.
import { type Chunks, exchange, type Range } from "../sources/exchange.ts";
import { defaultPatience, PassingError } from "../sources/patience.ts";
import type { SourceError } from "../sources/source-error.ts";
import type { NetworkOptions } from "../sources/url.ts";
import { bodyText } from "./body-text.ts";

export interface Refusal {
  readonly status: number;
  readonly headers: Headers;
  /** Its beginning. */
  readonly body: string;
  /** The answer is not of the server that was named, but of one that it leads to. */
  readonly isElsewhere: boolean;
}

/** A file on a server. */
export interface Remote {
  /** For messages: without a query. */
  readonly name: string;
  readonly url: URL;
  readonly size: number;
  readonly network: NetworkOptions;
  /** What to throw where the answer is neither 200 nor 206. */
  refused(refusal: Refusal): SourceError;
  /** @throws SourceError when an answer is about other content */
  check(response: Response): void;
  /** Told of each redirect, where it can be seen. @throws SourceError when it speaks of other content */
  redirected?(answer: Response, from: URL): void;
}

export interface Route {
  /** @throws PassingError, SourceError: as `exchange`, and as `remote` says */
  ask<T>(
    range: Range | undefined,
    signal: AbortSignal | undefined,
    use: (response: Response, chunks: Chunks) => Promise<T>,
  ): Promise<T>;
}

/** How a store refuses an address whose signature has expired, or whose file has moved. */
const EXPIRED = [400, 401, 403, 404, 410];
const MOST_RENEWALS = 2;
const BODY_BYTES = 4096;

export function createRoute(remote: Remote): Route {
  const { headers = {}, patience = defaultPatience } = remote.network;
  let kept: URL | undefined;

  async function once<T>(range: Range | undefined, signal: AbortSignal | undefined, use: Parameters<Route["ask"]>[2]) {
    const start = kept ?? remote.url;
    let reached = start;
    const isElsewhere = (): boolean => reached.origin !== remote.url.origin;
    const request = {
      url: start,
      headers: start === remote.url ? headers : {},
      range,
      stallMs: patience.stallMs,
      signal,
      onRedirect(answer: Response, from: URL, to: URL) {
        remote.redirected?.(answer, from);
        reached = to;
      },
    };
    try {
      return await exchange(request, async (response, chunks): Promise<{ value: T } | { refusal: Refusal }> => {
        const { status } = response;
        if (status === 200 || status === 206) {
          remote.check(response);
          if (isElsewhere()) kept = reached;
          return { value: (await use(response, chunks)) as T };
        }
        const body = await bodyText(chunks, BODY_BYTES, "cut");
        if (kept === start) kept = undefined;
        return { refusal: { status, headers: response.headers, body, isElsewhere: isElsewhere() } };
      });
    } catch (error) {
      // The server behind the kept address may be the one that fails.
      if (error instanceof PassingError && kept === start) kept = undefined;
      throw error;
    }
  }

  return {
    async ask<T>(range: Range | undefined, signal: AbortSignal | undefined, use: Parameters<Route["ask"]>[2]) {
      for (let renewals = 0; ; renewals++) {
        const outcome = await once<T>(range, signal, use);
        if ("value" in outcome) return outcome.value;
        const { refusal } = outcome;
        const mayPass = refusal.isElsewhere && EXPIRED.includes(refusal.status) && renewals < MOST_RENEWALS;
        if (!mayPass) throw remote.refused(refusal);
      }
    },
  };
}
