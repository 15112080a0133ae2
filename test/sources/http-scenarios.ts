// What servers do to a file while a model is opened from it: changing, stalling, failing, lying. Each kind of
// scenario is varied by a seed, and says whether the model opens and how often the server is asked.
import { gzipSync } from "node:zlib";
import { type Answer, type Asked, at, begins, type Headers, rangeHeaders, says, sends } from "./scripted-server.ts";

/** A GGUF file whose header is read by requests 0 to 2 (a byte, the magic, a window) and its weights by request 3. */
export interface ServedFile {
  readonly bytes: Uint8Array;
  /** Another version: as long, other in its header and its weights. */
  readonly other: Uint8Array;
  /** Of all its tensors. */
  readonly weightBytes: number;
}

export interface Scenario {
  readonly answer: Answer;
  /** Of an error, its name and what its message says; undefined where the right model opens. */
  readonly error?: { readonly name: "SourceError" | "FormatError"; readonly message: RegExp };
  /** How many requests the first server gets. */
  readonly requests: number;
  /** A second server, of another origin: what it answers. */
  readonly elsewhere?: Answer;
  /** What is wrong with what either server was asked. */
  readonly wrong?: (asked: readonly Asked[], elsewhere: readonly Asked[]) => string | undefined;
}

/** What a kind of scenario is made from. */
export interface Given {
  readonly file: ServedFile;
  /** An integer in [0, below). */
  readonly random: (below: number) => number;
  readonly elsewhereUrl: string;
}

/** Of the requests that open a model, and of every try at one of them. */
const OPENING = 4;
const TRIES = 4;
const WEIGHTS = 3;
const NO_VERSION = { ETag: undefined };
/** Every scenario sends it; no other origin may see it. */
export const SECRET = { "X-Key": "secret", Authorization: "Bearer secret" };

const source = (message: RegExp) => ({ name: "SourceError", message }) as const;
const format = (message: RegExp) => ({ name: "FormatError", message }) as const;
const CHANGED = source(/expected the file that was opened \(.+\), found another \(.+\)\. It has changed on the server/);
const REREAD = source(/expected the bytes that were read before \(.+\), found others\. It has changed on the server/);
const BAD_RANGE = source(/expected Content-Range bytes .+ of a known size, found /);

const first = (index: number) => (i: number) => i === index;
const from = (index: number) => (i: number) => i >= index;
const between = (begin: number, end: number) => (i: number) => i >= begin && i < end;
const destroys: Answer = (_, response) => void response.destroy();
const silent: Answer = () => {};
const pick = <T>(items: readonly T[], random: Given["random"]): T => items[random(items.length)];

/** A failure that passes, `times` times from a random request on. */
function passes(given: Given, failure: Answer, times: number): Scenario {
  const begin = given.random(OPENING);
  const answer = at(between(begin, begin + times), failure, sends(given.file.bytes));
  return { answer, requests: OPENING + times };
}

/** A failure that stays, from a random request on. */
function stays(given: Given, failure: Answer, message: RegExp, tries: number): Scenario {
  const begin = given.random(OPENING);
  const answer = at(from(begin), failure, sends(given.file.bytes));
  return { answer, requests: begin + tries, error: source(message) };
}

/** From request `begin` on, the file is another. */
function changes({ file }: Given, begin: number, one: Headers, other = one): Answer {
  return at(from(begin), sends(file.other, other), sends(file.bytes, one));
}

/**
 * The weights cut after `bytes` once; what is asked for next has to begin there, or before: fetch drops what a busy
 * thread has not taken before the end.
 */
function cut(given: Given, bytes: number, then: Answer, ending: (response: { destroy(): void }) => void): Scenario {
  const { file } = given;
  const answer = at(first(WEIGHTS), begins(file.bytes, bytes, ending), then);
  return {
    answer,
    requests: OPENING + 1,
    wrong(asked) {
      const begun = asked[WEIGHTS].begin;
      const next = asked[WEIGHTS + 1]?.begin ?? 0;
      return next >= begun && next <= begun + bytes ? undefined : `went on from ${next}, not ${begun + bytes}`;
    },
  };
}

/** Kinds that end, or go on, after a server was silent for too long; in all others a short limit would only disturb. */
export const stalling: readonly string[] = [
  "silence, once",
  "a body that stalls, once",
  "silence that stays",
  "bodies that drip",
  "a body that never ends",
];

export const kinds: Readonly<Record<string, (given: Given) => Scenario>> = {
  "nothing is wrong": ({ file }) => ({ answer: sends(file.bytes), requests: OPENING }),

  // Failing.
  "a status that passes": (given) => {
    const status = pick([408, 429, 500, 502, 503, 504, 520, 599], given.random);
    return passes(given, says(status, {}, "sorry"), 1 + given.random(TRIES - 1));
  },
  "a status that stays": (given) => {
    const status = pick([408, 429, 500, 502, 503, 504], given.random);
    return stays(given, says(status), new RegExp(`found HTTP ${status} in each of 4 tries`), TRIES);
  },
  "statuses that change": (given) => {
    let next = given.random(3);
    return passes(given, (asked, response) => says([503, 429, 408][next++ % 3])(asked, response), 3);
  },
  "a refusal": (given) => {
    const status = pick([400, 401, 403, 405, 410, 412, 416, 418, 451], given.random);
    return stays(given, says(status, {}, "no"), new RegExp(`found HTTP ${status}\\.`), 1);
  },
  "a status that is no answer": (given) => {
    const status = pick([201, 203, 204, 300, 304, 305], given.random);
    return stays(given, says(status), new RegExp(`found HTTP ${status}\\.`), 1);
  },
  "a missing file": () => ({
    answer: says(404, {}, "Entry not found"),
    requests: 1,
    error: format(/expected a file named "model\.gguf", found no such file/),
  }),
  "a file that goes": ({ file, random }) => {
    const begin = 1 + random(WEIGHTS);
    const answer = at(from(begin), says(404), sends(file.bytes));
    return { answer, requests: begin + 1, error: source(/found HTTP 404/) };
  },
  "a wait of a second": (given) => {
    const until = () => new Date(Date.now() + 1999).toUTCString();
    const after = given.random(2) === 0 ? () => "1" : until;
    const status = pick([429, 503], given.random);
    return passes(given, (asked, response) => says(status, { "Retry-After": after() })(asked, response), 1);
  },
  "a wait that is nonsense": (given) => {
    const after = pick(["-1", "soon", "", "1e9", "Thu, 01 Jan 1970 00:00:00 GMT", "NaN"], given.random);
    return passes(given, says(503, { "Retry-After": after }), 2);
  },
  "a wait that is too long": (given) => {
    const date = new Date(Date.now() + 3_600_000).toUTCString();
    const header = pick(
      [{ "Retry-After": "61" }, { "Retry-After": date }, { RateLimit: '"r";r=0;t=300' }],
      given.random,
    );
    return stays(given, says(429, header), /found HTTP 429, asking to be tried again in \d+ s/, 1);
  },
  "a connection that is closed": (given) => passes(given, destroys, 1 + given.random(TRIES - 1)),
  "connections that are all closed": (given) =>
    stays(given, destroys, /expected an answer, found \w+ in each of 4 tries/, TRIES),
  "an answer that is not HTTP": (given) => {
    const nonsense: Answer = (_, response) => {
      response.socket?.end(pick(["hello\r\n\r\n", "HTTP/9.9 900 what\r\n\r\n", "\0\0\0\0"], given.random));
    };
    return given.random(2) === 0
      ? passes(given, nonsense, 1)
      : stays(given, nonsense, /expected an answer, found .+ in each of 4 tries/, TRIES);
  },
  "a body that is cut": (given) =>
    cut(given, 1 + given.random(150_000), sends(given.file.bytes), (response) => response.destroy()),
  "a body that is cut, and then an error": (given) => {
    const { answer, wrong } = cut(given, 70_000, sends(given.file.bytes), (response) => response.destroy());
    const failing = at(between(WEIGHTS + 1, WEIGHTS + 3), says(503), answer);
    return { answer: failing, requests: OPENING + 3, wrong };
  },
  "a body that ends early": ({ file, random }) => {
    const which = random(OPENING - 1) + 1;
    const ends = begins(file.bytes, random(4), (response) => response.end(), { "Content-Length": undefined });
    return { answer: at(first(which), ends, sends(file.bytes)), requests: OPENING + 1 };
  },
  "bodies that are cut, each after progress": ({ file }) => {
    const cuts = begins(file.bytes, 100_000, (response) => response.destroy());
    return { answer: at(between(WEIGHTS, WEIGHTS + 6), cuts, sends(file.bytes)), requests: OPENING + 6 };
  },
  "bodies that are cut, without progress": ({ file, random }) => {
    const cuts = begins(file.bytes, random(1000), (response) => response.destroy());
    return {
      answer: at(from(WEIGHTS), cuts, sends(file.bytes)),
      requests: WEIGHTS + TRIES,
      error: source(/in each of 4 tries/),
    };
  },
  "empty bodies": (given) => {
    const empty = begins(given.file.bytes, 0, (response) => response.end(), { "Content-Length": undefined });
    const begin = 1 + given.random(WEIGHTS);
    const answer = at(from(begin), empty, sends(given.file.bytes));
    return { answer, requests: begin + TRIES, error: source(/expected \d+ bytes of content, found 0 in each of 4/) };
  },

  // Stalling.
  "silence, once": (given) => passes(given, silent, 1),
  "a body that stalls, once": (given) => cut(given, 1 + given.random(100_000), sends(given.file.bytes), () => {}),
  "silence that stays": (given) =>
    stays(
      given,
      silent,
      /expected an answer, and 64 KiB of it or the rest in each .+ s, found none in each of 4/,
      TRIES,
    ),
  "bodies that drip": ({ file }) => {
    const drip: Answer = (asked, response) => {
      response.writeHead(206, rangeHeaders(file.bytes, asked.begin, Math.min(asked.end, file.bytes.length)) as never);
      let at = asked.begin;
      const timer = setInterval(() => response.write(file.bytes.subarray(at, ++at)), 10);
      response.on("close", () => clearInterval(timer));
    };
    return {
      answer: at(from(WEIGHTS), drip, sends(file.bytes)),
      requests: WEIGHTS + TRIES,
      error: source(/64 KiB of it or the rest in each .+ s, found \d+ bytes in each of 4 tries/),
    };
  },
  "a body that is slow": ({ file }) => {
    const slow: Answer = (asked, response) => {
      const end = Math.min(asked.end, file.bytes.length);
      response.writeHead(206, rangeHeaders(file.bytes, asked.begin, end) as never);
      let at = asked.begin;
      const timer = setInterval(() => {
        response.write(file.bytes.subarray(at, Math.min(end, at + 40_000)));
        at += 40_000;
        if (at < end) return;
        clearInterval(timer);
        response.end();
      }, 20);
      response.on("close", () => clearInterval(timer));
    };
    return { answer: at(first(WEIGHTS), slow, sends(file.bytes)), requests: OPENING };
  },
  "a body that never ends": ({ file }) => {
    const all = begins(file.bytes, Number.MAX_SAFE_INTEGER, () => {}, { "Content-Length": undefined });
    // All bytes are there, so that it is not asked for them again.
    return { answer: at(first(WEIGHTS), all, sends(file.bytes)), requests: OPENING };
  },

  // Changing.
  "another ETag": (given) => {
    const begin = 1 + given.random(WEIGHTS);
    const answer = changes(given, begin, {}, { ETag: '"second"' });
    return { answer, requests: begin + 1, error: CHANGED };
  },
  "another ETag after a cut": (given) => {
    const renewed = sends(given.file.other, { ETag: '"second"' });
    const { answer } = cut(given, 70_000, renewed, (response) => response.destroy());
    const whole = at(between(0, WEIGHTS), sends(given.file.bytes), answer);
    return { answer: whole, requests: OPENING + 1, error: CHANGED };
  },
  "another weak ETag": (given) => {
    const [one, other] = ["first", "second"].map((tag) => ({ ETag: `W/"${tag}"` }));
    return { answer: changes(given, WEIGHTS, one, other), requests: WEIGHTS + 1, error: CHANGED };
  },
  "another date": (given) => {
    const [one, other] = ["01", "02"].map((day) => dated(`Thu, ${day} Jan 2026 00:00:00 GMT`));
    return { answer: changes(given, WEIGHTS, one, other), requests: WEIGHTS + 1, error: CHANGED };
  },
  "an ETag that goes": (given) => {
    return { answer: changes(given, WEIGHTS, {}, NO_VERSION), requests: WEIGHTS + 1, error: CHANGED };
  },
  "another size": (given) => {
    const { bytes } = given.file;
    const longer = new Uint8Array(bytes.length + 32);
    longer.set(bytes);
    const headers = pick([{}, NO_VERSION], given.random);
    const answer = at(from(WEIGHTS), sends(longer, headers), sends(bytes, headers));
    return { answer, requests: WEIGHTS + 1, error: CHANGED };
  },
  "another header, of a file without a version": (given) => ({
    answer: changes(given, WEIGHTS, NO_VERSION),
    requests: WEIGHTS + 1,
    error: REREAD,
  }),
  "another header after the weights, of a file without a version": (given) => ({
    answer: changes(given, WEIGHTS + 2, NO_VERSION),
    requests: OPENING + 2,
    error: REREAD,
  }),
  "a file without a version": ({ file }) => ({ answer: sends(file.bytes, NO_VERSION), requests: OPENING + 2 }),
  "a weak ETag": ({ file }) => ({ answer: sends(file.bytes, { ETag: 'W/"first"' }), requests: OPENING + 2 }),
  "a date alone": ({ file }) => ({
    answer: sends(file.bytes, dated("Thu, 01 Jan 2026 00:00:00 GMT")),
    requests: OPENING,
  }),
  "an ETag that is weak at times": ({ file, random }) => {
    const date = { "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT" };
    const weak = sends(file.bytes, { ETag: 'W/"first"', ...date });
    return { answer: at(first(random(OPENING)), weak, sends(file.bytes, date)), requests: OPENING };
  },
  "one ETag, and dates of many servers": ({ file }) => ({
    answer: (asked, response) =>
      sends(file.bytes, { "Last-Modified": new Date(asked.index * 1e10).toUTCString() })(asked, response),
    requests: OPENING,
  }),

  // Lying, and what looks like it.
  "the whole file, without ranges": ({ file }) => ({
    answer: says(200, { "Content-Length": file.bytes.length }, file.bytes),
    requests: 1,
  }),
  "the whole file, cut once": ({ file, random }) => {
    const cuts: Answer = (_, response) => {
      response.writeHead(200, { "Content-Length": file.bytes.length });
      response.write(file.bytes.subarray(0, random(file.bytes.length)), () => setTimeout(() => response.destroy(), 5));
    };
    return { answer: at(first(0), cuts, says(200, { "Content-Length": file.bytes.length }, file.bytes)), requests: 2 };
  },
  "the whole file, of unknown size": ({ file }) => ({
    answer: says(200, { "Transfer-Encoding": "chunked" }, file.bytes),
    requests: 1,
    error: source(/found a whole file of unknown size/),
  }),
  "the whole file, in gzip": ({ file }) => {
    const body = gzipSync(file.bytes);
    return {
      answer: says(200, { "Content-Length": body.length, "Content-Encoding": "gzip" }, body),
      requests: 1,
      error: source(/found a whole file in "gzip"/),
    };
  },
  "a whole file that is too large": () => ({
    answer: (_, response) => {
      response.writeHead(200, { "Content-Length": 2 ** 31 });
      response.write("GGUF");
    },
    requests: 1,
    error: source(/found a whole file of 2147483648 bytes/),
  }),
  "the whole file in place of the weights": ({ file }) => ({
    answer: at(from(WEIGHTS), says(200, { ETag: '"first"' }, file.bytes), sends(file.bytes)),
    requests: WEIGHTS + 1,
    error: source(/expected HTTP 206, found HTTP 200/),
  }),
  "a page to log in": () => ({
    answer: says(200, { "Content-Type": "text/html", "Content-Length": 20 }, "<html>log in!</html>"),
    requests: 1,
    error: format(/expected a GGUF or safetensors file, found neither/),
  }),
  "a range in gzip": (given) => {
    const gzipped: Answer = (asked, response) => {
      const end = Math.min(asked.end, given.file.bytes.length);
      const body = gzipSync(given.file.bytes.subarray(asked.begin, end));
      const headers = rangeHeaders(given.file.bytes, asked.begin, end);
      says(206, { ...headers, "Content-Length": body.length, "Content-Encoding": "gzip" }, body)(asked, response);
    };
    return stays(given, gzipped, /expected bytes as they are in the file, found them in "gzip"/, 1);
  },
  "a range of nobody's asking": (given) => {
    const { length } = given.file.bytes;
    const range = pick(
      [
        `bytes 9-9/${length}`,
        "bytes 0-0/*",
        "bytes */5",
        "items 0-0/9",
        `bytes 5-2/${length}`,
        "bytes 0-9/5",
        undefined,
      ],
      given.random,
    );
    const begin = given.random(3);
    const answer = at(from(begin), sends(given.file.bytes, { "Content-Range": range }), sends(given.file.bytes));
    return { answer, requests: begin + 1, error: BAD_RANGE };
  },
  "parts of ranges": (given) => {
    const body = "--b\r\nContent-Range: bytes 0-0/5\r\n\r\nG\r\n--b--";
    const type = { "Content-Type": "multipart/byteranges; boundary=b" };
    return stays(given, says(206, type, body), /found no such header/, 1);
  },
  "the whole file as the first byte": ({ file }) => ({
    // As sirv does: it takes a last byte of 0 for none.
    answer: (asked, response) =>
      sends(file.bytes)(asked.end === 1 ? { ...asked, end: file.bytes.length } : asked, response),
    requests: OPENING,
  }),
  "more of the file than asked for": ({ file }) => ({
    answer: (asked, response) => sends(file.bytes)({ ...asked, end: file.bytes.length }, response),
    requests: OPENING,
  }),
  "less of the file than asked for": ({ file, random }) => {
    const cap = 70_000 + random(50_000);
    const window = Math.ceil(Math.min(1 << 20, file.bytes.length) / cap);
    const weights = Math.ceil(file.weightBytes / cap);
    return {
      answer: (asked, response) =>
        sends(file.bytes)({ ...asked, end: Math.min(asked.end, asked.begin + cap) }, response),
      requests: 2 + window + weights,
    };
  },
  "hardly anything of what was asked for": ({ file, random }) => {
    const cap = 1 + random(1000);
    return {
      answer: at(
        from(WEIGHTS),
        (asked, response) => sends(file.bytes)({ ...asked, end: asked.begin + cap }, response),
        sends(file.bytes),
      ),
      requests: WEIGHTS + TRIES,
      error: source(/bytes of content, found \d+ in each of 4 tries/),
    };
  },
  "more bytes than stated": ({ file }) => {
    const more: Answer = (asked, response) => {
      const end = Math.min(asked.end, file.bytes.length);
      const { "Content-Length": _, ...headers } = rangeHeaders(file.bytes, asked.begin, end);
      response.writeHead(206, headers as never);
      // For ever.
      const timer = setInterval(() => response.write(file.bytes.subarray(asked.begin, end)), 1);
      response.on("close", () => clearInterval(timer));
    };
    return {
      answer: at(from(WEIGHTS), more, sends(file.bytes)),
      requests: WEIGHTS + 1,
      error: source(/expected \d+ bytes of content, found more/),
    };
  },
  "a file said to be longer than it is": ({ file }) => {
    const longer = new Uint8Array(file.bytes.length * 2);
    longer.set(file.bytes);
    return { answer: sends(longer), requests: OPENING };
  },
  "a file said to be shorter than it is": ({ file }) => ({
    answer: sends(file.bytes.subarray(0, file.bytes.length - 1000)),
    requests: OPENING - 1,
    error: format(/left in the file/),
  }),
  "an empty file": () => ({
    answer: says(416, { "Content-Range": "bytes */0" }),
    requests: 1,
    error: format(/expected a GGUF or safetensors file, found neither/),
  }),

  // Leading elsewhere.
  "redirects of its own": ({ file, random }) => {
    const status = pick([301, 302, 303, 307, 308], random);
    const location = pick(["/there/model.gguf?a=1", "//HOST/there/model.gguf", "there/model.gguf"], random);
    return {
      answer: (asked, response) => {
        if (asked.path.startsWith("/there/")) sends(file.bytes)(asked, response);
        else says(status, { Location: location.replace("HOST", asked.headers.host ?? "") })(asked, response);
      },
      requests: 2 * OPENING,
      wrong: (asked) => (asked.every(hasSecret) ? undefined : "headers were left out on the same server"),
    };
  },
  "redirects to another server": ({ file, random, elsewhereUrl }) => ({
    answer: says(pick([301, 302, 303, 307, 308], random), { Location: `${elsewhereUrl}/signed?key=1` }),
    elsewhere: sends(file.bytes),
    requests: OPENING,
    wrong(asked, elsewhere) {
      if (elsewhere.length !== OPENING) return `${elsewhere.length} requests elsewhere`;
      if (elsewhere.some(hasSecret)) return "another server was sent the headers";
      return asked.every(hasSecret) ? undefined : "headers were left out";
    },
  }),
  "redirects there and back": ({ file, elsewhereUrl }) => ({
    answer: (asked, response) => {
      if (asked.path === "/back") sends(file.bytes)(asked, response);
      else says(302, { Location: `${elsewhereUrl}/?http://${asked.headers.host}/back` })(asked, response);
    },
    elsewhere: (asked, response) => says(302, { Location: asked.query })(asked, response),
    requests: 2 * OPENING,
    wrong(asked, elsewhere) {
      const isRight = [...asked, ...elsewhere].every((one) => hasSecret(one) === (one.path === "/model.gguf"));
      return isRight ? undefined : "headers came back from elsewhere, or were left out";
    },
  }),
  "redirects in a circle": (given) => {
    const begin = given.random(OPENING);
    const answer = at(from(begin), says(302, { Location: "/model.gguf" }), sends(given.file.bytes));
    return { answer, requests: begin + 21, error: source(/found over 20 redirects/) };
  },
  "redirects to what is no server": (given) => {
    const location = pick(
      ["file:///etc/passwd", "data:text/plain,GGUF", "ftp://127.0.0.1/", "http://:/"],
      given.random,
    );
    return stays(given, says(302, { Location: location }), /expected a redirect to http: or https:, found /, 1);
  },
  "redirects to nowhere": (given) => stays(given, says(302), /found HTTP 302/, 1),
};

function dated(date: string): Record<string, string | undefined> {
  return { ETag: undefined, "Last-Modified": date };
}

function hasSecret({ headers }: Asked): boolean {
  return headers["x-key"] === SECRET["X-Key"] && headers.authorization === SECRET.Authorization;
}
