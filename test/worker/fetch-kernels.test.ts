// What a page says whose server lacks something: errors of the library, in Node as in browsers.
import { readFile } from "node:fs/promises";
import { afterEach, expect, it, vi } from "vitest";
import { open } from "../../src/index.browser.ts";
import { Lfm2Error } from "../../src/lfm2-error.ts";
import { kernelUrl } from "../../src/wasm/kernel-url.ts";
import { fetchKernels } from "../../src/worker/fetch-kernels.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

const urls = { "relaxed.wasm": "http://page/dist/assets/relaxed.wasm" };

it("kernels that are not served are a library's error, with the remedy", async () => {
  vi.stubGlobal("fetch", async () => new Response("", { status: 404 }));
  const error = await fetchKernels(urls, "relaxed.wasm").catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Lfm2Error);
  expect((error as Error).message).toBe(
    "http://page/dist/assets/relaxed.wasm: expected the compiled kernels, found HTTP 404. Serve the package's " +
      "dist/assets as it is. If a bundler has not copied it, copy it and name its folder in the option assets, or " +
      "import from lfm2-wasm/inline (docs/bundlers.md).",
  );
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  await expect(fetchKernels(urls, "relaxed.wasm")).rejects.toThrow(
    "expected the compiled kernels, found Failed to fetch.",
  );
});

it("kernels that are none are, too", async () => {
  vi.stubGlobal("fetch", async () => new Response("<!doctype html>"));
  await expect(fetchKernels(urls, "relaxed.wasm")).rejects.toThrow(
    "http://page/dist/assets/relaxed.wasm: expected the compiled kernels, found WebAssembly.compile(): expected magic",
  );
});

it("kernels in a data: URL are not fetched", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  const bytes = await readFile(kernelUrl({ name: "baseline", threads: false }));
  const url = `data:application/wasm;base64,${bytes.toString("base64")}`;
  expect(await fetchKernels({ "baseline.wasm": url }, "baseline.wasm")).toBeInstanceOf(WebAssembly.Module);
});

it("an address that is none is a library's error", async () => {
  vi.stubGlobal("location", { href: "http://page/index.html" });
  vi.stubGlobal("Worker", class {});
  const error = await open("http://[").catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Lfm2Error);
  expect((error as Error).message).toBe(
    "http://[: expected a URL, or a path beneath this page's, found neither. Mend it.",
  );
});
