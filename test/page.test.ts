// What the entries for browsers say where there is no browser.
import { expect, it } from "vitest";
import { open } from "../src/index.browser.ts";
import { open as openInline } from "../src/index.inline.ts";
import { open as openWithoutModel } from "../src/index.no-model.ts";

it.each([open, openInline, openWithoutModel])("an entry for pages tells Node which one it wants", async (its) => {
  await expect(its("model.gguf")).rejects.toThrow(
    "open: expected a page or a worker of one, found Node, or one that is like it. " +
      "Import lfm2-wasm itself, which has an entry for each.",
  );
});
