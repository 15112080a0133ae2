// Models and servers that tests open, and that are closed behind them.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { ModelSource } from "../../src/api/open.ts";
import { type LanguageModel, type OpenOptions, open } from "../../src/index.ts";

/** An answer that takes long: a prompt near the limit of the embedded model. */
export const LONG: number[] = Array.from({ length: 4000 }, (_, i) => 16 + ((i * 37) % 2000));

const opened: LanguageModel[] = [];
const servers: Server[] = [];
/** What a file calls after each of its tests. */
export async function closeAll(): Promise<void> {
  await Promise.all(opened.splice(0).map((model) => model.close()));
  for (const server of servers.splice(0)) server.close();
}

export async function openNano(source?: ModelSource, options?: OpenOptions): Promise<LanguageModel> {
  const model = await open(source, options);
  opened.push(model);
  return model;
}

/** A server of one file that knows ranges; past `stallAfter` bytes into the file it goes silent. */
export async function serve(bytes: Buffer, { stallAfter = Number.POSITIVE_INFINITY } = {}): Promise<string> {
  const server = createServer((request, response) => {
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "") ?? [];
    const begin = Number(from);
    const end = Math.min(Number(to) + 1, bytes.length);
    if (!request.url?.endsWith(".gguf") || !(begin < end)) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(206, {
      "content-range": `bytes ${begin}-${end - 1}/${bytes.length}`,
      "content-length": end - begin,
    });
    if (end <= stallAfter) response.end(bytes.subarray(begin, end));
    else response.write(bytes.subarray(begin, Math.max(begin, stallAfter)));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
