// In a page, fetch does not show where a redirect leads: it has to follow by itself.
import { afterEach, expect, it, vi } from "vitest";
import { openUrl } from "../../src/sources/url.ts";
import { says, sends, serveScript } from "./scripted-server.ts";

afterEach(() => vi.unstubAllGlobals());

it("lets fetch follow redirects once it has seen that they are hidden", async () => {
  const content = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
  const server = await serveScript((asked, response) =>
    (asked.path === "/m.gguf" ? says(302, { Location: "/there" }) : sends(content))(asked, response),
  );
  const { fetch } = globalThis;
  vi.stubGlobal("fetch", async (url: URL, init: RequestInit) => {
    const response = await fetch(url, init);
    // What the fetch standard calls an opaque-redirect filtered response.
    const hidden = { type: "opaqueredirect", status: 0, headers: new Headers(), body: null };
    return init.redirect === "manual" && response.status === 302 ? hidden : response;
  });
  const source = await openUrl(`${server.url}/m.gguf`);
  expect(await source.read(10, 20)).toEqual(content.slice(10, 30));
  expect(server.asked.map(({ path }) => path)).toEqual(["/m.gguf", ...Array(2).fill(["/m.gguf", "/there"]).flat()]);
  await server.close();
});
