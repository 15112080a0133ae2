import { describe, expect, it } from "vitest";
import { locateInNode, open } from "../../src/index.ts";

const refused: [string, object, string][] = [
  ["a signal that is none", { signal: 5 }, "signal: expected an AbortSignal, found a number. Pass controller.signal."],
  [
    "the controller in place of its signal",
    { signal: new AbortController() },
    "signal: expected an AbortSignal, found AbortController.",
  ],
  ["no function for progress", { onProgress: true }, "onProgress: expected a function, found a boolean."],
  ["headers as a list", { headers: [["a", "b"]] }, 'headers: expected an object such as { Authorization: "Bearer …" }'],
  ["headers as Headers", { headers: new Headers() }, "found Headers."],
  ["headers as a Map", { headers: new Map() }, "found Map."],
  ["headers as a text", { headers: "Authorization: x" }, "found a string."],
  ["no headers", { headers: null }, "found null."],
  ["a header that is no text", { headers: { "X-A": 5 } }, 'headers: "X-A": expected a text, found a number.'],
  ["a header's name with a space", { headers: { "X A": "secret" } }, 'headers: "X A": expected a name and a text that'],
  ["a header's text of two lines", { headers: { "X-A": "secret\nX-B: c" } }, 'headers: "X-A": expected a name and a'],
  ["a header's text beyond Latin-1", { headers: { "X-A": "密" } }, 'headers: "X-A": expected a name and a text that'],
  ["a range of the caller's", { headers: { range: "bytes=0-1" } }, 'headers: "range": expected it left out'],
  ["no time at all", { stallTimeoutMs: 0 }, "stallTimeoutMs: expected milliseconds from 1 to 2147483647, found 0."],
  ["a time that is no number", { stallTimeoutMs: Number.NaN }, "found NaN."],
  ["a time for ever", { stallTimeoutMs: Number.POSITIVE_INFINITY }, "found Infinity."],
  ["an unknown pre-tokenizer", { tokenizerPre: "qwen2" }, 'tokenizerPre: expected lfm2 or llama-bpe, found "qwen2".'],
  ["assets that are none", { assets: 7 }, "assets: expected a URL, or an object of them, found a number."],
  ["a file that is none of ours", { assets: { "worker.js": "" } }, 'assets: "worker.js": expected files-thread.js or'],
  ["an address that is none", { assets: { "relaxed.wasm": 7 } }, 'assets: "relaxed.wasm": expected a URL, found a'],
  ["a time as text", { stallTimeoutMs: "5s" }, "found a string."],
];
it.each(refused)("open refuses %s, and shows no secret", async (_, options, message) => {
  const error = await open("https://unasked.invalid/m.gguf", options as never).catch((found: Error) => found);
  expect(error).toHaveProperty("name", "OptionError");
  const text = (error as Error).message;
  expect(text).toContain(message);
  expect(text).not.toContain("secret");
});

describe("a name that open does not know", () => {
  const said = async (options: object) =>
    (await open(undefined, options as never).catch((found: Error) => found)) as Error;

  it.each([
    ["n_ctx", "contextLength"],
    ["contextSize", "contextLength"],
    ["n_threads", "threads"],
    ["cache_type_k", "kvType"],
    ["progress_callback", "onProgress"],
    ["hf_token", 'headers: { Authorization: "Bearer …" }'],
    ["modelPath", "the first argument of open"],
    ["gpuLayers", "backend: it knows no GPU"],
    ["temperature", "an option of each call"],
  ])("but is elsewhere, %s, is led to ours", async (theirs, ours) => {
    const { name, message } = await said({ [theirs]: 1 });
    expect(name).toBe("OptionError");
    expect(message).toMatch(`${theirs}: expected an option of open (backend, mode, kvType, contextLength, `);
    expect(message.endsWith(`tokenizerPre), found another. Here it is ${ours}.`)).toBe(true);
  });

  it("at all is refused with those that are", async () => {
    const { message } = await said({ kvtype: "f16" });
    expect(message).toMatch(
      /^kvtype: expected an option of open \(.*signal.*\), found another\. Check the spelling\.$/,
    );
    // What is undefined counts as left out.
    const model = await open(undefined, { n_ctx: undefined } as never);
    await model.close();
  });
});

it.each([5, null, [], "x"])("open refuses %j for options", async (options) => {
  await expect(open(undefined, options as never)).rejects.toThrow("options: expected an object, found ");
});

const sources: [string, unknown, string][] = [
  ["a number", 5, "found 5."],
  ["null", null, "found null."],
  ["a list of numbers", [1], "found 1."],
  ["a list of Blobs without names", [new Blob(["x"])], "found Blob."],
  ["an object", {}, "found Object."],
  ["an empty list", [], "found an empty one. Choose a file."],
  ["a length without end", { length: 1e9 }, "at most 100000 Files, found 1000000000."],
  ["shared memory", new SharedArrayBuffer(8), "found SharedArrayBuffer."],
];
it.each(sources)("open refuses %s for a model", async (_, source, found) => {
  const opening = open(source as never);
  await expect(opening).rejects.toHaveProperty("name", "SourceError");
  await expect(opening).rejects.toThrow(/^model: expected (a path, a URL, a Blob, bytes or )?a list of /);
  await expect(opening).rejects.toThrow(found);
});

it("a URL's scheme may be written in capitals", async () => {
  const { folder, file } = await locateInNode("HTTPS://host.test/a/m.gguf");
  expect([folder.name, file]).toEqual(["https://host.test/a/", "m.gguf"]);
});
