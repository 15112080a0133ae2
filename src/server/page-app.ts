// The page of `lfm2 web`: its files, with the headers that let its threads share memory.
import { Hono } from "hono";
import { RequestFailure } from "./failure.ts";
import { hostDoor } from "./http/doors.ts";
import { POLICY } from "./page-policy.ts";

/** A file of the page, by its path beneath the address. */
export interface PageFile {
  readonly type: string;
  /** Of its content. */
  readonly version: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface PageOptions {
  /** Where the server listens. */
  readonly host: string;
  /** Undefined where there is no such file. */
  readonly file: (path: string) => Promise<PageFile | undefined>;
}

export function createPageApp({ host, file }: PageOptions): Hono {
  const app = new Hono();
  app.onError((error, c) => {
    if (error instanceof RequestFailure) return c.text(`${error.message}\n`, 421); // the one door here
    throw error;
  });
  app.use(hostDoor({ host, cors: [] }));
  app.get("*", async (c) => {
    const path = c.req.path === "/" ? "/index.html" : c.req.path;
    const found = await file(path.slice(1));
    if (found === undefined) return c.text("There is no such file.\n", 404);
    const { bytes, type, version } = found;
    const tag = `"${version}"`;
    const headers: Record<string, string> = {
      "Accept-Ranges": "bytes",
      "Cache-Control": "no-cache", // asked for again, and answered by 304
      "Content-Security-Policy": `${POLICY}; frame-ancestors 'none'`,
      "Content-Type": type,
      "Cross-Origin-Embedder-Policy": "require-corp",
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Resource-Policy": "same-origin",
      ETag: tag,
      "Referrer-Policy": "no-referrer",
      "X-Content-Type-Options": "nosniff",
    };
    if (c.req.header("if-none-match") === tag) return c.body(null, 304, headers);
    const [, first, last] = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(c.req.header("range") ?? "") ?? [];
    if (first === undefined) return c.body(bytes, 200, { ...headers, "Content-Length": String(bytes.length) });
    const begin = Number(first);
    const end = Math.min(last === "" ? bytes.length : Number(last) + 1, bytes.length);
    if (begin >= end) return c.body(null, 416, { ...headers, "Content-Range": `bytes */${bytes.length}` });
    const range = {
      "Content-Range": `bytes ${begin}-${end - 1}/${bytes.length}`,
      "Content-Length": String(end - begin),
    };
    return c.body(bytes.subarray(begin, end), 206, { ...headers, ...range });
  });
  return app;
}
