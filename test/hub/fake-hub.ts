// A hub and its store, two real servers on the loopback: they answer as huggingface.co and its CDN do, count what they
// send, and fail as a test asks them to.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";

export const REPO = "LiquidAI/LFM2-nano-GGUF";
export const TOKEN = "hf_secret";

export interface HubRequest {
  readonly server: "hub" | "store";
  readonly kind: "revision" | "tree" | "resolve" | "resolve-cache" | "file" | "preflight" | "other";
  /** Counts the requests of this kind, from 0. */
  readonly index: number;
  /** Of a file within the repository. */
  readonly path: string;
  readonly url: URL;
  readonly range: readonly [begin: number, end: number] | undefined;
  readonly headers: IncomingMessage["headers"];
}

/** Answers a request in place of the hub or its store; returns false where they answer as they should. */
export type Fault = (request: HubRequest, response: ServerResponse, content: Buffer) => boolean;

export interface FakeHub {
  readonly endpoint: string;
  readonly storeOrigin: string;
  /** By path. What is larger than 1 KiB is a large file, which the store has. */
  readonly files: Map<string, Buffer>;
  /** What `main` is. */
  commit: string;
  fault: Fault;
  /** Of the tree. */
  pageFiles: number;
  readonly asked: HubRequest[];
  /** Bytes of bodies of files that were handed to the network. */
  sent(): number;
  close(): Promise<void>;
}

export const sha256 = (content: Buffer): string => createHash("sha256").update(content).digest("hex");
export const gitHash = (content: Buffer): string =>
  createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
/** Of how a store keeps it: as long as a SHA-256, and none. */
export const xetHash = (content: Buffer): string => createHash("sha256").update("xet").update(content).digest("hex");
export const isLarge = (content: Buffer): boolean => content.length > 1024;

/** By pages of other sites. */
const READABLE = {
  hub: {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers":
      "X-Repo-Commit, X-Request-Id, X-Error-Code, X-Error-Message, ETag, Link, Accept-Ranges, Content-Range",
  },
  store: {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Accept-Ranges, Content-Range, Content-Type, Content-Disposition, ETag, X-Cache",
  },
};

export const COMMIT = "a".repeat(40);

export async function serveHub(files: Readonly<Record<string, Buffer>>): Promise<FakeHub> {
  const asked: HubRequest[] = [];
  let sent = 0;
  const counts = new Map<string, number>();
  const hub: FakeHub = {
    endpoint: "",
    storeOrigin: "",
    files: new Map(Object.entries(files)),
    commit: COMMIT,
    fault: () => false,
    pageFiles: 1000,
    asked,
    sent: () => sent,
    async close() {
      await Promise.all(servers.map(stop));
    },
  };

  const answer = (server: HubRequest["server"]) => (message: IncomingMessage, response: ServerResponse) => {
    const url = new URL(message.url ?? "/", "http://loopback");
    const { kind, path } =
      message.method === "OPTIONS" ? ({ kind: "preflight", path: "" } as const) : kindOf(server, url);
    for (const [name, value] of Object.entries(READABLE[server])) response.setHeader(name, value);
    const index = counts.get(kind) ?? 0;
    counts.set(kind, index + 1);
    const [, begin, last] = /^bytes=(\d+)-(\d+)$/.exec(message.headers.range ?? "") ?? [];
    const range = begin === undefined ? undefined : ([Number(begin), Number(last) + 1] as const);
    const request: HubRequest = { server, kind, index, path, url, range, headers: message.headers };
    asked.push(request);
    const content = hub.files.get(path) ?? Buffer.alloc(0);
    if (kind === "file" || kind === "resolve-cache")
      countBody(response, (bytes) => {
        sent += bytes;
      });
    if (!hub.fault(request, response, content)) usual(hub, request, response, content);
  };
  const servers = [createServer(answer("hub")), createServer(answer("store"))];
  const [endpoint, storeOrigin] = await Promise.all(servers.map(listen));
  return Object.assign(hub, { endpoint, storeOrigin });
}

function kindOf(server: HubRequest["server"], { pathname }: URL): Pick<HubRequest, "kind" | "path"> {
  if (server === "store") return { kind: "file", path: decodeURIComponent(pathname.slice(1)) };
  if (pathname.startsWith(`/api/models/${REPO}/revision/`)) return { kind: "revision", path: "" };
  if (pathname.startsWith(`/api/models/${REPO}/tree/`)) return { kind: "tree", path: "" };
  const [, file] = new RegExp(`^/${REPO}/resolve/[^/]+/(.+)$`).exec(pathname) ?? [];
  if (file !== undefined) return { kind: "resolve", path: decodeURIComponent(file) };
  const [, cached] = new RegExp(`^/api/resolve-cache/models/${REPO}/[^/]+/(.+)$`).exec(pathname) ?? [];
  return cached === undefined
    ? { kind: "other", path: "" }
    : { kind: "resolve-cache", path: decodeURIComponent(cached) };
}

/** As they should. */
export function usual(hub: FakeHub, { kind, path, url, range }: HubRequest, response: ServerResponse, content: Buffer) {
  const { files, commit } = hub;
  const json = (value: unknown, headers: Record<string, string> = {}): void => {
    response.writeHead(200, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(value));
  };
  // As stores have answered pages that ask leave for a header.
  if (kind === "preflight") return void response.writeHead(403).end();
  if (kind === "revision") {
    const revision = decodeURIComponent(url.pathname.split("/").at(-1) as string);
    if (["main", commit, "v1"].includes(revision)) return json({ id: REPO, sha: commit });
    return fails(response, 404, "RevisionNotFound", `Invalid rev id: ${revision}`);
  }
  if (kind === "tree") {
    const from = Number(url.searchParams.get("cursor") ?? 0);
    const page = [...files].slice(from, from + hub.pageFiles).map(([name, data]) => entryOf(name, data));
    const more = from + hub.pageFiles < files.size;
    // The next page is on the hub's real host, whoever is asked.
    const next = `<https://huggingface.co${url.pathname}?recursive=true&cursor=${from + hub.pageFiles}>; rel="next"`;
    return json(page, more ? { Link: next } : {});
  }
  if (kind === "resolve") {
    if (!files.has(path)) return fails(response, 404, "EntryNotFound", "Entry not found", { "X-Repo-Commit": commit });
    const etag = isLarge(content) ? sha256(content) : gitHash(content);
    const headers = { "X-Repo-Commit": commit, "X-Linked-ETag": `"${etag}"`, "Cache-Control": "no-store" };
    if (isLarge(content)) {
      const location = `${hub.storeOrigin}/${encodeURIComponent(path)}?Signature=${hub.asked.length}`;
      const linked = { "X-Linked-Size": content.length, "X-Xet-Hash": xetHash(content) };
      return void response.writeHead(302, { ...headers, ...linked, Location: location }).end("Found. Redirecting");
    }
    const location = `/api/resolve-cache/models/${REPO}/${commit}/${path}?etag=%22${etag}%22`;
    return void response.writeHead(307, { ...headers, Location: location }).end("Temporary Redirect");
  }
  if (kind === "resolve-cache") {
    return void response
      .writeHead(200, { "X-Repo-Commit": commit, ETag: `"${gitHash(content)}"`, "Content-Length": content.length })
      .end(content);
  }
  if (kind === "file") return sendRange(response, content, range ?? [0, content.length]);
  fails(response, 401, undefined, "Repository not found");
}

export function sendRange(
  response: ServerResponse,
  content: Buffer,
  [begin, last]: readonly [number, number],
  headers: Record<string, string | number> = {},
): void {
  const end = Math.min(last, content.length);
  response.writeHead(206, {
    ETag: `"${xetHash(content)}"`,
    "Content-Range": `bytes ${begin}-${end - 1}/${content.length}`,
    "Content-Length": end - begin,
    ...headers,
  });
  response.end(content.subarray(begin, end));
}

/** Begins an answer, and after `bytes` of it does something else. */
export function sendSome(
  response: ServerResponse,
  content: Buffer,
  [begin, last]: readonly [number, number],
  bytes: number,
  then: () => void,
): void {
  const end = Math.min(last, content.length);
  response.writeHead(206, {
    ETag: `"${xetHash(content)}"`,
    "Content-Range": `bytes ${begin}-${end - 1}/${content.length}`,
    "Content-Length": end - begin,
  });
  response.write(content.subarray(begin, Math.min(end, begin + bytes)), () => setTimeout(then, 20));
}

export function sendWhole(
  response: ServerResponse,
  content: Buffer,
  headers: Record<string, string | number> = {},
): void {
  response.writeHead(200, { "Content-Length": content.length, ...headers }).end(content);
}

export function sendGzip(response: ServerResponse, content: Buffer): void {
  response.writeHead(200, { "Content-Encoding": "gzip", ETag: `W/"${gitHash(content)}"` });
  response.end(gzipSync(content));
}

export function fails(
  response: ServerResponse,
  status: number,
  code?: string,
  body = "",
  headers: Record<string, string> = {},
): void {
  const coded: Record<string, string> = code === undefined ? {} : { "X-Error-Code": code };
  response.writeHead(status, { ...coded, ...headers }).end(body);
}

function entryOf(path: string, content: Buffer): object {
  const { length: size } = content;
  if (!isLarge(content)) return { type: "file", path, size, oid: gitHash(content) };
  const lfs = { oid: sha256(content), size, pointerSize: 134 };
  return {
    type: "file",
    path,
    size,
    oid: gitHash(Buffer.from(`pointer to ${lfs.oid}`)),
    lfs,
    xetHash: xetHash(content),
  };
}

/** Of what is written into a response, as far as it is sent. */
function countBody(response: ServerResponse, onBytes: (count: number) => void): void {
  const { write, end } = response;
  const count = (chunk: unknown): void => {
    if (chunk instanceof Uint8Array) onBytes(chunk.length);
  };
  response.write = ((...args: Parameters<typeof write>) => {
    count(args[0]);
    return write.apply(response, args);
  }) as typeof write;
  response.end = ((...args: Parameters<typeof end>) => {
    count(args[0]);
    return end.apply(response, args);
  }) as typeof end;
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
