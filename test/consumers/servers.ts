// Servers of built apps: static ones, and the bundlers' own.
import { spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createPort } from "node:net";
import { extname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface Server {
  /** With a slash at its end. */
  readonly url: string;
  close(): Promise<void>;
}

/** A development server compiles before it answers. */
const START_MS = 60_000;

const MIME_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/** Runs a command that serves on the port put in place of `PORT`. */
export async function startCommand(command: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<Server> {
  const port = await freePort();
  const [file, ...args] = command.map((part) => (part === "PORT" ? String(port) : part));
  // In a group of its own: such servers start processes that would outlive them.
  const server = spawn(join(cwd, file), args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [server.stdout, server.stderr]) stream.on("data", (text) => (said = (said + text).slice(-4000)));
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  const url = `http://localhost:${port}/`;
  const close = async (): Promise<void> => {
    if (server.exitCode === null && server.pid !== undefined) process.kill(-server.pid, "SIGKILL");
    await ended;
  };
  for (const end = performance.now() + START_MS; performance.now() < end && server.exitCode === null; ) {
    if (
      await fetch(url).then(
        (answer) => answer.ok,
        () => false,
      )
    )
      return { url, close };
    await sleep(100);
  }
  await close();
  throw new Error(`${command.join(" ")}: expected an answer at ${url}, found none. It said: ${said}`);
}

async function freePort(): Promise<number> {
  const probe = createPort();
  await new Promise<void>((resolve) => probe.listen(0, "localhost", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** The server of the page first. The other one has another origin, and lets every page read. */
export async function startStatic(
  root: string,
  { folder, isolated = false, cdn = false }: { folder: string; isolated?: boolean; cdn?: boolean },
): Promise<Server[]> {
  const under = join(root, folder);
  const other = cdn
    ? await listen(under, { "Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "*" })
    : undefined;
  const isolating = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
  const page = await listen(under, isolated ? isolating : {}, other?.url.slice(0, -1));
  return other === undefined ? [page] : [page, other];
}

async function listen(folder: string, headers: Record<string, string>, cdn?: string): Promise<Server> {
  const server = createServer((request, response) => {
    answer(folder, headers, cdn, request, response).catch((error) => response.destroy(error));
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  folder: string,
  headers: Record<string, string>,
  cdn: string | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  const file = join(folder, pathname.endsWith("/") ? `${pathname}index.html` : pathname);
  const found = await stat(file).catch(() => undefined);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (request.method === "OPTIONS") {
    response.writeHead(204, { "Access-Control-Allow-Headers": "Range" }).end();
    return;
  }
  if (found === undefined || !found.isFile()) {
    response.writeHead(404).end("not found");
    return;
  }
  response.setHeader("Content-Type", MIME_TYPES[extname(file)] ?? "application/octet-stream");
  if (cdn !== undefined && file.endsWith(".html")) {
    response.end((await readFile(file, "utf8")).replaceAll("CDN", cdn));
    return;
  }
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
  const start = Number(from ?? 0);
  const end = Math.min(Number(to ?? found.size), found.size - 1);
  if (from !== undefined) response.setHeader("Content-Range", `bytes ${start}-${end}/${found.size}`);
  response.setHeader("ETag", `"${found.size}-${found.mtimeMs}"`);
  response.setHeader("Content-Length", end - start + 1);
  response.writeHead(from === undefined ? 200 : 206);
  createReadStream(file, { start, end }).pipe(response);
}
