import { readdirSync, readFileSync, statSync } from "node:fs";
import { expect, it } from "vitest";
import { inEveryEngine, type Library } from "./every-engine.ts";

const NANO = new URL("../../golden/nano/", import.meta.url);
const FILE = "lfm2-nano-Q4_0.gguf";
const fileBytes = statSync(new URL(FILE, NANO)).size;

const [golden] = JSON.parse(readFileSync(new URL("golden.json", NANO), "utf8"));
const ids: number[] = golden.ids;
const expected: number[] = golden.greedy_ids.slice(0, 16);

type Request = { ids: readonly number[]; url: string };

async function fromUrl(lfm2: Library, { ids, url }: Request): Promise<number[]> {
  const model = await lfm2.open(url);
  const found: number[] = [];
  for await (const id of model.generate(ids, { maxTokens: 16 })) found.push(id);
  await model.close();
  return found;
}

async function fromBlob(lfm2: Library, { ids, url }: Request): Promise<number[]> {
  const model = await lfm2.open(await (await fetch(url)).blob());
  const found: number[] = [];
  for await (const id of model.generate(ids, { maxTokens: 16 })) found.push(id);
  await model.close();
  return found;
}

/** As a file input with `webkitdirectory` gives them. */
async function fromFiles(
  lfm2: Library,
  { ids, url, names }: Request & { names: readonly string[] },
): Promise<number[]> {
  const files = names.map(async (name) => new File([await (await fetch(url + name)).blob()], name));
  const model = await lfm2.open(await Promise.all(files));
  const found: number[] = [];
  for await (const id of model.generate(ids, { maxTokens: 16 })) found.push(id);
  await model.close();
  return found;
}

inEveryEngine({ isolated: false }, (page) => {
  it("opens a URL by ranges, and fetches no byte of weights twice", async () => {
    expect(await page.run(fromUrl, { ids, url: `golden/nano/${FILE}` })).toEqual(expected);
    const answers = page.sent.filter(({ path }) => path.endsWith(FILE));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([206]));
    const bytes = answers.reduce((sum, answer) => sum + answer.bytes, 0);
    // The header is read by the page and is a small part of the file.
    expect(bytes).toBeLessThan(1.1 * fileBytes);
  });

  it("opens a URL of a server that knows no ranges", async () => {
    expect(await page.run(fromUrl, { ids, url: `golden/nano/${FILE}?whole` })).toEqual(expected);
  });

  it("opens a Blob", async () => {
    expect(await page.run(fromBlob, { ids, url: `golden/nano/${FILE}` })).toEqual(expected);
  });

  it("opens the Files of a Hugging Face folder", async () => {
    const names = readdirSync(new URL("hf/", NANO));
    expect(await page.run(fromFiles, { ids, url: "golden/nano/hf/", names })).toEqual(expected);
  });

  it("opens the URL of a Hugging Face folder", async () => {
    expect(await page.run(fromUrl, { ids, url: "golden/nano/hf/" })).toEqual(expected);
  });
});
