// A web site for two engines: pages that are cross-origin isolated, so that both may have threads, and files by range.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";

export interface Site {
  /** With a slash at its end. */
  readonly url: string;
  close(): Promise<void>;
}

export interface SiteContent {
  /** Paths that begin with "/name/" come from a folder. */
  readonly folders: Readonly<Record<string, string>>;
  /** Whole paths: a file. */
  readonly files: Readonly<Record<string, string>>;
}

const MIME_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/** @source https://web.dev/articles/coop-coep */
const ISOLATING = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

export async function serveSite(content: SiteContent): Promise<Site> {
  const server = createServer((request, response) => {
    answer(content, request, response).catch((error: Error) => response.destroy(error));
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}/`, // localhost counts as secure
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(content: SiteContent, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  const path = fileOf(content, pathname);
  const found = path === undefined ? undefined : await stat(path).catch(() => undefined);
  if (path === undefined || !found?.isFile()) {
    response.writeHead(404, ISOLATING).end("not found");
    return;
  }
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  const start = range === null ? 0 : Number(range[1]);
  const end = Math.min(range?.[2] ? Number(range[2]) : found.size, found.size - 1); // inclusive, as in the header
  response.writeHead(range === null ? 200 : 206, {
    ...ISOLATING,
    "Content-Type": MIME_TYPES[extname(path)] ?? "application/octet-stream",
    "Content-Length": end - start + 1,
    "Accept-Ranges": "bytes",
    "Cache-Control": "no-store",
    ...(range === null ? {} : { "Content-Range": `bytes ${start}-${end}/${found.size}` }),
  });
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  const stream = createReadStream(path, { start, end });
  stream.on("error", (error) => response.destroy(error));
  response.on("close", () => stream.destroy());
  stream.pipe(response);
}

/** URL has resolved every ".." of a pathname, so it cannot lead out of a folder. */
function fileOf({ folders, files }: SiteContent, pathname: string): string | undefined {
  if (files[pathname] !== undefined) return files[pathname];
  const folder = Object.keys(folders).find((name) => pathname.startsWith(`/${name}/`));
  if (folder === undefined) return undefined;
  return join(folders[folder], decodeURIComponent(pathname.slice(folder.length + 2)).replaceAll("..", ""));
}
