// The text thread in a page: the page keeps its turns, whatever a model's files make the thread do.
import { expect, it } from "vitest";
import { HANDMADE } from "../fuzz/hostile-templates.ts";
import { inEveryEngine, type Library } from "./every-engine.ts";

/** What is promised is 50 ms; four times that, for a machine that does other work beside. Building takes some 270 ms. */
const MOST_GAP_MS = 200;
const TIMES = 3;

type Round = {
  readonly outcome: string;
  /** The longest time between two turns of the page. */
  readonly gapMs: number;
};

/**
 * What becomes of texts, one after another, under a tokenizer of 65,536 tokens, or the embedded model's with another
 * split pattern; and of a conversation under a template.
 */
async function rounds(
  _: Library,
  { template, pattern, texts, times }: { template: string; pattern: string; texts: readonly string[]; times: number },
): Promise<Round[]> {
  // Written so that no tool changes it on its way into the page.
  const load = new Function("path", "return import(path)");
  const { createText } = await load("/dist/text/text.js");
  const { startBrowserText } = await load("/dist/text/start-browser.js");
  const { ownUrls } = await load("/dist/package-files/own-urls.js");
  const { BYTE_CHARACTERS } = await load("/dist/tokenizer/byte-alphabet.js");
  const file = await (await fetch("/golden/nano/hf/tokenizer.json")).json();
  if (pattern === "") {
    // Every byte and every pair of bytes but those that end in the last one: 256 + 256 · 255.
    const last: string = BYTE_CHARACTERS.at(-1);
    const merges = BYTE_CHARACTERS.flatMap((a: string) => BYTE_CHARACTERS.map((b: string) => [a, b]));
    file.model.merges = merges.filter(([, b]: [string, string]) => b !== last);
    const tokens = [...BYTE_CHARACTERS, ...file.model.merges.map((pair: string[]) => pair.join(""))];
    file.model.vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
    file.added_tokens = [];
    file.post_processor = null;
  } else file.pre_tokenizer.pretokenizers[0].pattern.Regex = pattern;
  const bytes = new TextEncoder().encode(JSON.stringify(file));

  const found: Round[] = [];
  for (let i = 0; i < times; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100)); // what was done above is not counted
    const tokenizer = { kind: "json", tokenizer: bytes, config: {} };
    const text = createText(() => startBrowserText(ownUrls()), {
      tokenizer,
      chatTemplate: template,
      embeddingRows: undefined,
    });
    let [last, gapMs] = [performance.now(), 0];
    const turn = () => {
      gapMs = Math.max(gapMs, performance.now() - last);
      last = performance.now();
    };
    const timer = setInterval(turn, 4);
    const told = (error: Error) => `${error.name}: ${error.message}`;
    const said: string[] = [];
    const { vocabSize, encode, decode } = await text.tokenizer();
    said.push(String(vocabSize));
    for (const given of texts) {
      said.push(await encode(given).then((ids: number[]) => (decode(ids) === given ? "the same" : "another"), told));
    }
    const messages = [{ role: "user", content: "Hello!" }];
    said.push(await text.render(messages, {}).then((prompt: { text: string }) => prompt.text, told));
    turn();
    clearInterval(timer);
    await text.close();
    found.push({ outcome: said.join("; "), gapMs });
  }
  return found;
}

/** What is said when the thread's script is not there. */
async function withoutScript(_: Library): Promise<string> {
  const load = new Function("path", "return import(path)");
  const { createText } = await load("/dist/text/text.js");
  const { startThread } = await load("/dist/worker/start-browser.js");
  const start = () =>
    startThread("text-thread.js", { "text-thread.js": new URL("/dist/nowhere.js", location.href).href });
  const text = createText(start, { tokenizer: {}, chatTemplate: undefined, embeddingRows: undefined });
  return text.tokenizer().then(
    () => "a tokenizer",
    (error: Error) => `${error.name}: ${error.message}`,
  );
}

inEveryEngine({ isolated: false }, (page) => {
  it("builds a tokenizer of 65,536 tokens and runs a hostile template, and the page keeps its turns", async ({
    annotate,
  }) => {
    const template = HANDMADE["nested ranges"];
    const texts = ["seven more words for a model ".repeat(500)];
    const found = await page.run(rounds, { template, pattern: "", texts, times: TIMES });
    await annotate(JSON.stringify(found));
    for (const { outcome } of found)
      expect(outcome).toMatch(/^65536; the same; ChatError: Chat template: expected (at most \d+ steps|a prompt)/);
    // Work in the page itself would show every time.
    expect(Math.min(...found.map(({ gapMs }) => gapMs))).toBeLessThan(MOST_GAP_MS);
  });

  it("ends a split pattern that backtracks without end, and goes on", async ({ annotate }) => {
    // WebKit gives a search up after some tenths of a second, so there are twenty of them, a token apart.
    const hopeless = `${"a".repeat(50)}<|im_end|>`.repeat(20);
    const [found] = await page.run(rounds, {
      template: "{{ messages[0].content }}",
      pattern: "(?:[a-z]+)+!|\\s|[^\\s]",
      texts: [hopeless, "so! on"],
      times: 1,
    });
    await annotate(JSON.stringify(found));
    const told = "TokenizerError: text: expected ids for 1200 characters, found no end of it within 1 s.";
    expect(found.outcome).toContain(`; ${told}; the same; Hello!`);
  });

  it("says so when its script cannot be loaded", async () => {
    expect(await page.run(withoutScript, null)).toMatch(
      /^SourceError: http:.*nowhere.js: expected a script of this package, found HTTP 404/,
    );
  });
});
