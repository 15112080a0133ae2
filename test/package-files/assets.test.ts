import { expect, it } from "vitest";
import { assetNames, locateAssets } from "../../src/package-files/assets.ts";

const PAGE = "https://page.example/app/index.html";
const own = { "model-thread.js": "https://page.example/own/model-thread.js", "text-thread.js": "blob:own" };

it("files are where the package says, unless the caller says otherwise", () => {
  expect(locateAssets(own, undefined, PAGE)).toEqual(own);
  const stated = { "text-thread.js": "text.js?v=1", "relaxed.wasm": new URL("https://cdn.example/r.wasm") };
  expect(locateAssets(own, stated, PAGE)).toEqual({
    ...own,
    "text-thread.js": "https://page.example/app/text.js?v=1",
    "relaxed.wasm": "https://cdn.example/r.wasm",
  });
  expect(locateAssets(own, { "text-thread.js": undefined }, PAGE)).toEqual(own);
});

it.each(["lfm2", "lfm2/", "/app/lfm2", new URL("https://page.example/app/lfm2/")])(
  "a folder holds all, %s",
  (folder) => {
    const urls = assetNames.map((name) => [name, `https://page.example/app/lfm2/${name}`]);
    expect(locateAssets(own, folder, PAGE)).toEqual(Object.fromEntries(urls));
  },
);

it("an address that is none is refused by name", () => {
  expect(() => locateAssets(own, { "relaxed.wasm": "http://[" }, PAGE)).toThrow(
    "assets: relaxed.wasm: expected a URL, or a path beneath this page's, found http://[.",
  );
});
