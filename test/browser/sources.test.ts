import { readdirSync, readFileSync, statSync } from "node:fs";
import { expect, it } from "vitest";
import { inEveryEngine, type Library } from "./every-engine.ts";
import { READ_AHEAD } from "./site.ts";

const NANO = new URL("../../golden/nano/", import.meta.url);
const FILE = "lfm2-nano-Q4_0.gguf";
const fileBytes = statSync(new URL(FILE, NANO)).size;

const [golden] = JSON.parse(readFileSync(new URL("golden.json", NANO), "utf8"));
const ids: number[] = golden.ids;
const expected: number[] = golden.greedy_ids.slice(0, 16);

interface Asked {
  ids: readonly number[];
  from: "URL" | "Blob" | "Files";
  url: string;
  names?: readonly string[];
}

/** 16 new ids of a model that is opened from what is found at `url`; `Files` are as a file input gives a folder. */
async function newIdsFrom(lfm2: Library, { ids, from, url, names = [] }: Asked): Promise<number[]> {
  const blobAt = async (url: string) => (await fetch(url)).blob();
  const files = names.map(async (name) => new File([await blobAt(url + name)], name));
  const source = from === "URL" ? url : from === "Blob" ? await blobAt(url) : await Promise.all(files);
  const model = await lfm2.open(source);
  const found: number[] = [];
  for await (const id of model.generate(ids, { maxTokens: 16 })) found.push(id);
  await model.close();
  return found;
}

inEveryEngine({ isolated: false }, (page) => {
  it("opens a URL by ranges, and fetches no byte of weights twice", async () => {
    expect(await page.run(newIdsFrom, { ids, from: "URL", url: `golden/nano/${FILE}` })).toEqual(expected);
    const answers = page.sent.filter(({ path }) => path.endsWith(FILE));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([206]));
    const bytes = answers.reduce((sum, answer) => sum + answer.bytes, 0);
    // Beside the weights: the header with what is read ahead of it, and a few bytes to learn the file's size and kind.
    expect(bytes).toBeLessThan(fileBytes + READ_AHEAD + 100);
  });

  it("opens a URL of a server that knows no ranges", async () => {
    expect(await page.run(newIdsFrom, { ids, from: "URL", url: `golden/nano/${FILE}?whole` })).toEqual(expected);
  });

  it("opens a URL that leads to another", async () => {
    expect(await page.run(newIdsFrom, { ids, from: "URL", url: `golden/nano/${FILE}?redirect` })).toEqual(expected);
  });

  it("opens a Blob", async () => {
    expect(await page.run(newIdsFrom, { ids, from: "Blob", url: `golden/nano/${FILE}` })).toEqual(expected);
  });

  it("opens the Files of a Hugging Face folder", async () => {
    const names = readdirSync(new URL("hf/", NANO));
    expect(await page.run(newIdsFrom, { ids, from: "Files", url: "golden/nano/hf/", names })).toEqual(expected);
  });

  it("opens the URL of a Hugging Face folder", async () => {
    expect(await page.run(newIdsFrom, { ids, from: "URL", url: "golden/nano/hf/" })).toEqual(expected);
  });
});
