// A real server on the loopback whose answers are scripted, and what it was asked.
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Asked {
  /** Counts all requests, from 0. */
  readonly index: number;
  readonly path: string;
  /** The query, without its question mark. */
  readonly query: string;
  /** The range [begin, end); all of the file where none was asked for. */
  readonly begin: number;
  readonly end: number;
  readonly headers: IncomingHttpHeaders;
}

export type Answer = (asked: Asked, response: ServerResponse) => void;

export interface ScriptedServer {
  /** Without a slash at its end. */
  readonly url: string;
  readonly asked: readonly Asked[];
  close(): Promise<void>;
}

export async function serveScript(answer: Answer): Promise<ScriptedServer> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const one = askedIn(request, asked.length);
    asked.push(one);
    answer(one, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function askedIn({ headers, url = "/" }: IncomingMessage, index: number): Asked {
  const [, begin = "0", last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "") ?? [];
  const end = last === undefined ? Number.POSITIVE_INFINITY : Number(last) + 1;
  const [path, query = ""] = url.split("?");
  return { index, path, query, begin: Number(begin), end, headers };
}

export type Headers = Readonly<Record<string, string | number | undefined>>;

/** The range asked for, as it should be sent; `headers` are added, or taken away where undefined. */
export function sends(file: Uint8Array, headers: Headers = {}): Answer {
  return (asked, response) => {
    const end = Math.min(asked.end, file.length);
    response.writeHead(206, stated({ ...rangeHeaders(file, asked.begin, end), ...headers }));
    response.end(file.subarray(asked.begin, end));
  };
}

/** What is sent when [begin, end) of `file` is. */
export function rangeHeaders(file: Uint8Array, begin: number, end: number): Headers {
  const range = `bytes ${begin}-${end - 1}/${file.length}`;
  return { "Content-Range": range, "Content-Length": end - begin, ETag: '"first"' };
}

/** A status and any body. */
export function says(status: number, headers: Headers = {}, body: string | Uint8Array = ""): Answer {
  return (_, response) => {
    response.writeHead(status, stated(headers));
    response.end(body);
  };
}

/** Begins as `sends` does; after `bytes` of the body `then` decides. */
export function begins(
  file: Uint8Array,
  bytes: number,
  then: (response: ServerResponse) => void,
  headers?: Headers,
): Answer {
  return (asked, response) => {
    const end = Math.min(asked.end, file.length);
    response.writeHead(206, stated({ ...rangeHeaders(file, asked.begin, end), ...headers }));
    response.flushHeaders();
    const cut = Math.min(end, asked.begin + bytes);
    // A little later, so that what was written has arrived.
    if (cut > asked.begin) response.write(file.subarray(asked.begin, cut), () => setTimeout(() => then(response), 5));
    else setTimeout(() => then(response), 5);
  };
}

/** `one` for the requests of these numbers, `other` for the rest. */
export function at(which: (index: number) => boolean, one: Answer, other: Answer): Answer {
  return (asked, response) => (which(asked.index) ? one : other)(asked, response);
}

function stated(headers: Headers): Record<string, string | number> {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)) as Record<
    string,
    string | number
  >;
}
