// Models of a hub and of URLs in the page: fetched with progress, cancelled, kept, listed, deleted; and what goes wrong.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { type FakeHub, REPO, sendSome, serveHub } from "../../hub/fake-hub.ts";
import { onBuiltPage } from "./built-page.ts";

const FILE = "lfm2-nano-Q4_0.gguf";
const content = readFileSync(new URL(`../../../golden/nano/${FILE}`, import.meta.url));
const NAME = `hf:${REPO}:Q4_0`;

let hub: FakeHub;
beforeAll(async () => {
  hub = await serveHub({ [FILE]: content, "README.md": Buffer.from("# A model") });
});
afterAll(() => hub.close());
beforeEach(() => {
  hub.fault = () => false;
});

onBuiltPage((page) => {
  const keeps = !page.engine.startsWith("WebKit"); // a session of its driver has no place to keep files
  const place = (name: string, more = ""): string =>
    `#/chat?model=${encodeURIComponent(name)}&hub=${encodeURIComponent(hub.endpoint)}${more}`;

  it("opens a model by its name on a hub that the reader types", async () => {
    await page.visit("#/chat");
    const found = await page.run(
      async (hands, [name, endpoint]) => {
        await hands.click(".model-button");
        await hands.click(".hub summary");
        await hands.fill(".hub input", endpoint);
        await hands.fill("dialog form input", name);
        await hands.click("dialog form button", "Open");
        await hands.find(".model-title", "LFM2-nano-GGUF");
        await hands.find(".context", "tokens of context");
        await hands.click(".conversations button", "New conversation");
        await hands.fill(".composer textarea", "Which city is the capital of Poland?");
        await hands.click(".send", "Send");
        await hands.find(".figures");
        return { hash: location.hash, text: document.querySelector(".markdown")?.textContent ?? "" };
      },
      [NAME, hub.endpoint] as [string, string],
    );
    expect(found.text).toContain("Warsaw");
    expect(found.hash).toContain(`model=hf:${REPO}:Q4_0`);
    expect(hub.asked.some(({ kind }) => kind === "tree")).toBe(true);
  });

  it("lists what is kept with its size, opens it without the hub, and deletes it", async () => {
    await page.visit(place(NAME));
    const listed = await page.run(async (hands) => {
      await hands.find(".context", "tokens of context");
      await hands.click(".model-button");
      await hands.find(".cached li, .cached + *, section .hint");
      await new Promise((resolve) => setTimeout(resolve, 300));
      return [...document.querySelectorAll(".cached li")].map((one) => one.textContent);
    }, null);
    await page.axe();
    if (!keeps) return expect(listed).toEqual([]);
    expect(listed).toEqual([expect.stringMatching(/lfm2-nano-Q4_0\.gguf.*6\.\d+ MB/)]);
    hub.fault = (_, response) => {
      response.destroy();
      return true;
    };
    await page.visit(place(NAME));
    const left = await page.run(async (hands) => {
      await hands.find(".context", "tokens of context");
      await hands.click(".model-button");
      await hands.click(".cached button", "Delete");
      await hands.until(() => document.querySelector(".cached li") === null, "an empty list");
      return document.querySelectorAll(".cached li").length;
    }, null);
    expect(left).toBe(0);
  });

  it("tells how far a download is, stops it, and goes on", async () => {
    let stalls = true;
    hub.fault = ({ kind, range }, response, whole) => {
      if (kind !== "file" || range === undefined || range[1] - range[0] <= 2 ** 20) return false;
      if (!stalls) return false;
      sendSome(response, whole, range, 2 ** 19, () => {});
      return true;
    };
    await page.visit(place(NAME));
    // What is not kept is told of once it has come.
    const tells = keeps ? "MB" : "opening";
    const said = await page.run(async (hands, tells) => {
      const opening = (await hands.find(".opening", tells)).textContent ?? "";
      await hands.fill(".composer textarea", "Hello!");
      await hands.click(".send", "Send");
      await hands.click(".send", "Stop");
      await hands.until(() => document.querySelector(".send")?.textContent === "Send", "the stop");
      await hands.click(".opening button", "Cancel");
      const stopped = (await hands.find(".opening", "is not open")).textContent ?? "";
      return { opening, stopped, alerts: document.querySelectorAll("[role=alert]").length };
    }, tells);
    if (keeps) expect(said.opening).toMatch(/fetching, \d+ % of 6\.\d MB/);
    expect(said.alerts).toBe(0);
    stalls = false;
    await page.run(async (hands) => {
      await hands.click(".opening button", "Go on");
      await hands.find(".context", "tokens of context");
      return null;
    }, null);
  });

  it("says what is wrong with a name, an address and a file that is not here, and how to go on", async () => {
    const problemOf = async (hash: string): Promise<string> => {
      await page.visit(hash);
      return page.run(async (hands) => (await hands.find("[role=alert] p")).textContent ?? "", null);
    };
    expect(await problemOf(place("hf:nobody/nothing:Q4_0"))).toMatch(
      /hf:nobody\/nothing.*(not found|no such|expected)/i,
    );
    await page.axe();
    expect(await problemOf(place(`hf:${REPO}:Q9_9`))).toContain("Q4_0");
    expect(await problemOf(place(`${hub.endpoint}/none.gguf`))).toContain("none.gguf");
    expect(await problemOf(place("file:mine.gguf"))).toContain("mine.gguf: a file of this machine");
    const back = await page.run(async (hands) => {
      await hands.click("[role=alert] button", "Choose another");
      await hands.click(".choice", "lfm2-nano");
      await hands.find(".context", "tokens of context");
      return location.hash;
    }, null);
    expect(back).not.toContain("model=");
  });
});
