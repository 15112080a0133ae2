import { afterEach, describe, expect, it, vi } from "vitest";
import * as lfm2InNode from "../../src/index.ts";
import { findProgram } from "./engine.ts";
import { inEveryEngine, type Library } from "./every-engine.ts";

/** Why a model does not open. */
async function refusalOfUrl(lfm2: Library, url: string): Promise<string> {
  return lfm2.open(url).then(
    () => "opened",
    (error) => `${error.name}: ${error.message}`,
  );
}

async function refusalOfBlob(lfm2: Library, content: string): Promise<string> {
  return lfm2.open(new Blob([content])).then(
    () => "opened",
    (error) => `${error.name}: ${error.message}`,
  );
}

inEveryEngine({ isolated: false }, (page) => {
  it("refuses an address where nothing is, in Node's words", async () => {
    const url = `${page.url}golden/nano/absent.gguf`;
    const found = await page.run(refusalOfUrl, url);
    expect(found).toContain("absent.gguf");
    expect(found).toBe(await refusalOfUrl(lfm2InNode, url));
  });

  it("refuses a Blob that is no model, in Node's words", async () => {
    const found = await page.run(refusalOfBlob, "Hello!");
    expect(found).toContain("expected a GGUF or safetensors file");
    expect(found).toBe(await refusalOfBlob(lfm2InNode, "Hello!"));
  });
});

describe("a browser that is not installed", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it("is named, with the packages that bring it", () => {
    vi.stubEnv("LFM2_CHROMIUM", "/nowhere/chromium");
    expect(() => findProgram("Chromium", "LFM2_CHROMIUM", [])).toThrow(
      "Chromium: expected a program at /nowhere/chromium, found none. " +
        "Install the browsers (apt-get install -y chromium firefox-esr webkit2gtk-driver xvfb), " +
        "or set LFM2_CHROMIUM to its path.",
    );
  });
});
