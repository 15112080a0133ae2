// What hubs, stores, networks and other processes do to a download, and how it has to end.
import type { ServerResponse } from "node:http";
import {
  type FakeHub,
  type Fault,
  fails,
  type HubRequest,
  sendGzip,
  sendRange,
  sendSome,
  sendWhole,
} from "./fake-hub.ts";

export interface HubFault {
  /** Given what the hub is, since some lead to it. */
  readonly fault: (hub: FakeHub) => Fault;
  /** What is said; undefined where the right file comes all the same. */
  readonly error?: RegExp;
  /** Each may cost the bytes of a part. */
  readonly faults: number;
  /** Of the hub; how often what was asked. */
  readonly asked?: Partial<Record<HubRequest["kind"], number>>;
  /** Milliseconds of each wait that was asked for, at least. */
  readonly waits?: readonly number[];
  /** Another file than the large one, by its name in the repository. */
  readonly path?: string;
  /** A server may be silent for no longer; 10 s unless stated otherwise. */
  readonly stallMs?: number;
}

type Act = (request: HubRequest, response: ServerResponse, content: Buffer) => void;
type When = (request: HubRequest) => boolean;

const doing = (when: When, act: Act) => (): Fault => (request, response, content) => {
  if (!when(request)) return false;
  act(request, response, content);
  return true;
};
const all =
  (kind: HubRequest["kind"]): When =>
  (request) =>
    request.kind === kind;
const nth =
  (kind: HubRequest["kind"], ...indexes: number[]): When =>
  (request) =>
    request.kind === kind && indexes.includes(request.index);
const says =
  (status: number, code?: string, body = "", headers: Record<string, string> = {}): Act =>
  (_, response) =>
    fails(response, status, code, body, headers);
const rangeOf = ({ range }: HubRequest): readonly [number, number] => range ?? [0, Number.POSITIVE_INFINITY];
const destroyed: Act = (request, response, content) =>
  sendSome(response, content, rangeOf(request), 60_000, () => response.destroy());
const flipped = (content: Buffer): Buffer => {
  const other = Buffer.from(content);
  other[50_000] ^= 4;
  return other;
};
const html: Act = (_, response) =>
  void response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" }).end("<html>Please sign in</html>");
const expired = '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>';
const badSignature = "<Error><Code>SignatureError</Code><Message>Auth failed: invalid range</Message></Error>";

/** Numbered as in a list of what hubs are known to do. */
export const hubFaults: Readonly<Record<string, HubFault>> = {
  "1 a small file by way of a relative redirect": { fault: doing(() => false, html), faults: 0, path: "config.json" },
  "2 a large file by way of another host": { fault: doing(() => false, html), faults: 0 },
  "3 a store's ETag that looks like a SHA-256": { fault: doing(() => false, html), faults: 0, asked: { file: 4 } },
  "4 a store that knows no ranges": {
    fault: doing(all("file"), (_, response, content) => sendWhole(response, content)),
    faults: 0,
    asked: { file: 1 },
  },
  "4 a store that forgets ranges half way": {
    fault: doing(
      ({ kind, index }) => kind === "file" && index >= 2,
      (_, response, content) => sendWhole(response, content),
    ),
    // Each of three connections may have begun an answer with all of the file.
    faults: 9,
  },
  "5 a range that begins elsewhere, once": {
    fault: doing(nth("file", 1), ({ range = [0, 0] }, response, content) =>
      sendRange(response, content, [range[0] - 10, range[1] - 10]),
    ),
    faults: 1,
  },
  "5 a range of a file of another size, always": {
    fault: doing(all("file"), (request, response, content) => {
      const [begin, end] = rangeOf(request);
      const range = { "Content-Range": `bytes ${begin}-${end - 1}/${content.length + 1}` };
      sendRange(response, content, [begin, end], range);
    }),
    error: /expected a file of 350000 bytes, found one of 350001 in each of 4 tries/,
    faults: 4,
  },
  "6 a range that is refused as outside the file": {
    fault: doing(nth("file", 2), (_, response, content) =>
      fails(response, 416, undefined, "", { "Content-Range": `bytes */${content.length}` }),
    ),
    error: /expected the file, found HTTP 416/,
    faults: 1,
  },
  "7 a connection that drops at 60 % of a part": {
    fault: doing(nth("file", 1), destroyed),
    faults: 1,
    asked: { file: 5 },
  },
  "7 connections that drop again and again, but bring something": {
    fault: doing(
      all("file"),
      (request, response, content) =>
        void sendSome(response, content, rangeOf(request), 70_000, () => response.destroy()),
    ),
    faults: 8,
  },
  "8 a body that ends early, and cleanly": {
    fault: doing(nth("file", 1), (request, response, content) => {
      const [begin, end] = rangeOf(request);
      response.writeHead(206, { "Content-Range": `bytes ${begin}-${end - 1}/${content.length}` });
      response.end(content.subarray(begin, begin + 30_000));
    }),
    faults: 1,
    asked: { file: 5 },
  },
  "9 a silent store": {
    fault: doing(nth("file", 1), (request, response, content) =>
      sendSome(response, content, rangeOf(request), 20_000, () => {}),
    ),
    faults: 1,
    asked: { file: 5 },
    stallMs: 400,
  },
  "10 a flipped bit, once": {
    fault: doing(nth("file", 0), (request, response, content) =>
      sendRange(response, flipped(content), rangeOf(request)),
    ),
    faults: 4,
    asked: { file: 8 },
  },
  "10 a flipped bit, always": {
    fault: doing(all("file"), (request, response, content) => sendRange(response, flipped(content), rangeOf(request))),
    error: /expected hash [0-9a-f]{12}…, found hash [0-9a-f]{12}…\. It came damaged twice, and was removed/,
    faults: 4,
    asked: { file: 8 },
  },
  "11 an address that expires": {
    fault: doing(nth("file", 2), says(403, undefined, expired)),
    faults: 1,
    // A part that begins just then asks for an address of its own.
    asked: { file: 5 },
  },
  "12 new addresses that are refused, too": {
    fault: doing(all("file"), says(403, undefined, badSignature)),
    error: /expected the file, found HTTP 403: SignatureError Auth failed: invalid range\. The hub's store refuses it/,
    faults: 3,
    asked: { resolve: 3, file: 3 },
  },
  "13 a hub that is asked too often": {
    fault: doing(nth("resolve", 0), says(429, undefined, "", { RateLimit: '"resolvers";r=0;t=2' })),
    faults: 1,
    waits: [3000],
  },
  "13 a hub that is asked too often, and does not say how long": {
    fault: doing(nth("revision", 0, 1), says(429)),
    faults: 2,
    waits: [1, 3],
  },
  "13 a hub that wants to be left alone for minutes": {
    fault: doing(all("resolve"), says(429, undefined, "", { RateLimit: '"resolvers";r=0;t=300' })),
    error: /found HTTP 429, asking to be tried again in 301 s/,
    faults: 1,
    waits: [],
  },
  "14 a hub that fails twice": { fault: doing(nth("tree", 0, 1), says(503)), faults: 2, asked: { tree: 3 } },
  "14 a store that fails twice": { fault: doing(nth("file", 0, 1), says(503)), faults: 2 },
  "14 a store that fails always": {
    fault: doing(all("file"), says(500)),
    error: /found HTTP 500 in each of 4 tries/,
    faults: 4,
  },
  "15 an unknown repository": {
    fault: doing(all("revision"), says(401, undefined, "Invalid username or password.")),
    error:
      /expected a public repository, found HTTP 401: Invalid username or password\. Check the name; if the repository/,
    faults: 0,
    asked: { revision: 1 },
  },
  "15 a repository that is not public": {
    fault: doing(all("revision"), says(401, undefined, '{"error":"Repository not found"}')),
    error:
      /hf:LiquidAI\/LFM2-nano-GGUF: expected a public repository, found HTTP 401: Repository not found\. Check the name; if the repository is private or gated, set HF_TOKEN/,
    faults: 0,
    asked: { revision: 1 },
  },
  "16 a gated repository, without a token": {
    fault: doing(all("resolve"), says(401, "GatedRepo", "Access to model is restricted.")),
    error:
      /expected a token for this gated repository, found none\. Accept its licence at http.*LFM2-nano-GGUF, and set HF_TOKEN/,
    faults: 0,
    asked: { resolve: 1 },
  },
  "17 a token that is not valid": {
    fault: doing(
      all("revision"),
      says(401, undefined, "", { "X-Error-Message": "Invalid credentials in Authorization header" }),
    ),
    error: /expected a token that the hub knows, .*Set HF_TOKEN to a valid one/,
    faults: 0,
    asked: { revision: 1 },
  },
  "18 a file that is listed and not there": {
    fault: doing(all("resolve"), says(404, "EntryNotFound", "Entry not found")),
    error: /expected a file of the repository, found none of this name/,
    faults: 0,
    asked: { resolve: 1 },
  },
  "18 a revision that is not there": {
    fault: doing(all("revision"), says(404, "RevisionNotFound")),
    error: /expected a revision that the repository has, found none of this name\. Branches and tags are listed at/,
    faults: 0,
  },
  "22 a small file in gzip, without its length": {
    fault: doing(all("resolve-cache"), (_, response, content) => sendGzip(response, content)),
    faults: 1, // so few bytes become more by it
    path: "config.json",
  },
  "22 a small file in gzip, changed": {
    fault: doing(all("resolve-cache"), (_, response, content) =>
      sendGzip(response, Buffer.from(content).fill(32, 3, 9)),
    ),
    error: /expected git hash .*, found git hash .*It came damaged twice/,
    faults: 2,
    path: "config.json",
  },
  "23 a branch that moves while its files are fetched": {
    fault: (hub) => (request) => {
      if (request.kind === "tree") hub.commit = "b".repeat(40);
      return false;
    },
    faults: 0,
  },
  "24 an empty file": { fault: doing(() => false, html), faults: 0, path: "empty.gguf" },
  "25 a network that wants people to sign in, for the list of files": {
    fault: doing(all("tree"), html),
    error:
      /expected its answer in JSON, found another page\. Check HF_ENDPOINT, and whether this network wants you to sign/,
    faults: 0,
  },
  "25 a network that wants people to sign in, for a file": {
    fault: doing(all("resolve"), html),
    error: /expected the file, found a web page\. .* whether this network wants you to sign in/,
    faults: 0,
  },
  "25 a path that leads out of the folder": {
    fault: doing(all("tree"), (_, response) =>
      response.end(JSON.stringify([{ type: "file", path: "../x.gguf", size: 3, oid: "0".repeat(40) }])),
    ),
    error: /expected a list of files, found the path "\.\.\/x\.gguf"/,
    faults: 0,
  },

  // Not in that list.
  "a hub that leads in circles": {
    fault: doing(
      all("resolve"),
      ({ url }, response) => void response.writeHead(302, { Location: `${url.pathname}?` }).end(),
    ),
    error: /over 20 redirects/,
    faults: 0,
  },
  "a redirect to something else than http": {
    fault: doing(all("resolve"), (_, response) => void response.writeHead(302, { Location: "ftp://x/y" }).end()),
    error: /expected a redirect to http: or https:, found ftp:/,
    faults: 0,
  },
  "a hub that lists one size and states another": {
    fault: (hub) =>
      doing(
        all("resolve"),
        (_, response) => void response.writeHead(302, { "X-Linked-Size": "7", Location: `${hub.storeOrigin}/x` }).end(),
      )(),
    error: /: size: expected 350000, found 7\. The hub lists one file and sends another/,
    faults: 0,
  },
  "a hub that lists one hash and states another": {
    fault: (hub) =>
      doing(
        all("resolve"),
        (_, response) =>
          void response
            .writeHead(302, { "X-Linked-ETag": `"${"0".repeat(64)}"`, Location: `${hub.storeOrigin}/x` })
            .end(),
      )(),
    error: /: hash: expected [0-9a-f]{64}, found 0{64}/,
    faults: 0,
  },
  "a store that leads on to another path of its own": {
    fault: doing(
      ({ kind, url }) => kind === "file" && !url.searchParams.has("again"),
      ({ path }, response) => void response.writeHead(307, { Location: `/${path}?again=1` }).end(),
    ),
    faults: 0,
  },
  "a body that is longer than it says": {
    fault: doing(nth("file", 1), (request, response, content) => {
      const [begin, end] = rangeOf(request);
      response.writeHead(206, { "Content-Range": `bytes ${begin}-${end - 1}/${content.length}` });
      response.end(content.subarray(begin, end + 500));
    }),
    faults: 2,
  },
  "a store that sends less than it is asked for": {
    fault: doing(all("file"), (request, response, content) => {
      const [begin, end] = rangeOf(request);
      sendRange(response, content, [begin, Math.min(end, begin + 70_000)]);
    }),
    faults: 0,
  },
  "a store that sends more than it is asked for": {
    fault: doing(nth("file", 0), ({ range = [0, 0] }, response, content) =>
      sendRange(response, content, [range[0], range[1] + 90_000]),
    ),
    faults: 1,
  },
  "an answer that does not say which range it is": {
    fault: doing(nth("file", 2), (request, response, content) => {
      const [begin, end] = rangeOf(request);
      response.writeHead(206).end(content.subarray(begin, end));
    }),
    faults: 1,
  },
  "a range in gzip": {
    fault: doing(nth("file", 0), (request, response, content) =>
      sendRange(response, content, rangeOf(request), { "Content-Encoding": "gzip" }),
    ),
    faults: 1,
  },
  "a whole answer of another length, once": {
    fault: doing(all("file"), ({ index }, response, content) =>
      sendWhole(response, index === 0 ? content.subarray(5) : content),
    ),
    faults: 4,
  },
  "a whole answer that breaks off, once": {
    fault: doing(all("file"), ({ index }, response, content) => {
      if (index > 0) return sendWhole(response, content);
      response.writeHead(200, { "Content-Length": content.length });
      response.write(content.subarray(0, 200_000), () => setTimeout(() => response.destroy(), 20));
    }),
    faults: 3,
    asked: { file: 2 },
  },
  "an answer that is cut from the hub's list": {
    fault: doing(nth("tree", 0), (_, response) => {
      response.writeHead(200, { "Content-Length": 5000 });
      response.write('[{"type"', () => response.destroy());
    }),
    faults: 1,
    asked: { tree: 2 },
  },
  "a list of files that goes on for ever": {
    fault: doing(all("tree"), ({ index, url }, response) => {
      const link = `<${url.pathname}?recursive=true&cursor=${index % 2}>; rel="next"`;
      response.writeHead(200, { Link: link }).end("[]");
    }),
    error: /expected at most 200 pages of files, found more, or one again and again/,
    faults: 0,
  },
  "a hub that sends the file itself": {
    fault: doing(all("resolve"), (request, response, content) => sendRange(response, content, rangeOf(request))),
    faults: 0,
    asked: { resolve: 4, file: 0 },
  },
  "addresses that hold for one request only": {
    fault: (hub) => {
      const used = new Set<string>();
      return (request, response) => {
        if (request.kind !== "file") return false;
        const { search } = request.url;
        if (!used.has(search)) {
          used.add(search);
          return false;
        }
        fails(response, 403, undefined, expired);
        return hub.asked.length > 0;
      };
    },
    faults: 4,
  },
};
