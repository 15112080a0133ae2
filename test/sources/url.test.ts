import { existsSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import { openSource } from "../../src/sources/open-source.ts";
import { type NetworkOptions, openUrl, splitUrl, urlFolder } from "../../src/sources/url.ts";

const content = Uint8Array.from({ length: 5000 }, (_, i) => (i * 11) % 256);

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let base: string;
let answer: Answer;
const requests: IncomingMessage[] = [];
/** Instead of being waited for. */
const waits: number[] = [];
const network: NetworkOptions = {
  wait: async (ms, signal) => {
    signal?.throwIfAborted();
    waits.push(ms);
  },
};

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  requests.length = 0;
  waits.length = 0;
  answer = ranged({});
});

function rangeOf(request: IncomingMessage): [number, number] {
  const [, begin, end] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") as RegExpExecArray;
  return [Number(begin), Number(end)];
}

/** A server that answers ranges; `change` makes it answer them wrongly. */
function ranged(headers: Record<string, string>, body?: (bytes: Uint8Array) => Uint8Array, status = 206): Answer {
  return (request, response) => {
    const [begin, end] = rangeOf(request);
    const bytes = content.slice(begin, end + 1);
    response.writeHead(status, { "Content-Range": `bytes ${begin}-${end}/5000`, ETag: '"a"', ...headers });
    response.end(body ? body(bytes) : bytes);
  };
}

function whole(headers: Record<string, string | number>, body: Uint8Array = content): Answer {
  return (_, response) => {
    response.writeHead(200, headers);
    response.end(body);
  };
}

describe("openUrl on a server with ranges", () => {
  it("reads what is asked for and no more", async () => {
    const source = await openUrl(`${base}/m.gguf`, network);
    expect(source.size).toBe(5000);
    const bytes = await source.read(100, 50);
    expect(bytes).toEqual(content.slice(100, 150));
    expect(bytes.buffer.byteLength).toBe(50);
    expect(await source.read(4999, 1)).toEqual(content.slice(4999));
    expect(requests.map((request) => request.headers.range)).toEqual(["bytes=0-1", "bytes=100-149", "bytes=4999-4999"]);
  });

  it("asks for an end that is not 0, which servers of bundlers take for none", async () => {
    // As sirv 3.0.2 reads a range: `parseInt(y, 10) || stats.size - 1`.
    answer = (request, response) => {
      const [begin, end] = rangeOf(request);
      const last = end || content.length - 1;
      response.writeHead(206, { "Content-Range": `bytes ${begin}-${last}/5000`, ETag: 'W/"a"' });
      response.end(content.slice(begin, last + 1), () => sent.push(last + 1 - begin));
    };
    const sent: number[] = [];
    const source = await openUrl(`${base}/m.gguf`, network);
    expect(await source.read(100, 50)).toEqual(content.slice(100, 150));
    expect(sent).toEqual([2, 50]);
  });

  it("opens a file of one byte", async () => {
    answer = (_, response) => response.writeHead(206, { "Content-Range": "bytes 0-0/1" }).end("x");
    const source = await openUrl(`${base}/m.gguf`, network);
    expect(await source.read(0, 1)).toEqual(Uint8Array.of(120));
  });

  it("asks nothing for an empty range or one outside the file", async () => {
    const source = await openUrl(`${base}/m.gguf`, network);
    expect(await source.read(10, 0)).toEqual(new Uint8Array(0));
    await expect(source.read(4999, 2)).rejects.toThrow(
      `${base}/m.gguf: expected a range within its 5000 bytes, found 2 bytes from 4999. ` +
        "The file is damaged or cut short; fetch it again.",
    );
    expect(requests).toHaveLength(1);
  });

  it("sends the headers it was given with every request, also from another thread", async () => {
    const source = await openUrl(`${base}/m.gguf`, { headers: { Authorization: "Bearer secret" } });
    const copy = await openSource(structuredClone(source.descriptor));
    expect(await copy.read(1, 2)).toEqual(content.slice(1, 3));
    expect(requests.map((request) => request.headers.authorization)).toEqual(Array(2).fill("Bearer secret"));
  });

  it("keeps the query out of its name", async () => {
    const source = await openUrl(`${base}/m.gguf?token=secret#part`);
    expect(source.name).toBe(`${base}/m.gguf`);
    expect(requests[0].url).toBe("/m.gguf?token=secret");
  });

  it("opens an empty file", async () => {
    answer = (_, response) => response.writeHead(416, { "Content-Range": "bytes */0" }).end();
    expect((await openUrl(`${base}/m.gguf`, network)).size).toBe(0);
  });
});

describe("openUrl on a server without ranges", () => {
  it("downloads the file once and reads from that", async () => {
    answer = whole({ "Content-Length": 5000 });
    const source = await openUrl(`${base}/m.gguf`, network);
    expect(await source.read(100, 50)).toEqual(content.slice(100, 150));
    expect(await source.read(0, 5000)).toEqual(content);
    const copy = await openSource(structuredClone(source.descriptor));
    expect(await copy.read(4000, 1000)).toEqual(content.slice(4000));
    expect(requests).toHaveLength(1);
  });

  it("refuses a file that is too large to hold, or of unknown size", async () => {
    answer = (_, response) => {
      response.writeHead(200, { "Content-Length": 2 ** 30 + 1 });
      response.write("x");
    };
    await expect(openUrl(`${base}/m.gguf`, network)).rejects.toThrow(
      `${base}/m.gguf: expected the range asked for, or a file of at most 1 GiB, ` +
        "found a whole file of 1073741825 bytes. Use a server that answers Range requests, or download the file.",
    );
    answer = whole({ "Transfer-Encoding": "chunked" });
    await expect(openUrl(`${base}/m.gguf`, network)).rejects.toThrow("found a whole file of unknown size");
  });

  it("takes a compressed file whose use is bounded, and of one that unfolds no more than that", async () => {
    const zipped = gzipSync(content);
    const folder = urlFolder(base, network);
    const lengths: Record<string, string | number>[] = [
      { "Content-Length": zipped.length },
      { "Transfer-Encoding": "chunked" },
    ];
    for (const length of lengths) {
      answer = whole({ "Content-Encoding": "gzip", ...length }, zipped);
      const source = await folder.open("config.json", undefined, 5000);
      expect(await source?.read(0, 5000)).toEqual(content);
      await expect(folder.open("config.json", undefined, 4999)).rejects.toThrow(
        `${base}/config.json: expected the range asked for, or a file of at most 4999 bytes, found a larger one.`,
      );
      await expect(folder.open("m.gguf")).rejects.toThrow("at most 1 GiB, found a whole file ");
    }
    const bounds = new Map<string, number | undefined>();
    const opening = openCheckpoint(
      { name: "", open: async (name, _, mostBytes) => void bounds.set(name, mostBytes) },
      undefined,
    );
    await expect(opening).rejects.toThrow("expected config.json, found no such file");
    expect(bounds.has("config.json")).toBe(true);
    expect(new Set(bounds.values())).toEqual(new Set([4_194_304]));
    expect(requests.every(({ headers }) => headers["accept-encoding"] === "identity")).toBe(true);
  });

  it("notices a body that ends early", async () => {
    answer = (_, response) => {
      response.writeHead(200, { "Content-Length": 5000 });
      response.write(content.slice(0, 10), () => response.destroy());
    };
    await expect(openUrl(`${base}/m.gguf`, network)).rejects.toThrow(
      /m\.gguf: expected an answer, found \w+ in each of 4 tries\. Check the address/,
    );
  });
});

describe("reading from a failing server", () => {
  const failures: [string, Answer, string, tries?: number][] = [
    [
      "a range other than the one asked for",
      ranged({ "Content-Range": "bytes 0-49/5000" }),
      badRange("bytes 0-49/5000"),
    ],
    ["a size that is not stated", ranged({ "Content-Range": "bytes 100-149/*" }), badRange("bytes 100-149/*")],
    [
      "no Content-Range",
      (_, response) => response.writeHead(206).end(content.slice(0, 50)),
      badRange("no such header"),
    ],
    [
      "another version, by its size",
      ranged({ "Content-Range": "bytes 100-149/6000" }),
      'expected the file that was opened (5000 bytes, ETag "a"), found another (6000 bytes, ETag "a"). It has changed on the server; open it again.',
    ],
    [
      "another version, by its ETag",
      ranged({ ETag: '"b"' }),
      'expected the file that was opened (5000 bytes, ETag "a"), found another (5000 bytes, ETag "b"). It has changed on the server; open it again.',
    ],
    [
      "too few bytes",
      ranged({}, (bytes) => bytes.slice(1)),
      "expected 1 bytes of content, found 0 in each of 4 tries. Try again.",
      4,
    ],
    [
      "too many bytes",
      ranged({}, (bytes) => Uint8Array.of(...bytes, 0)),
      "expected 50 bytes of content, found more. Try again.",
    ],
    ["the whole file", whole({}), "expected HTTP 206, found HTTP 200. Try again later."],
    [
      "an error",
      ranged({}, undefined, 500),
      "expected HTTP 206, found HTTP 500 in each of 4 tries. Try again later.",
      4,
    ],
    [
      "a refusal",
      ranged({}, undefined, 403),
      "expected HTTP 206, found HTTP 403. Send an Authorization header that may read it.",
    ],
    ["the file's absence", ranged({}, undefined, 404), "expected HTTP 206, found HTTP 404. Try again later."],
  ];
  for (const [what, wrong, message, tries = 1] of failures) {
    it(`names ${what}, after asking ${tries === 1 ? "once" : `${tries} times`}`, async () => {
      const source = await openUrl(`${base}/m.gguf?token=secret`, network);
      answer = wrong;
      await expect(source.read(100, 50)).rejects.toThrow(`${base}/m.gguf: ${message}`);
      expect(requests).toHaveLength(1 + tries);
      expect(waits).toHaveLength(tries - 1);
    });
  }

  it("names a connection that breaks off", async () => {
    const source = await openUrl(`${base}/m.gguf`, network);
    answer = (_, response) => response.destroy();
    await expect(source.read(0, 100)).rejects.toThrow(
      /m\.gguf: expected an answer, found \w+ in each of 4 tries\. Check the address and the network\./,
    );
  });
});

function badRange(found: string): string {
  return (
    `expected Content-Range bytes 100-149 of a known size, found ${found}. ` +
    "Use a server that answers Range requests and lets pages read that header."
  );
}

describe("opening", () => {
  it("names a missing file, a server error and a host that does not answer", async () => {
    answer = (_, response) => response.writeHead(404).end();
    await expect(openUrl(`${base}/m.gguf?token=secret`, network)).rejects.toThrow(
      `${base}/m.gguf: expected a file, found HTTP 404. Check the address.`,
    );
    answer = (_, response) => response.writeHead(500).end();
    await expect(openUrl(`${base}/m.gguf`, network)).rejects.toThrow(
      `${base}/m.gguf: expected HTTP 206, found HTTP 500 in each of 4 tries. Try again later.`,
    );
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    await expect(openUrl(`http://127.0.0.1:${port}/m.gguf?token=secret`, network)).rejects.toThrow(
      `http://127.0.0.1:${port}/m.gguf: expected an answer, found ECONNREFUSED in each of 4 tries. Check the address and the network.`,
    );
  });

  it("takes http and https only, without a password in the address", async () => {
    await expect(openUrl("no address")).rejects.toThrow(
      "URL: expected http://… or https://…, found text that is not a URL. Check the address.",
    );
    await expect(openUrl("file:///etc/passwd")).rejects.toThrow(
      "URL: expected http: or https:, found file. Check the address.",
    );
    await expect(openUrl("https://user:secret@host.test/m.gguf?key=secret")).rejects.toThrow(
      "https://host.test/m.gguf: expected a URL without user name and password, found one with. " +
        "Send an Authorization header.",
    );
  });

  it("stops when aborted, with the signal's reason", async () => {
    const reason = new Error("stop");
    await expect(openUrl(`${base}/m.gguf`, {}, AbortSignal.abort(reason))).rejects.toBe(reason);
    const source = await openUrl(`${base}/m.gguf`, network);
    // One answer never comes, the other never ends.
    for (const stuck of [() => {}, endless] as Answer[]) {
      const controller = new AbortController();
      answer = (request, response) => {
        stuck(request, response);
        setTimeout(() => controller.abort(reason), 20);
      };
      await expect(source.read(0, 100, controller.signal)).rejects.toBe(reason);
    }
  });
});

function endless(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(206, { "Content-Range": "bytes 0-99/5000", "Content-Length": 100, ETag: '"a"' });
  response.write(content.slice(0, 10));
}

describe("a body that is cut", () => {
  it("is gone on with from where it ended, with nothing of it asked for twice", async () => {
    const source = await openUrl(`${base}/m.gguf`, network);
    requests.length = 0;
    answer = (request, response) => {
      const [begin, end] = rangeOf(request);
      if (requests.length > 2) return ranged({})(request, response);
      response.writeHead(206, { "Content-Range": `bytes ${begin}-${end}/5000`, "Content-Length": 100, ETag: '"a"' });
      response.write(content.slice(begin, begin + 10), () => setTimeout(() => response.destroy(), 50));
    };
    expect(await source.read(100, 100)).toEqual(content.slice(100, 200));
    expect(requests.map(({ headers }) => headers.range)).toEqual(["bytes=100-199", "bytes=110-199", "bytes=120-199"]);
  });
});

describe("closing", () => {
  it("ends reads under way, also while they wait for another try", async () => {
    for (const stuck of [endless, (_, response) => response.writeHead(503, { "Retry-After": 50 }).end()] as Answer[]) {
      answer = ranged({});
      const source = await openUrl(`${base}/m.gguf`);
      answer = stuck;
      const reading = source.read(0, 100);
      const ended = expect(reading).rejects.toThrow(
        `${base}/m.gguf: expected a file that is open, found one that was closed.`,
      );
      await new Promise((resolve) => setTimeout(resolve, 50));
      await source.close();
      await ended;
    }
  });
});

describe("urlFolder", () => {
  it("opens files below its address, with its query and headers", async () => {
    const folder = urlFolder(`${base}/some/model?token=secret`, { headers: { "X-Test": "1" } });
    expect(folder.name).toBe(`${base}/some/model/`);
    const source = await folder.open("a b#c.gguf");
    expect(source?.name).toBe(`${base}/some/model/a%20b%23c.gguf`);
    expect(requests[0].url).toBe("/some/model/a%20b%23c.gguf?token=secret");
    expect(requests[0].headers["x-test"]).toBe("1");
  });

  it("gives undefined for a file the server does not have", async () => {
    answer = (_, response) => response.writeHead(404).end();
    expect(await urlFolder(base).open("none.gguf")).toBeUndefined();
  });

  it("takes HTTP 403 for absence once a file of it was read, and says so", async () => {
    const readable = ranged({});
    answer = (request, response) =>
      request.url === "/m/config.json" ? readable(request, response) : response.writeHead(403).end();
    const folder = urlFolder(`${base}/m/`);
    await expect(folder.open("tokenizer.json")).rejects.toThrow("expected HTTP 206, found HTTP 403. Send an Auth");
    expect(folder.warnings?.()).toEqual([]);
    expect((await folder.open("config.json"))?.size).toBe(5000);
    for (const name of ["tokenizer.json", "a.jinja"]) expect(await folder.open(name)).toBeUndefined();
    expect(folder.warnings?.()).toEqual([
      `${base}/m/: found HTTP 403 for tokenizer.json, a.jinja, and took them for files that are not there. ` +
        "If they are, send an Authorization header that may read them.",
    ]);
  });

  it("a model of a folder like S3's opens, and warns of what it could not see", async () => {
    const hf = new URL("../../golden/nano/hf/", import.meta.url);
    answer = (request, response) => {
      const file = new URL(`.${request.url}`, hf);
      if (!existsSync(file)) return response.writeHead(403).end();
      const [begin, end] = rangeOf(request);
      const bytes = readFileSync(file);
      response.writeHead(206, { "Content-Range": `bytes ${begin}-${end}/${bytes.length}`, ETag: '"a"' });
      response.end(bytes.subarray(begin, end + 1));
    };
    const { warnings, files } = await openCheckpoint(urlFolder(base), undefined);
    await Promise.all(files.map((file) => file.close()));
    expect(warnings.join()).toMatch(/found HTTP 403 for .*model.safetensors.index.json.* not there/);
  });

  it("refuses paths", async () => {
    await expect(urlFolder(base).open("../m.gguf")).rejects.toThrow("expected a file name without folders");
  });
});

describe("splitUrl", () => {
  it("parts a file from its folder, which keeps the query", () => {
    expect(splitUrl("https://host.test/a/b%20c/m%20n.gguf?x=1")).toEqual({
      folder: "https://host.test/a/b%20c/?x=1",
      fileName: "m n.gguf",
    });
  });

  it("refuses escapes that are no text", () => {
    expect(() => splitUrl("https://host.test/a/%E0%A4%A?key=secret")).toThrow(
      "https://host.test/a/%E0%A4%A: expected %-escapes of UTF-8, found others. Check the address.",
    );
  });
});
