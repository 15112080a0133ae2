// A static web site over the built package: one page, served with or without the headers that isolate it.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const ROOT = new URL("../../", import.meta.url);
const PAGE = new URL("./page.html", import.meta.url);

const SERVED = /^\/(dist|golden)\//;

/** Of a file's header, the package reads this much at once. */
export const READ_AHEAD = 2 ** 20;

const MIME_TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".jinja": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
};

/** With these a page is cross-origin isolated: it may share memory with its workers. */
const ISOLATING = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export interface Sent {
  readonly path: string;
  readonly status: number;
  /** Length of the body. */
  readonly bytes: number;
}

export interface Site {
  /** Of the page, with a slash at its end. */
  readonly url: string;
  /** What it has answered so far. */
  readonly sent: Sent[];
  close(): Promise<void>;
}

/**
 * Serves on a free port. Files are sent by Range, except that `?whole` ignores the range, and `?stall` sends weights
 * (any range over READ_AHEAD) up to their middle and then nothing more; `?stall-once` does so the first time. `?redirect` leads to the same without it.
 * Pages may be kept with `?keep`. `/weights-begin` is answered when weights are next asked for.
 */
export async function serveSite({ isolated }: { readonly isolated: boolean }): Promise<Site> {
  const sent: Sent[] = [];
  /** Resolves when weights have begun to come, or stall, once more since it was called. */
  const weightsBegin = async (): Promise<void> => {
    const count = () => sent.filter(({ bytes }) => bytes > READ_AHEAD).length;
    for (const before = count(); count() === before; ) await sleep(10);
  };
  const server = createServer((request, response) => {
    if (isolated) for (const [name, value] of Object.entries(ISOLATING)) response.setHeader(name, value);
    if (request.url === "/weights-begin") {
      weightsBegin().then(() => response.end());
      return;
    }
    answer(request, response).then(
      (bytes) => sent.push({ path: request.url ?? "", status: response.statusCode, bytes }),
      (error) => response.destroy(error),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}/`, // localhost counts as secure, so that crypto.subtle is there
    sent,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const stalled = new Set<string>();

/** @returns length of the body */
export async function answer(request: IncomingMessage, response: ServerResponse): Promise<number> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
  if (searchParams.has("redirect")) {
    response.writeHead(302, { Location: pathname }).end();
    return 0;
  }
  const file = pathname === "/" ? PAGE : SERVED.test(pathname) ? new URL(`.${pathname}`, ROOT) : undefined;
  const found = file && (await stat(file).catch(() => undefined));
  if (file === undefined || found === undefined) {
    response.writeHead(404).end("not found");
    return 0;
  }
  const { size, mtimeMs } = found;
  const headers = {
    // As every server of files sends it; without it, what has been read of a header is read again.
    ETag: `"${size}-${mtimeMs}"`,
    "Content-Type": MIME_TYPES[extname(file.pathname)] ?? "application/octet-stream",
    // Browsers keep no page for the way back that must not be stored.
    "Cache-Control": searchParams.has("keep") ? "no-cache" : "no-store",
    "Accept-Ranges": "bytes",
  };
  const range = searchParams.has("whole") ? null : /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  const begin = range ? Number(range[1]) : 0;
  const end = Math.min(range ? Number(range[2]) : size, size - 1); // inclusive, as in the header
  const length = end - begin + 1;
  if (length <= 0) {
    response.writeHead(416, { ...headers, "Content-Range": `bytes */${size}` }).end();
    return 0;
  }
  const contentRange = range && { "Content-Range": `bytes ${begin}-${end}/${size}` };
  response.writeHead(range ? 206 : 200, { ...headers, ...contentRange, "Content-Length": length });
  const stallsOnce = searchParams.has("stall-once") && !stalled.has(request.url ?? "");
  const stalls = (searchParams.has("stall") || stallsOnce) && length > READ_AHEAD;
  if (stalls) stalled.add(request.url ?? "");
  const content = createReadStream(fileURLToPath(file), { start: begin, end: stalls ? begin + length / 2 : end });
  content.on("error", (error) => response.destroy(error));
  response.on("close", () => content.destroy());
  content.pipe(response, { end: !stalls });
  return length;
}
