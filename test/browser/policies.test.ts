// Pages and servers that forbid something, or lack it: the model opens all the same, or the error says what is to be done.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Driver } from "./engine.ts";
import { chromium, firefox } from "./puppeteer-engines.ts";
import { answer } from "./site.ts";
import { webkit } from "./webkit-engine.ts";

const PAGE = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/start.js"></script>';
const START = 'globalThis.lfm2 = import("/dist/index.browser.js");';
const IDS = "14 48 1654 382 959 29 625 382";
const SCRIPT = "/dist/assets/model-thread.js";
const ISOLATING = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

interface Case {
  readonly headers?: Readonly<Record<string, string>>;
  /** Paths whose answers come without these headers. */
  readonly bare?: readonly string[];
  /** Answers in place of the package's files, by path. */
  readonly files?: Readonly<Record<string, { readonly status: number; readonly type: string; readonly text: string }>>;
  /** Run in the page before anything is imported. */
  readonly before?: string;
  /** The argument of `open`. */
  readonly source?: string;
}

const csp = (policy: string) => ({ headers: { "Content-Security-Policy": policy } });
const js = (text: string) => ({ status: 200, type: "text/javascript", text });
const SELF = "default-src 'self'; img-src data:";

const cases: readonly (readonly [string, Case, string | RegExp])[] = [
  ["a strict policy that allows WebAssembly", csp(`${SELF}; script-src 'self' 'wasm-unsafe-eval'`), IDS],
  [
    "a policy without WebAssembly",
    csp(SELF),
    "expected a page that may compile WebAssembly, found one whose Content-Security-Policy forbids it. " +
      "Add 'wasm-unsafe-eval' to its script-src.",
  ],
  [
    "a policy without workers",
    csp("worker-src 'none'"),
    /files-thread\.js: expected a page that may start a thread from it, found .*(worker-src|secur).*worker-src/i,
  ],
  ["trusted types with this package's", csp("require-trusted-types-for 'script'; trusted-types lfm2-wasm"), IDS],
  ["trusted types of any name", csp("require-trusted-types-for 'script'"), IDS],
  [
    "trusted types of others",
    csp("require-trusted-types-for 'script'; trusted-types other"),
    "Under require-trusted-types-for, add lfm2-wasm to trusted-types.",
  ],
  ["an isolated page and scripts as isolated", { headers: ISOLATING }, IDS],
  [
    "an isolated page and scripts that are not",
    { headers: ISOLATING, bare: [SCRIPT] },
    "model-thread.js: expected it to be sent with Cross-Origin-Embedder-Policy, as the page was, found no such header.",
  ],
  [
    "a script that is not there",
    { files: { [SCRIPT]: { status: 404, type: "text/plain", text: "not found" } } },
    "model-thread.js: expected a script of this package, found HTTP 404. If a bundler has not copied it, copy the " +
      "package's dist/assets and name their folder in the option assets, or import from lfm2-wasm/inline",
  ],
  [
    "a page in place of a script",
    { files: { [SCRIPT]: { status: 200, type: "text/html", text: PAGE } } },
    "model-thread.js: expected a script of this package, sent as text/javascript, found text/html.",
  ],
  [
    "no embedded model",
    { files: { "/golden/nano/lfm2-nano-Q4_0.gguf": { status: 404, type: "text/plain", text: "not found" } } },
    "lfm2-nano-Q4_0.gguf: expected the embedded model, found no such file. If a bundler has not copied it, copy the package's",
  ],
  [
    "a page in place of the embedded model",
    { files: { "/golden/nano/lfm2-nano-Q4_0.gguf": { status: 200, type: "text/html", text: PAGE } } },
    /lfm2-nano-Q4_0\.gguf: expected the embedded model, found .* If a bundler has not copied it/,
  ],
  [
    "no WebAssembly",
    { before: "delete globalThis.WebAssembly" },
    "open: expected a browser with WebAssembly SIMD, found no WebAssembly.",
  ],
  [
    "no SIMD",
    { before: "WebAssembly.validate = () => false" },
    "open: expected a browser with WebAssembly SIMD, found WebAssembly without it.",
  ],
  [
    "null",
    { source: "null" },
    "SourceError: model: expected a path, a URL, a Blob, bytes or a list of Files, found null.",
  ],
  [
    "a number",
    { source: "7" },
    "SourceError: model: expected a path, a URL, a Blob, bytes or a list of Files, found 7.",
  ],
  ["a blob: URL", { source: "BLOB" }, IDS],
  [
    "a blob: URL that is revoked",
    { source: "(URL.revokeObjectURL(BLOB), BLOB)" },
    /blob:.*: expected a Blob behind it, found .*\. Open it before it is revoked/,
  ],
];

/** The ids, or the error. */
const opening = (source: string) => `(async () => {
  const { open, embeddedModel } = await globalThis.lfm2;
  const BLOB = ${source.includes("BLOB")} && URL.createObjectURL(await (await fetch(embeddedModel)).blob());
  const model = await open(${source});
  const ids = [];
  const prompt = await model.encodeChat([{ role: "user", content: "Hello!" }]);
  for await (const id of model.generate(prompt, { temperature: 0, maxTokens: 8 })) ids.push(id);
  await model.close();
  return ids.join(" ");
})().catch((error) => error.name + ": " + error.message)`;

/** What `open` says in another kind of worker. */
const IN_WORKER = `import { open } from "/dist/index.browser.js";
  const said = () => open().then((model) => (model.close(), "opened"), (error) => error.name + ": " + error.message);
  addEventListener("message", ({ data, source }) => said().then((text) => source.postMessage(text)));
  addEventListener("connect", ({ ports: [port] }) => said().then((text) => port.postMessage(text)));`;

for (const { name, launch } of [chromium, firefox, webkit]) {
  describe(name, () => {
    let current: Case = {};
    let server: Server;
    let url: string;
    let driver: Driver;
    beforeAll(async () => {
      server = createServer((request, response) => {
        const path = request.url ?? "/";
        if (!current.bare?.includes(path))
          for (const [header, value] of Object.entries(current.headers ?? {})) response.setHeader(header, value);
        const own = {
          "/": { status: 200, type: "text/html", text: PAGE },
          "/start.js": js(`${current.before ?? ""};${START}`),
          "/in-worker.js": js(IN_WORKER),
          ...current.files,
        }[path];
        if (own === undefined) {
          answer(request, response).catch((error) => response.destroy(error));
          return;
        }
        response.writeHead(own.status, { "Content-Type": own.type, "Cache-Control": "no-store" }).end(own.text);
      });
      await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
      url = `http://localhost:${(server.address() as AddressInfo).port}/`;
      driver = await launch(false);
    });
    afterAll(async () => {
      await driver?.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });

    it.each(cases)("%s", async (_, its, expected) => {
      current = its;
      await driver.visit(url);
      const found = await driver.evaluate(opening(its.source ?? "undefined"));
      if (typeof expected === "string") expect(found).toContain(expected);
      else expect(found).toMatch(expected);
    });

    it("a service worker, which can start no threads", async () => {
      current = {};
      await driver.visit(url);
      const found = await driver.evaluate(`(async () => {
        const registered = await navigator.serviceWorker.register("/in-worker.js", { type: "module" });
        await navigator.serviceWorker.ready;
        const said = new Promise((resolve) => navigator.serviceWorker.addEventListener("message", ({ data }) => resolve(data)));
        navigator.serviceWorker.startMessages();
        registered.active.postMessage("open");
        return said;
      })().catch((error) => "page: " + error.message)`);
      expect(found).toBe(
        "SourceError: open: expected a page or a dedicated worker, which can start threads, found " +
          "ServiceWorkerGlobalScope. Open the model there, and send it messages.",
      );
    });

    it("a shared worker, where it can start threads or not", async () => {
      current = {};
      await driver.visit(url);
      const found = await driver.evaluate(`new Promise((resolve) => {
        const worker = new SharedWorker("/in-worker.js", { type: "module" });
        worker.onerror = ({ message }) => resolve("page: " + message);
        worker.port.onmessage = ({ data }) => resolve(data);
      })`);
      expect(found).toMatch(/^opened$|dedicated worker, which can start threads, found SharedWorkerGlobalScope/);
    });
  });
}
