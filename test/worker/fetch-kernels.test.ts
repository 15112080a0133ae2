// What a page says whose server lacks something: errors of the library, in Node as in browsers.
import { afterEach, expect, it, vi } from "vitest";
import { open } from "../../src/index.browser.ts";
import { Lfm2Error } from "../../src/lfm2-error.ts";
import { fetchKernels } from "../../src/worker/fetch-kernels.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

const url = new URL("http://page/dist/wasm/relaxed.wasm");

it("kernels that are not served are a library's error, with the remedy", async () => {
  vi.stubGlobal("fetch", async () => new Response("", { status: 404 }));
  const error = await fetchKernels(url).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Lfm2Error);
  expect((error as Error).message).toBe(
    "/dist/wasm/relaxed.wasm: expected the compiled kernels, found HTTP status 404. " +
      "Serve the package's dist/wasm folder beside its scripts.",
  );
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  await expect(fetchKernels(url)).rejects.toThrow("expected the compiled kernels, found Failed to fetch.");
});

it("an address that is none is a library's error", async () => {
  vi.stubGlobal("location", { href: "http://page/index.html" });
  const error = await open("http://[").catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Lfm2Error);
  expect((error as Error).message).toBe(
    "http://[: expected a URL, or a path beneath this page's, found neither. Mend it.",
  );
});
